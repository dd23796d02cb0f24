"""What was not recorded and why, as lines of JSON: a file for each camera and day (UTC) under `gaps/`, only ever appended to.

A line is a closed gap, or one that began and goes on (`to` is null), which lasts until the next line begins, its day ends, or nobody
looked after the camera any more (the file `alive`). Where lines overlap, the later one is right.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.errors import StoreError
from domain.gaps import Gap, GapCause
from domain.layout import Layout
from domain.paint import paint
from storage.append import append_line

_DAY_NS = 86_400 * NS_PER_S
_LATEST_NS = 253_402_300_799 * NS_PER_S
_ALIVE = "alive"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Row:
    start_ns: int
    end_ns: int | None
    cause: GapCause
    detail: str
    since_ns: int


class GapLog:
    """Thread-safe, also between processes."""

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._layout = layout
        self._clock = clock

    def add(self, gap: Gap) -> None:
        """A gap that is over; on disk when this returns. Raises StoreError."""
        since_ns = gap.since_ns or gap.start_ns
        for start_ns, end_ns in _by_day(gap.start_ns, gap.end_ns):
            self._append(gap.camera_id, _Row(start_ns, end_ns, gap.cause, gap.detail, since_ns))

    def open(self, gap: Gap) -> None:
        """A gap that has lasted until `gap.end_ns` and goes on. To be said again at the first look of each day. Raises StoreError."""
        *before, (start_ns, _) = _by_day(gap.start_ns, max(gap.end_ns, gap.start_ns) + NS_PER_MS)
        since_ns = gap.since_ns or gap.start_ns
        for day_start_ns, day_end_ns in before:
            self._append(gap.camera_id, _Row(day_start_ns, day_end_ns, gap.cause, gap.detail, since_ns))
        self._append(gap.camera_id, _Row(start_ns, None, gap.cause, gap.detail, since_ns))

    def between(self, camera_id: str, from_ns: int, to_ns: int) -> tuple[Gap, ...]:
        """The gaps within [from_ns, to_ns), cut to it, by start, none overlapping."""
        layers: list[tuple[int, int, _Row]] = []
        for path in self._files(camera_id, from_ns, to_ns):
            layers += self._layers(camera_id, path)
        seen = paint([(start_ns, end_ns, _said(row)) for start_ns, end_ns, row in layers])
        cut = [(max(start_ns, from_ns), min(end_ns, to_ns), row) for start_ns, end_ns, row in seen]
        return tuple(_gap(camera_id, start_ns, end_ns, row) for start_ns, end_ns, row in cut if start_ns < end_ns)

    def first_ns(self, camera_id: str) -> int | None:
        """The start of the first gap there is of a camera; None where there is none."""
        for path in self._files(camera_id, 0, _LATEST_NS):
            rows = list(_rows(path))
            if rows:
                return min(row.since_ns for row in rows)
        return None

    def beat(self, camera_id: str) -> None:
        """Somebody looks after the camera now: to be said every second. Raises StoreError."""
        path = self._layout.gaps / camera_id / _ALIVE
        now_ns = self._clock.wall_ns()
        try:
            try:
                os.utime(path, ns=(now_ns, now_ns))
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
                os.utime(path, ns=(now_ns, now_ns))
        except OSError as error:
            raise StoreError(f"{path} cannot be touched: {error}") from error

    def last_beat_ns(self, camera_id: str) -> int | None:
        """When somebody last looked after the camera on this node; None for never."""
        try:
            return (self._layout.gaps / camera_id / _ALIVE).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def forget_before(self, camera_id: str, before_ns: int) -> None:
        """Delete what lies wholly before the day of `before_ns`."""
        for path in self._files(camera_id, 0, max(0, before_ns - _DAY_NS)):
            path.unlink(missing_ok=True)

    def _append(self, camera_id: str, row: _Row) -> None:
        path = self._layout.gaps / camera_id / f"{_day(row.start_ns)}.jsonl"
        line = {
            "from": row.start_ns // NS_PER_MS,
            "to": None if row.end_ns is None else row.end_ns // NS_PER_MS,
            "cause": row.cause.value,
            "detail": row.detail,
            "since": row.since_ns // NS_PER_MS,
        }
        try:
            append_line(path, json.dumps(line, ensure_ascii=False).encode())
        except OSError as error:
            raise StoreError(f"the gap of camera {camera_id} cannot be written down: {error}") from error

    def _files(self, camera_id: str, from_ns: int, to_ns: int) -> list[Path]:
        first, last = _day(max(0, from_ns)), _day(max(0, to_ns))
        return sorted(path for path in (self._layout.gaps / camera_id).glob("*.jsonl") if first <= path.stem <= last)

    def _layers(self, camera_id: str, path: Path) -> Iterator[tuple[int, int, _Row]]:
        """The rows of a day with their ends, in the order written."""
        rows = list(_rows(path))
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            end_ns = row.end_ns
            if end_ns is None:
                end_ns = self._open_end_ns(camera_id, row) if following is None else following.start_ns
            yield row.start_ns, end_ns, row

    def _open_end_ns(self, camera_id: str, row: _Row) -> int:
        return min(self.last_beat_ns(camera_id) or row.start_ns, _day_end_ns(row.start_ns))


def _rows(path: Path) -> Iterator[_Row]:
    """The lines that can be read; one that a power cut tore, or that somebody else wrote, is said and left out."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
            end_ns = None if found["to"] is None else int(found["to"]) * NS_PER_MS
            cause = GapCause(found["cause"])
            yield _Row(int(found["from"]) * NS_PER_MS, end_ns, cause, str(found["detail"]), int(found["since"]) * NS_PER_MS)
        except (ValueError, KeyError, TypeError):
            if line:
                _log.warning("line %d of %s cannot be read; it is left out", number, path)


def _said(row: _Row) -> _Row:
    """What a row says but for its place, so that neighbours that say the same are one gap."""
    return replace(row, start_ns=0, end_ns=None)


def _gap(camera_id: str, start_ns: int, end_ns: int, row: _Row) -> Gap:
    return Gap(camera_id, start_ns, end_ns, row.cause, row.detail, row.since_ns if row.since_ns < start_ns else 0)


def _by_day(start_ns: int, end_ns: int) -> list[tuple[int, int]]:
    parts = []
    while start_ns < end_ns:
        part_end_ns = min(end_ns, _day_end_ns(start_ns))
        parts.append((start_ns, part_end_ns))
        start_ns = part_end_ns
    return parts


def _day_end_ns(wall_ns: int) -> int:
    return (wall_ns // _DAY_NS + 1) * _DAY_NS


def _day(wall_ns: int) -> str:
    return f"{datetime.fromtimestamp(wall_ns // NS_PER_S, UTC):%Y%m%d}"
