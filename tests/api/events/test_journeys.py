"""Journeys over HTTP: pages, likely misreadings, and cameras on the route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.events.event import Alternative, Correction, Plate
from domain.plates import PlateColor

if TYPE_CHECKING:
    from domain.events.event import Event
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

DAY = "from=2025-11-24T15:00:00Z&to=2025-11-25T16:00:00Z"


def filled(site: Site, *events: Event) -> tuple[Event, ...]:
    site.context.index.put_all(events)
    return events


def unread(alternative: str) -> Plate:
    return Plate(
        text="",
        color=PlateColor.BLUE,
        confidence=0.2,
        alternatives=(Alternative(text=alternative, confidence=0.3),),
    )


def test_pages_of_a_journey_join_into_the_whole(site: Site, make_event: MakeEvent) -> None:
    filled(site, *(make_event(n * 700, ["east-gate", "west-gate"][n % 2]) for n in range(23)))
    whole = site.get(f"/v1/journeys?plate=鄂F88888&{DAY}").json()
    assert (len(whole["sightings"]), len(whole["legs"]), whole["truncated"], whole["next"]) == (
        23,
        22,
        False,
        None,
    )
    sightings: list[object] = []
    legs: list[object] = []
    cursor = ""
    for _ in range(5):
        page = site.get(f"/v1/journeys?plate=鄂F88888&{DAY}&limit=5{cursor}").json()
        assert page["truncated"] is (page["next"] is not None)
        assert len(page["legs"]) == len(page["sightings"]) - (not cursor), (
            "the first leg of a later page comes from the page before"
        )
        sightings, legs, cursor = (
            sightings + page["sightings"],
            legs + page["legs"],
            f"&next={page['next']}",
        )
    assert page["next"] is None
    assert (sightings, legs) == (whole["sightings"], whole["legs"])


def test_likely_misreadings_are_joined_and_say_so(site: Site, make_event: MakeEvent) -> None:
    first, misread, doubted, last = filled(
        site,
        make_event(0),
        make_event(200, "school", "鄂F888B8"),
        make_event(500, "school").model_copy(update={"plate": unread("鄂F88888")}),
        make_event(1500, "west-gate"),
    )
    filled(site, make_event(210, "west-gate", "鄂F8883B"), make_event(220, "school", "京A12345"))
    plain = site.get(f"/v1/journeys?plate=鄂F88888&{DAY}").json()
    assert [one["id"] for one in plain["sightings"]] == [first.id, last.id]
    assert plain["matches"] == []
    fuzzy = site.get(f"/v1/journeys?plate=鄂F88888&{DAY}&fuzzy=1").json()
    assert [one["id"] for one in fuzzy["sightings"]] == [first.id, misread.id, doubted.id, last.id]
    assert [one["tie"] for one in fuzzy["matches"]] == [
        "exact",
        "misreading",
        "alternative",
        "exact",
    ]
    assert "easily read as B; 200 s after east-gate, 0.7 km away" in fuzzy["matches"][1]["reason"]
    assert len(fuzzy["legs"]) == 3
    assert fuzzy["likely_truncated"] is False


def test_a_page_repeats_no_misreading_after_a_deletion(site: Site, make_event: MakeEvent) -> None:
    first, misread, second, third = filled(
        site,
        make_event(0),
        make_event(200, "school", "鄂F888B8"),
        make_event(1500, "west-gate"),
        make_event(1900),
    )
    address = f"/v1/journeys?plate=鄂F88888&{DAY}&fuzzy=1&limit=2"
    page = site.get(address).json()
    assert [one["id"] for one in page["sightings"]] == [first.id, misread.id, second.id]
    site.context.index.remove(second.id)
    page = site.get(f"{address}&next={page['next']}").json()
    assert [one["id"] for one in page["sightings"]] == [third.id]


def test_a_journey_follows_corrections(site: Site, make_event: MakeEvent) -> None:
    first, other = filled(site, make_event(0), make_event(600, "west-gate", "鄂F888B8"))
    correction = Correction(
        text="鄂F88888", original="鄂F888B8", by="li.wei", at=first.started_at, version=1
    )
    site.context.index.correct(other.id, correction)
    assert [
        one["id"] for one in site.get(f"/v1/journeys?plate=鄂F88888&{DAY}").json()["sightings"]
    ] == [first.id, other.id]
    assert site.get(f"/v1/journeys?plate=鄂F888B8&{DAY}&fuzzy=1").json()["sightings"] == []


def test_passed_and_expected_cameras(site: Site, make_event: MakeEvent) -> None:
    filled(site, make_event(0, "school"), make_event(900, "west-gate"))
    journey = site.get(f"/v1/journeys?plate=鄂F88888&{DAY}").json()
    assert [one["id"] for one in journey["legs"][0]["passed"]] == ["east-gate"], (
        "it lies between the two"
    )
    assert [one["id"] for one in journey["expected"]] == ["east-gate", "school"], (
        "the nearest first"
    )
    assert journey["expected"][0]["name"] == "均州路东口卡口"
    bare = site.get(f"/v1/journeys?plate=鄂F88888&{DAY}&around=0").json()
    assert (bare["legs"][0]["passed"], bare["expected"]) == ([], [])


def test_an_impossible_leg_has_no_passed_cameras(site: Site, make_event: MakeEvent) -> None:
    filled(site, make_event(0, "school"), make_event(5, "west-gate"))
    (leg,) = site.get(f"/v1/journeys?plate=鄂F88888&{DAY}").json()["legs"]
    assert (leg["impossible"], leg["passed"]) == (True, [])
