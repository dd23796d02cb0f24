"""The lines of a gap log that say when a checkpoint was analysed only partly, and which of these
ranges were analysed again from the recording. Pure.

They are in the same files as the gaps, so that they are uploaded, kept and deleted together with
them. Versions that do not know these lines leave them out. A line holds several ranges, because
under overload there is one every few seconds. A range that ends at its start or before it stands
for a time that is too short for a range (`domain/recordings/missed_passings.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from domain.clock import NS_PER_MS
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed, PartlyCause

_KEY, _AGAIN = "partly_analysed", "analysed_again"
_CAUSES = {cause.value: cause for cause in PartlyCause}
_KEY_BYTES, _AGAIN_BYTES = f'"{_KEY}"'.encode(), f'"{_AGAIN}"'.encode()
"""Other lines are not parsed: a day may have tens of thousands of either kind."""

DAMAGE = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""What parsing a damaged line may raise: it may have any bytes."""


def partly_line(cause: PartlyCause, ranges: Sequence[PartlyAnalysed]) -> bytes:
    """Return the line of ranges that have this cause."""
    said = {
        _KEY: cause.value,
        "ranges": [[one.start_ns // NS_PER_MS, one.end_ns // NS_PER_MS] for one in ranges],
    }
    return json.dumps(said).encode()


def parse_partly(line: bytes) -> tuple[PartlyAnalysed, ...] | None:
    """Return the ranges of a line; None if it is another line or cannot be read.

    A cause that a newer version wrote counts as unknown.
    """
    if _KEY_BYTES not in line:
        return None
    try:
        found = json.loads(line)
        known = _CAUSES.get(found[_KEY], PartlyCause.UNKNOWN)
        return tuple(
            PartlyAnalysed(int(start_ms) * NS_PER_MS, int(end_ms) * NS_PER_MS, known)
            for start_ms, end_ms in found["ranges"]
        )
    except DAMAGE:
        return None


def again_line(ranges: Sequence[Analysed]) -> bytes:
    """Return the line of ranges that were analysed from the recording afterwards."""
    said = [[one.start_ns // NS_PER_MS, one.end_ns // NS_PER_MS] for one in ranges]
    return json.dumps({_AGAIN: said}).encode()


def parse_again(line: bytes) -> tuple[Analysed, ...] | None:
    """Return the ranges of a line; None if it is another line or cannot be read."""
    if _AGAIN_BYTES not in line:
        return None
    try:
        return tuple(
            Analysed(int(start_ms) * NS_PER_MS, int(end_ms) * NS_PER_MS)
            for start_ms, end_ms in json.loads(line)[_AGAIN]
        )
    except DAMAGE:
        return None
