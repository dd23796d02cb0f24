"""The nodes of the site over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.camera_scope import CameraScope
from domain.camera_states import CameraState, Shed
from domain.clock import rfc3339
from domain.people import Role
from storage.site.node_reports import (
    NodeDisk,
    NodeLoad,
    NodeReport,
    NodeReports,
    NodeWorkers,
)

if TYPE_CHECKING:
    from tests.api.conftest import Site

REPORT = NodeReport(
    version="0.1.0",
    workers=NodeWorkers(configured=4, running=3),
    cameras={"A": {CameraState.LIVE: 40, CameraState.UNREACHABLE: 2}},
    shed={Shed.ANALYTICS_SLOWER: 5},
    load=NodeLoad(processor=1.2, disk=0.0),
    disk=NodeDisk(
        recordings_bytes=10, other_bytes=2, limit_bytes=100, free_bytes=50, reserve_bytes=5
    ),
    upload_waits_since=None,
    spool_events=7,
    clock_offset_ms=-3,
)


def test_nodes_are_listed_with_their_last_figures(site: Site) -> None:
    reports = NodeReports(site.redis)
    reports.publish("east", REPORT)
    gone_ns = reports.publish("west", REPORT) - 3_600 * 10**9
    site.redis.do("HSET", "{nodes}:seen", "west", gone_ns // 10**6)
    answer = site.get("/v1/nodes", Role.ADMIN, None)
    assert answer.status_code == 200, answer.text
    east, west = answer.json()["items"]
    assert (east["id"], east["state"], east["offline_since"]) == ("east", "online", None)
    assert (west["id"], west["state"], west["offline_since"]) == (
        "west",
        "offline",
        rfc3339(gone_ns),
    )
    assert west["seen_at"] == west["offline_since"]
    assert (
        east["report"]
        == west["report"]
        == {
            "version": "0.1.0",
            "workers": {"configured": 4, "running": 3},
            "cameras": {"A": {"live": 40, "unreachable": 2}},
            "shed": {"analytics_slower": 5},
            "load": {"processor": 1.2, "disk": 0.0},
            "disk": {
                "recordings_bytes": 10,
                "other_bytes": 2,
                "limit_bytes": 100,
                "free_bytes": 50,
                "reserve_bytes": 5,
            },
            "upload_waits_since": None,
            "spool_events": 7,
            "clock_offset_ms": -3,
            "schema": 1,
        }
    )


def test_nodes_have_pages(site: Site) -> None:
    for number in range(5):
        NodeReports(site.redis).publish(f"node-{number}", REPORT)
    found: list[str] = []
    query = "?limit=2"
    while query:
        page = site.get(f"/v1/nodes{query}").json()
        found += [node["id"] for node in page["items"]]
        query = f"?limit=2&next={page['next']}" if page["next"] else ""
    assert found == [f"node-{number}" for number in range(5)]


def test_a_person_with_a_limited_scope_is_refused(site: Site) -> None:
    """The figures of a node are about all its cameras."""
    scope = CameraScope(cameras=("school",))
    site.tokens[Role.OPERATOR] = site.context.people.add(
        "limited-of-nodes", Role.OPERATOR, (), scope
    ).token
    answer = site.get("/v1/nodes", Role.OPERATOR)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:sightline:problem:forbidden")


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.METRICS, Role.TRIGGERS])
def test_it_needs_the_right_to_read_cameras(site: Site, role: Role) -> None:
    assert site.get("/v1/nodes", role).status_code == 403
