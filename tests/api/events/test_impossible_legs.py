"""Impossible legs over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

DAY = "from=2025-11-24T15:00:00Z&to=2025-11-25T16:00:00Z"


def test_impossible_legs_are_listed_the_latest_first_by_pages(
    site: Site, make_event: MakeEvent
) -> None:
    plates = [f"鄂F8888{n}" for n in range(5)]
    for n, plate in enumerate(plates):
        site.context.index.put_all(
            [make_event(n * 100, "east-gate", plate), make_event(n * 100 + 5, "west-gate", plate)]
        )
    site.context.index.put_all(
        [make_event(7, "east-gate", "京A12345"), make_event(1500, "west-gate", "京A12345")]
    )
    whole = site.get(f"/v1/journeys/impossible?{DAY}").json()
    assert ([item["plate"] for item in whole["items"]], whole["next"], whole["exact"]) == (
        plates[::-1],
        None,
        True,
    )
    first = whole["items"][0]
    assert [one["camera"] for one in first["sightings"]] == ["east-gate", "west-gate"]
    assert (first["leg"]["impossible"], first["leg"]["seconds"]) == (True, 5)
    found, cursor = list[str](), ""
    for _ in range(3):
        page = site.get(f"/v1/journeys/impossible?{DAY}&limit=2{cursor}").json()
        found += [item["plate"] for item in page["items"]]
        cursor = f"&next={page['next']}"
    assert (found, page["next"]) == (plates[::-1], None)


def test_they_are_filtered_by_either_end(site: Site, make_event: MakeEvent) -> None:
    site.context.index.put_all([make_event(0, "school"), make_event(5, "west-gate")])
    cases = {
        "camera=school": 1,
        "camera=west-gate": 1,
        "camera=east-gate": 0,
        "area=danjiangkou": 1,
        "area=danjiangkou/junzhou": 1,
        "area=shi": 0,
        "plate=鄂F8*": 1,
        "plate=京*": 0,
        "from=2025-11-24T16:00:06Z": 0,
    }
    for query, count in cases.items():
        range_ = DAY if "from" not in query else "to=2025-11-25T16:00:00Z"
        assert (
            len(site.get(f"/v1/journeys/impossible?{range_}&{query}").json()["items"]) == count
        ), query


def test_a_deleted_event_is_not_shown(site: Site, make_event: MakeEvent) -> None:
    event = make_event(5, "west-gate")
    site.context.index.put_all([make_event(0), event])
    assert len(site.get(f"/v1/journeys/impossible?{DAY}").json()["items"]) == 1
    site.context.index.remove(event.id)
    assert site.get(f"/v1/journeys/impossible?{DAY}").json()["items"] == []


def test_more_than_a_month_is_refused(site: Site) -> None:
    answer = site.get("/v1/journeys/impossible?from=2025-01-01T00:00:00Z&to=2025-11-25T16:00:00Z")
    assert (answer.status_code, answer.json()["field"]) == (400, "from")
    assert "31 days" in answer.json()["detail"]
