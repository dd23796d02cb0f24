"""Attacks on the audit log: forged lines, lines that break other formats, and changed objects."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from domain.clock import NS_PER_S, ManualClock
from domain.log import set_up_logging
from domain.paths.object_keys import audit_lines_object
from domain.people import Role
from sightline.commands.audit import _text
from storage.audit.check import verify
from storage.audit.stored_lines import LineFault, StoredAudit
from storage.audit.syslog import message_of
from storage.site.audit import AuditEntry, AuditLine, AuditLog, Phase
from tests.api.site_data import START_NS

if TYPE_CHECKING:
    from tests.api.conftest import Site

CONTROL = [chr(code) for code in (0, 7, 8, 10, 13, 27, 127, 0x85, 0x9B, 0x2028, 0x2029, 0x202E)]
BREAKING = [
    'a" injected="b',
    'a] [forged@1 x="y"',
    "a\\",
    '\\"]',
    "\r\n<109>1 - - - - - -",
    *CONTROL,
]


def _line(**changes: object) -> AuditLine:
    fields: dict[str, object] = {
        "id": "0" * 16, "at": START_NS, "person": "li", "role": Role.INVESTIGATOR,
        "address": "10.0.0.1", "route": "events.search", "right": None, "status": 200,
    }  # fmt: skip
    return AuditLine.model_validate(fields | changes)


@pytest.mark.parametrize("text", BREAKING)
def test_a_reason_that_breaks_the_log_file(tmp_path: Path, text: str) -> None:
    """Each entry is one line of JSON, whatever a person writes."""
    log = AuditLog(tmp_path, ManualClock(START_NS))
    entry = {"person": "li", "role": None, "address": "", "route": "x", "right": None, "status": 1}
    log.append(AuditEntry.model_validate(entry | {"reason": text, "case": text}))
    log.append(AuditEntry.model_validate(entry | {"terms": {"plate": text}}))
    (file,) = tmp_path.glob("*.jsonl")
    lines = [json.loads(line) for line in file.read_bytes().split(b"\n") if line]
    assert len(lines) == 2
    assert (lines[0]["reason"], lines[1]["terms"]["plate"]) == (text, text)


@pytest.mark.parametrize("text", BREAKING)
@pytest.mark.parametrize("field", ["reason", "person", "route", "address", "case", "request", "id"])
def test_a_text_that_breaks_a_syslog_message(field: str, text: str) -> None:
    """Values are escaped as RFC 5424 says, so no text ends the message or adds an element."""
    message = message_of(_line(**{field: text}), "node-1", "now").decode()
    head, _, data = message.partition("[audit@32473 ")
    assert data.endswith('"]')
    assert message.count("\n") == message.count("\r") == 0
    assert all(character.isprintable() for character in message)
    inside = data[:-1].replace("\\\\", "").replace('\\"', "").replace("\\]", "")
    assert "]" not in inside
    assert inside.count('"') % 2 == 0
    plain, _, _ = message_of(_line(), "node-1", "now").decode().partition("[")
    assert head.count(" ") == plain.count(" ")


@pytest.mark.parametrize("text", BREAKING)
def test_a_damaged_line_that_breaks_a_syslog_message(text: str) -> None:
    fault = LineFault("20250101.jsonl", 1, f"line 1: terms.{text}: must be a string")
    message = message_of(fault, "node-1", "now").decode()
    assert all(character.isprintable() for character in message)


@pytest.mark.parametrize("text", CONTROL)
def test_a_text_that_moves_the_cursor_of_a_terminal(text: str) -> None:
    shown = _text(_line(reason=text, terms={"plate": text}, case=text, route=text))
    assert all(character.isprintable() or character == "\t" for character in shown)


@pytest.mark.parametrize("text", CONTROL)
def test_a_text_that_forges_a_line_of_the_log(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Messages name what cameras, nodes and stores say, and no text of them begins a line."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        set_up_logging("INFO", "api")
        logging.getLogger("x").warning("a camera says %s", f"a{text}2026-01-01 ERROR forged")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    written = capsys.readouterr().err
    assert "forged" in written
    assert [line for line in written.split("\n") if line[:1] not in ("", "\t")] == [
        line for line in written.split("\n") if "a camera says" in line
    ]
    assert all(character.isprintable() or character in "\n\t" for character in written)


def test_a_line_break_in_a_parameter_or_a_header(site: Site) -> None:
    """Headers with control characters are refused, and those in parameters are escaped."""
    assert site.get("/v1/events", reason="a%0d%0ab").status_code == 400
    assert site.get("/v1/events", X_Case=quote("a\nb")).status_code == 400
    assert site.get("/v1/events?camera=a%0d%0ab").status_code == 200
    assert site.get("/v1/cameras/a%0d%0aX-Injected:%20b").status_code == 404
    for line in site.audit_lines():
        json.loads(line)


def test_a_changed_audit_line_in_the_store(site: Site) -> None:
    stored = StoredAudit(site.context.objects)
    data = _line().model_dump_json(by_alias=True).encode() + b"\n"
    stored.put("writer-x", START_NS // NS_PER_S, data)
    assert not verify(site.context.objects).faults
    (key,) = [
        found.key for found in site.context.objects.list("audit/writer-x/") if "jsonl" in found.key
    ]
    changed = data.replace(b'"li"', b'"an"')
    try:
        site.context.objects.put(key, gzip.compress(changed, mtime=0), "application/gzip")
        assert any(key in fault.where for fault in verify(site.context.objects).faults)
        listed = site.get("/v1/audit", Role.AUDITOR).json()
        assert listed["damaged_count"] == 1
        assert not [line for line in listed["items"] if line["person"] == "an"]
    finally:
        site.context.objects.delete(key)


def test_an_audit_line_that_is_moved_to_another_hour(site: Site) -> None:
    line = _line(at=START_NS + 7_200 * NS_PER_S).model_dump_json(by_alias=True).encode() + b"\n"
    StoredAudit(site.context.objects).put("writer-x", START_NS // NS_PER_S, line)
    keys = [found.key for found in site.context.objects.list("audit/writer-x/")]
    try:
        faults = verify(site.context.objects).faults
        assert any("another hour" in fault.reason for fault in faults)
    finally:
        for key in keys:
            site.context.objects.delete(key)


def test_a_second_object_with_the_hash_of_the_first(site: Site) -> None:
    """No object of the log is overwritten, also not with a key that someone else took before."""
    data = _line().model_dump_json(by_alias=True).encode() + b"\n"
    key = audit_lines_object("writer-y", START_NS // NS_PER_S, "0" * 64)
    site.context.objects.put(key, gzip.compress(data), "application/gzip")
    try:
        assert any(key in fault.where for fault in verify(site.context.objects).faults)
    finally:
        site.context.objects.delete(key)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.INVESTIGATOR, Role.INTEGRATOR, Role.ADMIN])
def test_a_person_without_the_right_reads_the_log(site: Site, role: Role) -> None:
    assert site.get("/v1/audit", role).status_code == 403
    assert site.get("/v1/audit/export", role).status_code == 403
    assert site.get("/v1/audit", Role.AUDITOR).status_code == 200


def test_an_auditor_reads_the_log_unseen(site: Site) -> None:
    assert site.get("/v1/audit", Role.AUDITOR).status_code == 200
    lines = [json.loads(line) for line in site.audit_lines()]
    assert [line["route"] for line in lines if line["phase"] == Phase.ACCESS] == ["audit.read"]


def test_a_refused_request_that_fills_the_log(site: Site) -> None:
    """Requests without a token are one line for an address and minute, without their texts."""
    for _ in range(30):
        assert site.http.get(f"{site.url}/v1/events?plate=" + "a" * 4_000).status_code == 401
    lines = site.audit_lines()
    assert len(lines) == 1
    assert len(lines[0]) < 1_000


def test_a_parameter_in_place_of_the_id_of_the_path(site: Site) -> None:
    site.get("/v1/cameras/east-gate/picture?id=west-gate")
    (line,) = [json.loads(one) for one in site.audit_lines()]
    assert line["terms"]["id"] == "east-gate"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.INVESTIGATOR, Role.AUDITOR, None])
def test_metrics_without_the_right(site: Site, role: Role | None) -> None:
    if role is None:
        assert site.http.get(f"{site.url}/metrics").status_code == 401
    else:
        assert site.get("/metrics", role).status_code == 403
    assert site.get("/metrics", Role.ADMIN).status_code == 200


def test_details_of_the_site_without_the_right(site: Site) -> None:
    """Without the right, `/readyz` says that something is wrong, and not what."""
    for headers in ({}, {"Authorization": "Bearer sl_wrong"}):
        open_ = site.http.get(f"{site.url}/readyz", headers=headers).json()
        assert open_["registry_faults"] is None
        assert {one["why"] for one in open_["dependencies"]} == {None}
    seen = site.get("/readyz", Role.INTEGRATOR).json()
    assert seen["registry_faults"] == []
    assert None not in {one["why"] for one in seen["dependencies"]}
