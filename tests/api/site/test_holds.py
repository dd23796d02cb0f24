"""Legal holds and alarms over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.alarms import Alarm, AlarmName
from domain.clock import NS_PER_S
from domain.messages.message import Message
from domain.people import Role
from storage.site.holds import Holds
from tests.api.site_data import START_NS

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

RANGE = {
    "camera": "east-gate",
    "from": "2025-11-24T16:00:00Z",
    "to": "2025-11-24T17:00:00+00:00",
    "reason": "盗窃案 118",
}


def test_a_hold_is_active_until_its_release_and_the_audit_log_has_the_reason(site: Site) -> None:
    placed = site.get("/v1/holds", Role.INVESTIGATOR, None, "POST", RANGE)
    assert placed.status_code == 201, placed.text
    hold = placed.json()
    assert (hold["camera"], hold["from"], hold["reason"]) == (
        "east-gate",
        "2025-11-24T16:00:00.000Z",
        "盗窃案 118",
    )
    holds = Holds(site.context.objects, site.context.clock)
    assert holds.held().covers("east-gate", START_NS, START_NS + 1)
    entry = json.loads(site.audit_lines()[-1])
    assert (entry["route"], entry["reason"], entry["terms"]["hold"]) == (
        "hold.place",
        "盗窃案 118",
        hold["id"],
    )
    assert site.get("/v1/holds").json()["items"] == [hold]
    released = site.get(f"/v1/holds/{hold['id']}", method="DELETE", reason="closed").json()
    assert released["released_by"] == hold["placed_by"]
    assert json.loads(site.audit_lines()[-1])["reason"] == "closed"
    assert not holds.held().covers("east-gate", START_NS, START_NS + 1)
    assert site.get("/v1/holds").json()["items"] == [released]


def test_an_event_is_held_with_the_range_of_its_clip(site: Site, make_event: MakeEvent) -> None:
    event = make_event(5)
    site.context.index.put(event)
    hold = site.get("/v1/holds", method="POST", body={"event": event.id, "reason": "a case"}).json()
    assert (hold["event"], hold["camera"]) == (event.id, event.camera)
    held = Holds(site.context.objects, site.context.clock).held()
    assert held.covers_event(event)
    assert held.covers(
        event.camera, event.started_at - 3 * NS_PER_S, event.started_at - 2 * NS_PER_S
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**RANGE, "reason": " "}, 400),
        ({**RANGE, "to": RANGE["from"]}, 400),
        ({**RANGE, "until": "2020-01-01T00:00:00Z"}, 400),
        ({**RANGE, "from": "0026-11-29T17:00:00Z"}, 400),
        ({**RANGE, "from": "0001-01-01T00:00:00+14:00"}, 400),
        ({**RANGE, "to": "9999-12-31T23:59:59-14:00"}, 400),
        ({**RANGE, "until": "0026-11-29T17:00:00Z"}, 400),
        ({**RANGE, "from": -5}, 400),
        ({**RANGE, "from": True}, 400),
        ({**RANGE, "from": "2025-11-24T16:00:00"}, 400),
        ({**RANGE, "event": "01JD7Z3V5G8M2K4Q6R9T1W3Y5A"}, 400),
        ({"camera": "east-gate", "reason": "x"}, 400),
        ({"event": "01JD7Z3V5G8M2K4Q6R9T1W3Y5A", "reason": "x"}, 404),
        ({**RANGE, "camera": "nowhere"}, 404),
    ],
)
def test_an_invalid_hold_is_refused(site: Site, body: object, status: int) -> None:
    answer = site.get("/v1/holds", method="POST", body=body)
    assert answer.status_code == status, answer.text
    assert site.get("/v1/holds").json()["items"] == []


def test_a_time_is_stored_as_returned(site: Site) -> None:
    body = {**RANGE, "from": "2025-11-24T16:00:00.1239+08:00"}
    hold = site.get("/v1/holds", method="POST", body=body).json()
    assert hold["from"] == "2025-11-24T08:00:00.123Z"
    assert site.get("/v1/holds").json()["items"] == [hold]


def test_an_unknown_hold_cannot_be_released(site: Site) -> None:
    assert site.get("/v1/holds/20251009-00000000", method="DELETE", reason="x").status_code == 404


def test_alarms_are_in_the_language_of_the_client(open_site: OpenSite) -> None:
    template = (
        "the disk is too full by {lacking_gb} GB, and no finished recording is left to delete"
    )
    alarm = Alarm.of(AlarmName.DISK_FULL, "node-2", START_NS, Message(template, lacking_gb=1.5))
    site = open_site(alarms=lambda: (alarm,))
    answer = site.get("/v1/alarms", Role.OPERATOR, Accept_Language="zh-CN")
    (item,) = answer.json()["items"]
    assert item["sentence"] == "磁盘空间尚缺 1.5 GB，且没有可清除的完整录像"
    assert item["message"]["parts"] == {"lacking_gb": 1.5}
    assert "Accept-Language" in answer.headers["Vary"]


def test_alarms_are_listed_and_a_full_disk_degrades(open_site: OpenSite) -> None:
    alarm = Alarm(
        name=AlarmName.DISK_FULL, node="node-2", since=START_NS, sentence="give it more space"
    )
    site = open_site(alarms=lambda: (alarm,))
    (item,) = site.get("/v1/alarms", Role.OPERATOR).json()["items"]
    assert item == {
        "name": "disk_full",
        "node": "node-2",
        "since": "2025-11-24T16:00:00.000Z",
        "sentence": "give it more space",
        "message": {"template": "give it more space", "parts": {}},
    }
    ready = site.get("/readyz", Role.OPERATOR)
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert {
        "name": "disk",
        "ok": False,
        "required": False,
        "why": "node-2: give it more space",
    } in ready.json()["dependencies"]


def test_a_damaged_hold_is_listed_hides_no_other_and_can_be_released(site: Site) -> None:
    key = "state/holds/20251009-0bad0bad/0000000001.json"
    site.context.objects.put(key, b'{"from": "26-11-29T17:00:00.000Z"}', "application/json")
    placed = site.get("/v1/holds", method="POST", body=RANGE)
    assert placed.status_code == 201, placed.text
    listed = site.get("/v1/holds").json()
    assert listed["items"] == [placed.json()]
    (damaged,) = listed["damaged"]
    assert (damaged["id"], damaged["key"]) == ("20251009-0bad0bad", key)
    assert damaged["why"].startswith(f"{key} cannot be read: ")
    released = site.get("/v1/holds/20251009-0bad0bad", method="DELETE", reason="mistyped")
    assert released.status_code == 200, released.text
    assert key in released.json()["reason"]
    assert json.loads(site.audit_lines()[-1])["reason"] == "mistyped"
    listed = site.get("/v1/holds").json()
    assert listed["damaged"] == []
    assert {item["id"] for item in listed["items"]} == {placed.json()["id"], "20251009-0bad0bad"}
    release = site.get(f"/v1/holds/{placed.json()['id']}", method="DELETE", reason="x")
    assert release.status_code == 200, release.text


def test_holds_are_listed_by_pages(site: Site) -> None:
    placed = {site.get("/v1/holds", method="POST", body=RANGE).json()["id"] for _ in range(3)}
    first = site.get("/v1/holds?limit=2").json()
    rest = site.get(f"/v1/holds?limit=2&next={first['next']}").json()
    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [2, 1, None]
    assert {item["id"] for item in first["items"] + rest["items"]} == placed


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", {"east", "later", "west"}),
        ("?camera=east-gate", {"east", "later"}),
        ("?camera=nowhere", set()),
        ("?from=2025-11-24T17:00:00Z", {"later"}),
        ("?to=2025-11-24T17:00:01Z", {"east", "west"}),
        ("?camera=east-gate&from=2025-11-24T16:59:59Z&to=2025-11-24T18:00:00Z", {"east"}),
    ],
)
def test_holds_are_found_by_camera_and_range(site: Site, filters: str, found: set[str]) -> None:
    later = {"from": "2025-11-24T18:00:00Z", "to": "2025-11-24T19:00:00Z", "reason": "later"}
    for body in ({"reason": "east"}, later, {"camera": "west-gate", "reason": "west"}):
        assert site.get("/v1/holds", method="POST", body=RANGE | body).status_code == 201
    listed = site.get(f"/v1/holds{filters}").json()["items"]
    assert {hold["reason"] for hold in listed} == found


def test_the_pages_and_the_range_of_a_filtered_list_are_checked(site: Site) -> None:
    for _ in range(2):
        site.get("/v1/holds", method="POST", body=RANGE)
    cursor = site.get("/v1/holds?camera=east-gate&limit=1").json()["next"]
    assert site.get(f"/v1/holds?limit=1&next={cursor}").status_code == 400
    assert site.get(f"/v1/holds?from={RANGE['from']}&to={RANGE['from']}").status_code == 400


def test_a_placed_hold_can_be_read_at_its_location(site: Site) -> None:
    placed = site.get("/v1/holds", method="POST", body=RANGE)
    read = site.get(placed.headers["Location"])
    assert (read.json(), read.headers["ETag"]) == (placed.json(), placed.headers["ETag"])
    assert [read.json()[name] for name in ("event", "until", "released_by")] == [None, None, None]
    assert site.get("/v1/holds/20251009-00000000").status_code == 404


def test_a_hold_is_extended_and_an_older_version_is_refused(site: Site) -> None:
    placed = site.get("/v1/holds", method="POST", body=RANGE)
    path, seen = placed.headers["Location"], placed.headers["ETag"]
    body = {"until": "2099-01-01T00:00:00.000Z", "reason": "the trial lasts longer"}
    extended = site.get(path, method="PATCH", body=body, If_Match=seen)
    assert (extended.status_code, extended.json()["until"]) == (200, body["until"])
    assert extended.headers["ETag"] == site.get(path).headers["ETag"] != seen
    assert json.loads(site.audit_lines()[-2])["reason"] == body["reason"]
    for method, late in (("PATCH", {**body, "until": None}), ("DELETE", None)):
        refused = site.get(path, method=method, body=late, If_Match=seen)
        assert (refused.status_code, refused.json()["type"]) == (
            412,
            "urn:sightline:problem:precondition_failed",
        )
    assert site.get(path).json() == extended.json()
    assert site.get(path, method="PATCH", body=body, If_Match="nonsense").status_code == 400


def test_a_released_hold_is_not_extended(site: Site) -> None:
    path = site.get("/v1/holds", method="POST", body=RANGE).headers["Location"]
    assert site.get(path, method="DELETE", reason="closed").status_code == 200
    refused = site.get(path, method="PATCH", body={"until": None, "reason": "again"})
    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "urn:sightline:problem:record_ended",
    )
    past = {"until": "2020-01-01T00:00:00Z", "reason": "x"}
    assert site.get(path, method="PATCH", body=past).status_code == 400
