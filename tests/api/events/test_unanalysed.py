"""Searches, histograms and journeys state what they could not have found, within the scope."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.clock import NS_PER_S, rfc3339
from domain.paths.object_keys import day_of
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from storage.recordings.gaps.site_coverage import SiteCoverage
from tests.api.site_data import START_NS

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent


def at(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


SPAN = f"from={rfc3339(at(0))}&to={rfc3339(at(600))}"


@pytest.fixture
def gaps_site(open_site: OpenSite) -> Site:
    """A site whose checkpoints were not analysed all the time."""
    site = open_site()
    coverage = SiteCoverage(site.redis)
    east = [
        PartlyAnalysed(at(100), at(130), PartlyCause.OVERLOAD),
        PartlyAnalysed(at(590), at(700), PartlyCause.CAMERA_DOWN),
    ]
    west = [PartlyAnalysed(at(0), at(5), PartlyCause.DECODER)]
    lost = {"east-gate": east, "west-gate": west, "school": west}
    coverage.put("node-1", day_of(START_NS), lost)
    return site


def stated(site: Site, path: str, **headers: str) -> dict[str, Any]:
    return dict(site.get(path).json()["unanalysed"])


def lacking(found: dict[str, Any]) -> dict[str, int]:
    assert found["camera_count"] == len(found["cameras"])
    assert found["missing_ms"] == sum(one["missing_ms"] for one in found["cameras"])
    return {one["camera"]: one["missing_ms"] for one in found["cameras"]}


@pytest.mark.parametrize(
    "path",
    ["/v1/events?", "/v1/events/histogram?", "/v1/journeys?plate=鄂F88888&"],
    ids=["search", "histogram", "journey"],
)
def test_each_answer_states_the_checkpoints_and_their_times(gaps_site: Site, path: str) -> None:
    found = stated(gaps_site, f"{path}{SPAN}")
    assert lacking(found) == {"east-gate": 40_000, "west-gate": 5_000}
    assert (found["from"], found["to"], found["is_summary"]) == (
        rfc3339(at(0)),
        rfc3339(at(600)),
        False,
    )
    east = found["cameras"][0]
    assert east["is_summary"] is False
    assert east["ranges"] == [
        {"from": rfc3339(at(100)), "to": rfc3339(at(130)), "cause": "overload"},
        {"from": rfc3339(at(590)), "to": rfc3339(at(600)), "cause": "camera_down"},
    ]


@pytest.mark.parametrize(
    ("filters", "cameras"),
    [
        ("camera=west-gate", ["west-gate"]),
        ("kind=face", ["west-gate"]),
        ("kind=vehicle", ["east-gate", "west-gate"]),
        ("class=B", []),
        ("area=danjiangkou", ["east-gate", "west-gate"]),
        ("near=111.413,32.54,100", ["west-gate"]),
        ("plate=鄂F88888&color=blue&direction=toward", ["east-gate", "west-gate"]),
    ],
)
def test_the_filters_of_cameras_count(gaps_site: Site, filters: str, cameras: list[str]) -> None:
    assert list(lacking(stated(gaps_site, f"/v1/events?{SPAN}&{filters}"))) == cameras


def test_only_the_first_page_states_it(gaps_site: Site, make_event: MakeEvent) -> None:
    gaps_site.context.index.put_all([make_event(1), make_event(2)])
    first = gaps_site.get(f"/v1/events?{SPAN}&limit=1").json()
    assert first["unanalysed"] is not None
    second = gaps_site.get(f"/v1/events?{SPAN}&limit=1&next={first['next']}").json()
    assert second["unanalysed"] is None


def test_a_time_without_losses_states_none(gaps_site: Site) -> None:
    span = f"from={rfc3339(at(200))}&to={rfc3339(at(300))}"
    assert lacking(stated(gaps_site, f"/v1/events?{span}")) == {}


def test_an_export_as_csv_ends_with_the_times_that_were_not_analysed(
    gaps_site: Site, make_event: MakeEvent
) -> None:
    event = make_event(200)
    gaps_site.context.index.put_all([event])
    answer = gaps_site.get(f"/v1/events?format=csv&{SPAN}")
    text = answer.content.decode("utf-8-sig")
    found, total, *ranges = csv.DictReader(io.StringIO(text, newline=""))
    assert answer.headers["Sightline-Rows"] == "1"
    assert (found["id"], found["note"]) == (event.id, "")
    assert (total["id"], total["kind"], total["camera"]) == ("", "unanalysed", "")
    assert total["note"] == "2 cameras were not analysed completely, 45000 ms in all"
    assert [(one["camera"], one["started_at"], one["ended_at"], one["note"]) for one in ranges] == [
        ("east-gate", rfc3339(at(100)), rfc3339(at(130)), "overload"),
        ("east-gate", rfc3339(at(590)), rfc3339(at(600)), "camera_down"),
        ("west-gate", rfc3339(at(0)), rfc3339(at(5)), "decoder"),
    ]
    assert {one["kind"] for one in ranges} == {"unanalysed"}


def test_an_export_as_ndjson_states_the_same_as_the_search(gaps_site: Site) -> None:
    last = gaps_site.get(f"/v1/events?format=ndjson&{SPAN}").text.splitlines()[-1]
    summary = json.loads(last)["summary"]
    assert summary["unanalysed"] == stated(gaps_site, f"/v1/events?{SPAN}")
    assert summary["rows"] == 0


def test_an_export_of_cameras_that_were_analysed_has_no_such_row(gaps_site: Site) -> None:
    span = f"from={rfc3339(at(200))}&to={rfc3339(at(300))}"
    answer = gaps_site.get(f"/v1/events?format=csv&{span}&camera=west-gate")
    assert len(answer.text.splitlines()) == 1


def test_only_the_first_file_of_an_export_states_the_times(
    gaps_site: Site, make_event: MakeEvent
) -> None:
    gaps_site.context.index.put_all([make_event(number) for number in range(3)])
    first = gaps_site.get(f"/v1/events?format=ndjson&limit=2&{SPAN}").text.splitlines()
    cursor = json.loads(first[-1])["summary"]["next"]
    second = gaps_site.get(f"/v1/events?format=ndjson&next={cursor}&{SPAN}").text.splitlines()
    assert json.loads(second[-1])["summary"]["unanalysed"] is None
