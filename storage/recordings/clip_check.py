"""Verifies that a finished clip can be opened and has the pictures of a range."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from domain.clock import NS_PER_MS, rfc3339
from domain.errors import DataLoss
from domain.media.packets import ticks_to_ns
from storage.mp4.demuxer import Mp4Reader, Sample
from storage.recordings.cut_plan import gaps_of


def verify(
    clip: Path,
    clip_start_ns: int,
    from_ns: int,
    to_ns: int,
    gaps_ms: Sequence[tuple[int, int]] = (),
    *,
    is_proven: bool = False,
) -> None:
    """Open a finished clip again, read all of it and decode its first picture.

    If `is_proven`, hashes have shown that its pictures are those of the recorder. The head of the
    clip is then all that could be wrong, and no picture is decoded, which takes most of the time.

    Raises DataLoss unless it can be opened, starts at a keyframe and spans [from_ns, to_ns) without
    its known gaps.
    """
    try:
        with Mp4Reader(clip) as reader:
            first, covered = _span(reader, clip, clip_start_ns)
            if not is_proven:
                reader.decode(first)
            elif not reader.parameters.extradata or not _is_whole(first.data):
                raise DataLoss(f"{clip}: its first picture cannot be decoded")
    except OSError as error:
        raise DataLoss(f"{clip} cannot be opened: {error}") from error
    if not first.is_keyframe:
        raise DataLoss(f"{clip} does not start at a keyframe")
    known = [(start_ms * NS_PER_MS, end_ms * NS_PER_MS) for start_ms, end_ms in gaps_ms]
    ranges = sorted([covered, *known])
    missing = gaps_of(ranges, from_ns, to_ns)
    if not any(
        start_ns <= to_ns and from_ns <= end_ns for start_ns, end_ns in ranges
    ):  # also if the range is a moment
        missing = ((from_ns // NS_PER_MS, to_ns // NS_PER_MS),)
    if missing:
        listed = ", ".join(
            f"{rfc3339(a * NS_PER_MS)} to {rfc3339(b * NS_PER_MS)}" for a, b in missing
        )
        raise DataLoss(f"{clip} lacks {listed}")


def _span(reader: Mp4Reader, clip: Path, start_ns: int) -> tuple[Sample, tuple[int, int]]:
    """Return the clip's first sample and the wall time that its pictures cover, gaps included."""
    base = reader.parameters.time_base
    first: Sample | None = None
    start = end = 0
    for sample in reader:
        if first is None:
            first, start = sample, sample.pts
        end = max(end, sample.pts + sample.duration)
    if first is None:
        raise DataLoss(f"{clip} has no picture")
    return first, (start_ns + ticks_to_ns(start, base), start_ns + ticks_to_ns(end, base))


def _is_whole(access_unit: bytes) -> bool:
    """Return whether NAL units with lengths of four bytes fill an access unit."""
    at = 0
    while at + 4 < len(access_unit):
        at += 4 + int.from_bytes(access_unit[at : at + 4])
    return at == len(access_unit) > 0
