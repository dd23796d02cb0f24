"""The viewing of a connection: its line at the end, and the lines of one that lasts long."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.clock import ManualClock, rfc3339
from domain.errors import AuditUnavailable
from storage.audit.viewings import EXTENDED_S, SILENCE_S, Viewings
from storage.site.audit import AuditEntry, AuditLog


class Log:
    """An audit log in a folder, and the viewings that are written to it."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.folder = folder
        self.audit = AuditLog(folder, self.clock)
        self.viewings = Viewings(self.audit, self.clock)
        self.entry = AuditEntry(
            person="ann",
            role="operator",
            address="127.0.0.1",
            route="camera.live",
            right="live_view",
            status=101,
            terms={"id": "gate"},
            request="4f3e",
        )

    @property
    def lines(self) -> list[dict[str, object]]:
        files = sorted(self.folder.glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "audit")


def test_a_connection_has_one_line_at_its_end(log: Log) -> None:
    viewing = log.viewings.begin(log.entry)
    log.clock.advance(2 * SILENCE_S)
    log.viewings.flush()
    assert log.lines == [], "it is open, however long nothing was requested"
    ended_ns = log.clock.wall_ns()
    log.viewings.end(viewing)
    log.clock.advance(EXTENDED_S)
    log.viewings.flush(is_last=True)
    (line,) = log.lines
    assert (line["phase"], line["request"]) == ("viewed", "4f3e")
    assert line["terms"] == {"id": "gate", "until": rfc3339(ended_ns)}


def test_a_long_connection_has_a_line_every_ten_minutes(log: Log) -> None:
    viewing = log.viewings.begin(log.entry)
    for _ in range(2):
        log.clock.advance(EXTENDED_S)
        log.viewings.flush()
        log.viewings.flush()
    assert len(log.lines) == 2
    log.viewings.end(viewing)
    assert len(log.lines) == 3


def test_a_connection_that_is_open_at_the_stop_of_the_process_has_its_line(log: Log) -> None:
    log.viewings.begin(log.entry)
    log.viewings.flush(is_last=True)
    assert len(log.lines) == 1


def test_a_line_that_cannot_be_written_is_tried_again(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewing = log.viewings.begin(log.entry)
    ended_ns = log.clock.wall_ns()
    append = log.audit.append

    def fails(entry: AuditEntry) -> None:
        raise AuditUnavailable("the disk refuses")

    monkeypatch.setattr(log.audit, "append", fails)
    log.viewings.end(viewing)
    monkeypatch.setattr(log.audit, "append", append)
    log.clock.advance(5)
    log.viewings.flush()
    log.viewings.flush()
    (line,) = log.lines
    assert line["terms"] == {"id": "gate", "until": rfc3339(ended_ns)}
