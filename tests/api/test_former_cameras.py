"""Recordings of a camera that left the registry are readable; an unknown camera is 404."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.access.api_context import SiteRegistry
from domain.clock import rfc3339
from domain.people import Role
from domain.registry.former import FormerCamera
from storage.site.nodes import NodeEntry, Nodes
from tests.api.an_hour_ago import CAMERA, Record, at, record_twice, span

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

LEFT_S = 30


@pytest.fixture
def left(open_site: OpenSite, record: Record) -> Site:
    """Open a site where `east-gate` was recorded and left the registry half a minute later."""
    from tests.api.site_data import REGISTRY

    gone = REGISTRY.camera("east-gate")
    assert gone is not None
    others = tuple(camera for camera in REGISTRY.cameras if camera is not gone)
    known = {gone.id: FormerCamera(camera=gone, left_at=at(LEFT_S))}
    now = SiteRegistry(REGISTRY.model_copy(update={"cameras": others}), former=known)
    site = open_site(registry=lambda: now)
    record_twice(site, record)
    return site


def test_its_entry_has_the_time_of_its_removal(left: Site) -> None:
    entry = left.get(CAMERA).json()
    assert entry["left_registry_at"] == rfc3339(at(LEFT_S))
    assert (entry["class"], entry["area"]) == ("A", "danjiangkou/junzhou")
    assert (entry["enabled"], entry["live"], entry["state"]) == (False, False, "unknown")
    assert left.get("/v1/cameras/west-gate").json()["left_registry_at"] is None
    assert left.get("/v1/cameras/never").status_code == 404


def test_it_is_listed_on_request(left: Site) -> None:
    def listed(query: str) -> list[tuple[str, str | None]]:
        items = left.get(f"/v1/cameras{query}").json()["items"]
        return [(item["id"], item["left_registry_at"]) for item in items]

    others = [("school", None), ("west-gate", None)]
    assert listed("") == others
    assert listed("?former=1") == [("east-gate", rfc3339(at(LEFT_S))), *others]
    assert listed("?former=1&class=B") == [("school", None)]


def test_its_coverage_ends_where_it_left(left: Site) -> None:
    coverage = left.get(f"{CAMERA}/coverage?{span(0, 60)}").json()
    assert [(one["from"], one["to"]) for one in coverage["recorded"]] == [
        (rfc3339(at(0)), rfc3339(at(8))),
        (rfc3339(at(14)), rfc3339(at(18))),
    ]
    last = coverage["gaps"][-1]
    assert (last["from"], last["cause"]) == (rfc3339(at(LEFT_S)), "not_asked")
    assert "no longer in the registry" in last["detail"]


def test_its_recordings_are_still_readable(left: Site) -> None:
    assert left.get(f"{CAMERA}/recording?{span(1, 5)}").status_code == 200
    playlist = left.get(f"{CAMERA}/playlist?{span(0, 18)}").json()
    for part in playlist["segments"]:
        assert left.http.get(left.url + part["media"]).status_code == 200
    assert left.http.get(left.url + playlist["hls"]).text.count("segments/") >= 3
    assert left.get(f"{CAMERA}/keyframes?{span(0, 8)}").status_code == 200
    assert left.get(f"{CAMERA}/picture?at={rfc3339(at(2))}").status_code == 200


def test_rights_are_unchanged(left: Site) -> None:
    for call in (f"coverage?{span(0, 8)}", f"recording?{span(0, 8)}"):
        assert left.get(f"{CAMERA}/{call}", Role.AUDITOR).status_code == 403


def test_its_range_can_be_held(left: Site) -> None:
    asked = {"camera": "east-gate", "from": rfc3339(at(0)), "to": rfc3339(at(8)), "reason": "court"}
    assert left.get("/v1/holds", method="POST", body=asked).status_code == 201
    asked["camera"] = "never"
    assert left.get("/v1/holds", method="POST", body=asked).status_code == 404


def test_requests_for_the_live_camera_report_its_removal(left: Site) -> None:
    answer = left.get(f"{CAMERA}/picture")
    assert answer.status_code == 404
    assert rfc3339(at(LEFT_S)) in answer.json()["detail"]
    body = {"reason": "a test"}
    assert left.get(f"{CAMERA}/triggers", method="POST", body=body).status_code == 404


def test_a_loss_of_redis_does_not_hide_recordings_of_nodes(left: Site) -> None:
    """No node acquires the camera again, so all nodes are queried."""
    left.redis.do("DEL", "{leases}:held", "{leases}:past")
    assert left.context.leases.holders("east-gate") == ()
    Nodes(left.redis).beat(NodeEntry("node-1", left.node_api_url, 1, left.context.clock.wall_ns()))
    coverage = left.get(f"{CAMERA}/coverage?{span(0, 8)}").json()
    assert len(coverage["recorded"]) == 1
    assert left.get(f"{CAMERA}/recording?{span(1, 5)}").status_code == 200
