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

    If `is_proven`, hashes have shown that its pictures are unchanged since the recorder wrote them.
    No picture is decoded then, which takes most of the time. The first one must consist of whole
    NAL units, one of which is a slice of an IDR picture (H.264) or an IRAP picture (H.265). A
    picture whose content was damaged when it arrived from the camera is accepted.

    Raises DataLoss unless it can be opened, starts at a keyframe and spans [from_ns, to_ns) without
    its known gaps.
    """
    try:
        with Mp4Reader(clip) as reader:
            first, covered = _span(reader, clip, clip_start_ns)
            if not is_proven:
                reader.decode(first)
            elif not reader.parameters.extradata or not _is_keyframe(
                reader.parameters.codec, first.data
            ):
                raise DataLoss("{clip}: its first picture cannot be decoded", clip=clip)
    except OSError as error:
        raise DataLoss("{clip} cannot be opened: {error}", clip=clip, error=error) from error
    if not first.is_keyframe:
        raise DataLoss("{clip} does not start at a keyframe", clip=clip)
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
        raise DataLoss("{clip} lacks {listed}", clip=clip, listed=listed)


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
        raise DataLoss("{clip} has no picture", clip=clip)
    return first, (start_ns + ticks_to_ns(start, base), start_ns + ticks_to_ns(end, base))


def _is_keyframe(codec: str, access_unit: bytes) -> bool:
    """Return whether NAL units with lengths of four bytes fill an access unit, and one of them is a
    slice of an IDR picture (`h264`) or an IRAP picture (`hevc`).
    """
    at, has_slice = 0, False
    while at + 4 < len(access_unit):
        length, header = int.from_bytes(access_unit[at : at + 4]), access_unit[at + 4]
        if length == 0:
            return False
        has_slice |= header & 0x1F == 5 if codec == "h264" else 16 <= header >> 1 & 0x3F <= 23
        at += 4 + length
    return has_slice and at == len(access_unit)
