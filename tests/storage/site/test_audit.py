"""The audit log: nothing is lost or mixed by concurrent writers."""

from __future__ import annotations

import json
import multiprocessing
import threading
from pathlib import Path

import pytest

from domain.clock import S_PER_DAY, ManualClock, SystemClock
from domain.errors import AuditFull, AuditUnavailable, StoreError
from domain.people import Right, Role
from storage.site.audit import AuditEntry, AuditLog

ENTRY = AuditEntry(
    person="li.wei",
    role=Role.OPERATOR,
    address="10.0.0.1",
    route="GET /v1/events",
    right=Right.EVENTS_READ,
    terms={"plate": "鄂C12345"},
    reason="stolen car\nsecond line",
    case="2026-17",
    status=200,
)


def _lines(folder: Path) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for path in sorted(folder.iterdir())
        for line in path.read_text("utf-8").splitlines()
    ]


def test_a_line_says_who_when_what_and_why(tmp_path: Path, clock: ManualClock) -> None:
    log = AuditLog(tmp_path / "audit", clock)
    log.append(ENTRY)
    clock.advance(S_PER_DAY)
    log.append(ENTRY)
    assert [path.name for path in sorted((tmp_path / "audit").iterdir())] == [
        "20251009.jsonl",
        "20251010.jsonl",
    ]
    first, second = _lines(tmp_path / "audit")
    assert first.pop("id") != second["id"] != ""
    assert first == {
        "at": "2025-10-09T08:53:20.000Z",
        "schema": 1,
        "person": "li.wei",
        "role": "operator",
        "address": "10.0.0.1",
        "route": "GET /v1/events",
        "right": "events_read",
        "terms": {"plate": "鄂C12345"},
        "reason": "stolen car\nsecond line",
        "case": "2026-17",
        "status": 200,
        "phase": "access",
        "results": None,
        "request": "",
    }


def _write(folder: Path, person: str, count: int) -> None:
    log = AuditLog(folder, SystemClock())
    for n in range(count):
        log.append(ENTRY.model_copy(update={"person": f"{person}-{n}", "reason": "x" * 3000}))


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    threads = [threading.Thread(target=_write, args=(tmp_path, f"t{n}", 20)) for n in range(4)]
    processes = [
        multiprocessing.get_context("spawn").Process(target=_write, args=(tmp_path, f"p{n}", 20))
        for n in range(2)
    ]
    writers: list[threading.Thread | multiprocessing.process.BaseProcess] = [*threads, *processes]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    people = [str(line["person"]) for line in _lines(tmp_path)]
    assert len(people) == len(set(people)) == 120


def test_a_log_that_cannot_be_written_is_reported(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="audit"):
        AuditLog(tmp_path / "file", clock).append(ENTRY)


def fill(log: AuditLog, most_part: float = 1.0) -> None:
    for _ in range(100):
        log.append(ENTRY, most_part)


def test_a_full_log_refuses_and_says_what_to_do(tmp_path: Path, clock: ManualClock) -> None:
    log = AuditLog(tmp_path / "audit", clock, limit_gb=2e-6)
    with pytest.raises(AuditFull, match="SIGHTLINE_AUDIT_LIMIT_GB"):
        fill(log)
    assert 1000 < sum(file.stat().st_size for file in (tmp_path / "audit").iterdir()) <= 2000
    assert issubclass(AuditFull, AuditUnavailable)


def test_the_bound_counts_what_other_processes_write(tmp_path: Path, clock: ManualClock) -> None:
    log, other = (AuditLog(tmp_path / "audit", clock, limit_gb=2e-6) for _ in range(2))
    log.append(ENTRY)
    while other.used_part() < 0.81:
        other.append(ENTRY)
    assert log.alarm() is None
    clock.advance(11)
    assert "SIGHTLINE_AUDIT_LIMIT_GB" in (log.alarm() or "")
    for file in (tmp_path / "audit").iterdir():
        file.unlink()
    clock.advance(11)
    assert log.alarm() is None
    log.append(ENTRY)


def test_a_part_may_be_all_that_an_entry_is_let_fill(tmp_path: Path, clock: ManualClock) -> None:
    log = AuditLog(tmp_path / "audit", clock, limit_gb=2e-6)
    with pytest.raises(AuditFull, match="50%"):
        fill(log, most_part=0.5)
    log.append(ENTRY)


def test_a_log_that_cannot_be_read_is_an_alarm_and_refuses(
    tmp_path: Path, clock: ManualClock
) -> None:
    log = AuditLog(tmp_path / "audit", clock)
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "20251009.jsonl").symlink_to(tmp_path / "audit" / "20251009.jsonl")
    assert "cannot be read" in (log.alarm() or "")
    clock.advance(11)
    with pytest.raises(AuditUnavailable):
        log.append(ENTRY)
