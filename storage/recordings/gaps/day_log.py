"""A day of a gap log, with all kinds of its lines. Pure.

`rows.py` and `partly_rows.py` define the lines. An unreadable line was left by a power cut or
written by another program.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.recordings.gaps import Gap
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed
from storage.recordings.gaps.partly_rows import parse_again, parse_partly
from storage.recordings.gaps.rows import GapRow, parse_gap

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DayLog:
    """What the lines of a day say, each kind in the order in which it was written."""

    gaps: list[GapRow] = field(default_factory=list)
    partly: list[PartlyAnalysed] = field(default_factory=list)
    again: list[Analysed] = field(default_factory=list)
    """The ranges that were analysed from the recording afterwards."""

    def add(self, line: bytes) -> bool:
        """Add a line without its end. Return False if it is unreadable."""
        if (gap := parse_gap(line)) is not None:
            self.gaps.append(gap)
        elif (partly := parse_partly(line)) is not None:
            self.partly.extend(partly)
        elif (again := parse_again(line)) is not None:
            self.again.extend(again)
        else:
            return False
        return True


def read_day(data: bytes, of: str) -> tuple[DayLog, int]:
    """Return the readable lines, and the number of the others, which are logged (as `of`)."""
    day, damaged = DayLog(), 0
    for number, line in enumerate(data.splitlines(), 1):
        if line and not day.add(line):
            damaged += 1
            _log.warning("line %d of %s cannot be read; it is left out", number, of)
    return day, damaged


@dataclass(frozen=True, slots=True)
class Logged:
    """What logs say of a range [from, to)."""

    gaps: tuple[Gap, ...]
    """Cut to the range, by start."""
    partly: tuple[PartlyAnalysed, ...]
    """The ranges of partly analysed time that overlap it, as they were written."""
    again: tuple[Analysed, ...]
    """Likewise, those that were analysed from the recording afterwards."""


def logged(gaps: tuple[Gap, ...], days: Sequence[DayLog], from_ns: int, to_ns: int) -> Logged:
    """Return what the logs of some days say of [from_ns, to_ns), which has these gaps."""
    return Logged(
        gaps,
        tuple(one for day in days for one in day.partly if _overlaps(one, from_ns, to_ns)),
        tuple(one for day in days for one in day.again if _overlaps(one, from_ns, to_ns)),
    )


def _overlaps(one: PartlyAnalysed | Analysed, from_ns: int, to_ns: int) -> bool:
    return one.start_ns < to_ns and from_ns < one.end_ns


def readable(data: bytes) -> bytes:
    """Return the data without unreadable lines."""
    day = DayLog()
    return b"".join(line + b"\n" for line in data.splitlines() if day.add(line))
