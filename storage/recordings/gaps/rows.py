"""The lines of a gap log: a day (UTC) of one camera on one node, in the order in which they were
written. Pure.

A line is a closed gap, or one that began and continues (`to` is null). The latter lasts until the
next line begins, its day ends, or no process runs the camera any more. If lines overlap, the later
one is valid. The lines of `partly_rows.py` are in the same files, and are no gaps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from domain.clock import NS_PER_DAY, NS_PER_MS
from domain.messages.message import Message, with_parts
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.overlay_intervals import overlay
from storage.recordings.gaps.partly_rows import DAMAGE


@dataclass(frozen=True, slots=True)
class GapRow:
    start_ns: int
    end_ns: int | None
    cause: GapCause
    detail: str
    since_ns: int

    def line(self) -> bytes:
        said: dict[str, object] = {
            "from": self.start_ns // NS_PER_MS,
            "to": None if self.end_ns is None else self.end_ns // NS_PER_MS,
            "cause": self.cause.value,
            "detail": self.detail,
            "since": self.since_ns // NS_PER_MS,
        }
        if (message := with_parts(self.detail)) is not None:
            said["message"] = message.form
        return json.dumps(said, ensure_ascii=False).encode()


def gaps_between(
    camera_id: str, days: Sequence[Sequence[GapRow]], alive_ns: int | None, span: tuple[int, int]
) -> tuple[Gap, ...]:
    """Return the gaps in the rows of some days within [from, to), cut to it, by start, without
    overlaps.

    `alive_ns` is the last heartbeat of the camera, up to which a continuing gap is known.
    """
    layers = [layer for rows in days for layer in _layers(rows, alive_ns)]
    seen = overlay([(start_ns, end_ns, _without_range(row)) for start_ns, end_ns, row in layers])
    cut = [(max(start_ns, span[0]), min(end_ns, span[1]), row) for start_ns, end_ns, row in seen]
    return tuple(
        _gap(camera_id, start_ns, end_ns, row) for start_ns, end_ns, row in cut if start_ns < end_ns
    )


def parse_gap(line: bytes) -> GapRow | None:
    """Return the gap of a line; None if it is another line or cannot be read."""
    if b'"since"' not in line:
        return None
    try:
        found = json.loads(line)
        end_ns = None if found["to"] is None else int(found["to"]) * NS_PER_MS
        cause = GapCause(found["cause"])
        return GapRow(
            int(found["from"]) * NS_PER_MS,
            end_ns,
            cause,
            Message.of_form(found.get("message"), str(found["detail"])),
            int(found["since"]) * NS_PER_MS,
        )
    except DAMAGE:
        return None


def day_end_ns(wall_ns: int) -> int:
    return (wall_ns // NS_PER_DAY + 1) * NS_PER_DAY


def _layers(rows: Sequence[GapRow], alive_ns: int | None) -> Iterator[tuple[int, int, GapRow]]:
    """Return the rows of a day with their ends, in the order in which they were written."""
    for row, following in zip(rows, [*rows, None][1:], strict=False):
        end_ns = row.end_ns
        if end_ns is None and following is not None:
            end_ns = following.start_ns
        yield (
            row.start_ns,
            min(alive_ns or row.start_ns, day_end_ns(row.start_ns)) if end_ns is None else end_ns,
            row,
        )


def _without_range(row: GapRow) -> GapRow:
    """Return a row's content without its range, so that adjacent rows with equal content are one
    gap.
    """
    return replace(row, start_ns=0, end_ns=None)


def _gap(camera_id: str, start_ns: int, end_ns: int, row: GapRow) -> Gap:
    return Gap(
        camera_id,
        start_ns,
        end_ns,
        row.cause,
        row.detail,
        row.since_ns if row.since_ns < start_ns else 0,
    )
