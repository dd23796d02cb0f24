"""Suggestions of plates while typing: what was seen last, of the person's cameras, on record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.camera_scope import CameraScope
from domain.clock import NS_PER_DAY, NS_PER_S
from domain.people import Role
from tests.api.site_data import START_NS

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent


@pytest.fixture
def now_s(site: Site) -> float:
    """The present, in seconds after the first event of the tests."""
    return (site.context.clock.wall_ns() - START_NS) / NS_PER_S


def plates(site: Site, start: str) -> list[str]:
    answer = site.get(f"/v1/plates?start={start}")
    assert answer.status_code == 200, answer.text
    return [item["plate"] for item in answer.json()["items"]]


def test_plates_are_listed_once_the_last_seen_first(
    site: Site, make_event: MakeEvent, now_s: float
) -> None:
    for before_s, plate in ((400, "鄂C12345"), (300, "鄂C12888"), (200, "鄂C12345"), (100, "京A1")):
        site.context.index.put(make_event(now_s - before_s, plate=plate))
    assert plates(site, "鄂c·12") == ["鄂C12345", "鄂C12888"]
    assert plates(site, "鄂C?28") == ["鄂C12888"]
    assert plates(site, "鄂C12&limit=1") == ["鄂C12345"]
    body = site.get("/v1/plates?start=鄂C128").json()
    assert body["is_whole"]
    assert body["items"][0]["camera"] == "east-gate"


def test_old_passings_and_other_areas_are_left_out(
    site: Site, make_event: MakeEvent, now_s: float
) -> None:
    old_s = 31 * NS_PER_DAY // NS_PER_S
    site.context.index.put(make_event(now_s - old_s, plate="鄂C12001"))
    site.context.index.put(make_event(now_s - 50, "east-gate", "鄂C12002"))
    site.context.index.put(make_event(now_s - 40, "west-gate", "鄂C12003"))
    assert plates(site, "鄂C12") == ["鄂C12003", "鄂C12002"]
    limited = site.context.people.add(
        "plates.east", Role.OPERATOR, scope=CameraScope(cameras=("east-gate",))
    )
    site.tokens[Role.INVESTIGATOR] = limited.token
    assert plates(site, "鄂C12") == ["鄂C12002"]


def test_a_list_of_everything_is_refused_and_each_list_is_on_record(site: Site) -> None:
    refused = site.get("/v1/plates?start=鄂*")
    assert (refused.status_code, "3 known characters" in refused.text) == (400, True)
    assert site.get("/v1/plates?start=鄂C1", reason=None).status_code == 403
    assert plates(site, "鄂C1") == []
    line = json.loads(site.audit_lines()[-1])
    assert (line["route"], line["terms"]) == ("plates.list", {"start": "鄂C1"})
