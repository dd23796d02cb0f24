"""A trigger through the API and the node API to the node's disk, and its refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from api.access.api_context import SiteRegistry
from domain.clock import NS_PER_S, parse_rfc3339
from domain.people import Role
from domain.registry import Registry
from domain.settings import Settings
from storage.recordings.trigger_log import TriggerLog

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site

PATH = "/v1/cameras/school/triggers"
FOR_EVER_NS = 1 << 62


def test_a_trigger_is_on_the_nodes_disk_before_the_response(site: Site) -> None:
    site.hold("school")
    answer = site.get(
        PATH, Role.INTEGRATOR, None, "POST", {"reason": "报警按钮 12 & more", "duration_s": 120}
    )
    assert answer.status_code == 201, answer.text
    assert site.get(answer.headers["Location"]).status_code == 200
    (trigger,) = TriggerLog(site.layout, Settings()).between("school", 0, FOR_EVER_NS)
    assert (trigger.source, trigger.reason, trigger.end_ns - trigger.start_ns) == (
        "api",
        "报警按钮 12 & more",
        120 * NS_PER_S,
    )
    said = answer.json()
    assert (said["camera"], said["reason"]) == ("school", trigger.reason)
    assert parse_rfc3339(said["to"]) - parse_rfc3339(said["from"]) == 120 * NS_PER_S
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["route"], entry["reason"], entry["status"], entry["terms"]) == (
        "camera.trigger",
        trigger.reason,
        201,
        {"id": "school", "duration_s": "120.0"},
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": " "}, "reason"),
        ({"reason": "a\nb"}, "reason"),
        ({"reason": "x", "duration_s": 0}, "duration_s"),
        ({"reason": "x", "duration_s": 1e9}, "duration_s"),
        ({"reason": "x", "duration": 5}, "duration"),
    ],
)
def test_an_invalid_trigger_names_the_fault(site: Site, body: object, field: str) -> None:
    site.hold("school")
    answer = site.get(PATH, method="POST", body=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert TriggerLog(site.layout, Settings()).between("school", 0, FOR_EVER_NS) == ()


def test_a_camera_without_a_node_accepts_no_trigger(site: Site) -> None:
    assert (
        site.get(PATH, method="POST", body={"reason": "x"}).json()["type"]
        == "urn:sightline:problem:node_offline"
    )
    assert (
        site.get(PATH.replace("school", "nowhere"), method="POST", body={"reason": "x"}).status_code
        == 404
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"record": "events", "triggers": ["motion"]}, "lacks `api`"),
        ({"enabled": False}, "disabled"),
    ],
)
def test_a_camera_without_api_triggers_refuses_them(
    open_site: OpenSite, changes: dict[str, object], why: str
) -> None:
    site = open_site()
    plain = site.context.registry().registry
    cameras = tuple(
        camera.model_copy(update=changes) if camera.id == "school" else camera
        for camera in plain.cameras
    )
    registry = Registry.model_construct(**{**dict(plain), "cameras": cameras})
    site = open_site(registry=lambda: SiteRegistry(registry))
    answer = site.get(PATH, method="POST", body={"reason": "x"})
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:sightline:problem:trigger_refused",
    )
    assert why in answer.json()["detail"]


def test_a_node_that_cannot_write_reports_it(site: Site) -> None:
    site.hold("school")
    site.layout.triggers.write_text("in the way")
    answer = site.get(PATH, method="POST", body={"reason": "x"})
    site.layout.triggers.unlink()
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:sightline:problem:unavailable")
