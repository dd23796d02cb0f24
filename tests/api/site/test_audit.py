"""The audit log over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from domain.paths.object_keys import AUDIT_PREFIX
from domain.people import Role
from storage.audit.shipping import AuditShipper
from storage.clients.s3 import ObjectStore
from storage.site.audit import AuditLog

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.conftest import OpenSite, Site


VIEW = {"name": "the gates", "tiles": 1, "cameras": ["east-gate"]}


def _shipper(site: Site) -> AuditShipper:
    return AuditShipper(site.context.audit, site.context.objects, "api-1", site.context.clock)


def test_an_auditor_reads_lines_and_the_read_is_one_of_them(site: Site) -> None:
    assert site.get("/v1/events?plate=鄂C12345", X_Case="c-7").status_code == 200
    _shipper(site).run_once()
    assert site.get("/v1/cameras/east-gate/picture", Role.AUDITOR).status_code == 403
    answer = site.get("/v1/audit", Role.AUDITOR, None)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    refused, searched = body["items"]
    assert (searched["route"], searched["terms"], searched["case"], searched["reason"]) == (
        "events.search",
        {"plate": "鄂C12345"},
        "c-7",
        "a test",
    )
    assert (searched["results"], refused["results"]) == (0, None)
    assert (refused["route"], refused["status"]) == ("camera.picture", 403)
    assert (body["next"], body["damaged"]) == (None, [])
    (writer,) = body["writers"]
    assert writer["complete_until"] >= refused["at"]
    again = site.get("/v1/audit?call=audit.read", Role.AUDITOR, None).json()["items"]
    assert [(line["terms"], line["results"]) for line in again] == [({}, 2)]


def test_lines_are_filtered_by_what_the_call_is_about(site: Site) -> None:
    assert site.get("/v1/events").status_code == 200
    site.get("/v1/cameras/east-gate/picture")
    site.get("/v1/cameras/east-gate/recording?from=2025-11-24T16:00:00Z&to=2025-11-24T16:01:00Z")
    assert site.get("/v1/saved-views", method="POST", body=VIEW).status_code == 201
    found = {
        kind: {
            line["route"]
            for line in site.get(f"/v1/audit?kind={kind}", Role.AUDITOR).json()["items"]
        }
        for kind in ("search", "video", "export", "change", "sign_in", "list")
    }
    assert found == {
        "search": {"events.search"},
        "video": {"camera.picture"},
        "export": {"camera.recording"},
        "change": {"saved_view.create"},
        "sign_in": set(),
        "list": {"audit.read"},
    }
    assert site.get("/v1/audit?kind=odd", Role.AUDITOR).status_code == 400


def test_other_roles_do_not_read_it(site: Site) -> None:
    for role in set(Role) - {Role.AUDITOR}:
        assert site.get("/v1/audit", role).status_code == 403, role
        assert site.get("/v1/audit/export", role).status_code == 403, role
    lines = [json.loads(line) for line in site.audit_lines()]
    assert {line["route"] for line in lines} == {"audit.read", "audit.export"}


def test_pages_have_a_cursor_that_belongs_to_the_filters(site: Site) -> None:
    for number in range(5):
        site.get(f"/v1/events?camera=gate-{number}")
        if number == 2:
            _shipper(site).run_once()
    found: list[str] = []
    path = "/v1/audit?call=events.search&limit=2"
    cursor = None
    while True:
        page = site.get(path + (f"&next={cursor}" if cursor else ""), Role.AUDITOR).json()
        found += [line["terms"]["camera"] for line in page["items"]]
        cursor = page["next"] or None
        if cursor is None:
            break
        other = site.get(f"/v1/audit?limit=2&next={cursor}", Role.AUDITOR)
        assert other.status_code == 400
    assert found == [f"gate-{number}" for number in (4, 3, 2, 1, 0)]


def test_lines_of_another_machine_are_complete_until_its_last_copy(
    site: Site, tmp_path: Path
) -> None:
    site.get("/v1/events")
    _shipper(site).run_once()
    other = AuditLog(tmp_path, site.context.clock)
    AuditShipper(other, site.context.objects, "node-2", site.context.clock).run_once()
    writers = {
        writer["node"]: writer["complete_until"]
        for writer in site.get("/v1/audit", Role.AUDITOR).json()["writers"]
    }
    assert set(writers) == {"api-1", "node-2"}
    assert writers["node-2"] < writers["api-1"]


def test_an_export_has_every_line_and_a_summary_at_its_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.site.audit._EXPORT_PAGE", 3)
    for number in range(8):
        site.get(f"/v1/events?camera=gate-{number}")
    _shipper(site).run_once()
    (key,) = [stat.key for stat in site.context.objects.list(AUDIT_PREFIX)]
    site.context.objects.put(f"{key.rpartition('/')[0]}/0000-{'0' * 16}.jsonl.gz", b"x", "text")
    answer = site.get("/v1/audit/export?call=events.search", Role.AUDITOR)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *lines, last = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["terms"]["camera"] for line in lines] == [f"gate-{n}" for n in range(7, -1, -1)]
    assert (len(last["summary"]["writers"]), last["summary"]["damaged_count"]) == (1, 1)
    assert last["summary"]["damaged"][0]["number"] == 0
    assert json.loads(site.audit_lines()[-1])["route"] == "audit.export"


def test_without_the_object_store_the_answer_is_503(open_site: OpenSite) -> None:
    away = ObjectStore("127.0.0.1:1", "key", "secret", "api-tests")
    site = open_site(objects_asked=away)
    for path in ("/v1/audit", "/v1/audit/export"):
        assert site.get(path, Role.AUDITOR).status_code == 503


def test_an_auditor_finds_who_searched_for_a_plate(site: Site) -> None:
    for plate in ("鄂C12345", "鄂C12*", "京A00001"):
        assert site.get(f"/v1/events?plate={plate}").status_code == 200
    assert site.get("/v1/journeys?plate=鄂C12345").status_code == 200
    found = site.get("/v1/audit?plate=鄂c·12345", Role.AUDITOR).json()["items"]
    assert [(line["route"], line["terms"]["plate"]) for line in found] == [
        ("journey.read", "鄂C12345"),
        ("events.search", "鄂C12*"),
        ("events.search", "鄂C12345"),
    ]
    refused = site.get("/v1/audit?plate=鄂C12*", Role.AUDITOR)
    assert (refused.status_code, "whole plate" in refused.text) == (400, True)
