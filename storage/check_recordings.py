"""Checks that a camera's ledger agrees with its files: each is read completely and compared with
its name and with the recording index, and each gap must have a cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from domain.clock import LATEST_NS, NS_PER_MS, SystemClock, rfc3339
from domain.errors import DataLoss
from domain.media.packets import ticks_to_ns
from domain.paths.data_layout import Layout
from domain.recordings.gaps import GapCause
from storage.findings import Breach, Finding
from storage.mp4.boxes import whole_bytes
from storage.mp4.demuxer import Mp4Reader
from storage.recording_index_check import RecordingIndexCheck
from storage.recordings.coverage import CoverageRequest, account
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.packet_coverage import HOLE_NS, LONGEST_USUAL_NS, PacketCoverage
from storage.recordings.recorded_ranges import Range, merge
from storage.recordings.virtual.layouts import RecordingIndex

SLACK_NS = 200 * NS_PER_MS
"""The tolerance for the end of a file: a name is in milliseconds, and the last picture is assumed
to last as long as the one before it.
"""
MISSING_FROM = 1.5
"""A step this many times the usual one means that a picture is missing."""


@dataclass(frozen=True, slots=True)
class _Read:
    segment: Segment
    ranges: Sequence[Range]
    damage: str


def check_recordings(layout: Layout, camera_id: str, decode: bool = False) -> list[Finding]:
    """Return every violation in this node's recordings of a camera, in order."""
    return sorted(find_breaches(layout, camera_id, decode))


def find_breaches(
    layout: Layout,
    camera_id: str,
    decode: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Finding]:
    """Yield every violation in this node's recordings of a camera, as soon as it is found.

    With `decode`, every picture is decoded, which takes long. `progress` gets the number of
    finished segments and of all. The segment being written is left out, and one that is deleted
    while it is read is no violation.
    """
    ledger = Ledger(layout.recordings)
    found = ledger.segments(camera_id, 0, LATEST_NS)
    starts_ns = [segment.start_ns for segment in found]
    segments = [segment for segment in found if segment.end_ns is not None]
    index_check = RecordingIndexCheck(RecordingIndex(layout.recording_index))
    read: list[_Read] = []
    for done, segment in enumerate(segments, 1):
        if segment.path.exists():
            read.append(_read(segment, decode))
            yield from _of_files(read[-1:], starts_ns)
            yield from index_check.find(segment)
        if progress is not None:
            progress(done, len(segments))
    yield from _of_overlaps(segments)
    yield from _of_holes(layout, camera_id, read)


def _read(segment: Segment, decode: bool) -> _Read:
    coverage = PacketCoverage(LONGEST_USUAL_NS)
    try:
        pictures, certain, damage = _pictures(segment, coverage)
        coverage.close(segment.end_ns)
        if not damage and whole_bytes(segment.path) != segment.path.stat().st_size:
            damage = "ends in the middle of a fragment"
        if not damage and decode:
            with Mp4Reader(segment.path) as reader:
                decoded = reader.decode_all()
            damage = (
                ""
                if certain <= decoded <= pictures
                else f"of its {pictures} pictures {decoded} can be decoded"
            )
    except FileNotFoundError:  # deleted since it was listed
        return _Read(segment, [(segment.start_ns, segment.end_ns or 0)], "")
    except DataLoss as error:
        if not segment.path.exists():
            return _Read(segment, [(segment.start_ns, segment.end_ns or 0)], "")
        return _Read(segment, coverage.ranges, str(error))
    return _Read(segment, coverage.ranges, damage)


def _pictures(segment: Segment, coverage: PacketCoverage) -> tuple[int, int, str]:
    """Add the pictures to `coverage`. Returns how many there are, how many of them must decode, and
    what is wrong with them.
    """
    first_pts, damage = None, ""
    found: list[tuple[int, bool]] = []
    with Mp4Reader(segment.path) as reader:
        base = reader.parameters.time_base
        for sample in reader:
            if first_pts is None:
                first_pts, damage = (
                    sample.pts,
                    "" if sample.is_keyframe else "does not begin with a keyframe",
                )
            wall_ns, decode_ns = (
                segment.start_ns + ticks_to_ns(ticks - first_pts, base)
                for ticks in (sample.pts, sample.dts)
            )
            coverage.add(wall_ns, decode_ns)
            found.append((sample.dts, sample.is_keyframe))
    return len(found), certain_pictures(found), damage


def certain_pictures(found: Sequence[tuple[int, bool]]) -> int:
    """Return how many of these pictures (dts, is a keyframe) depend on no missing one: from a
    missing picture to the next keyframe, all may.

    What the network lost was counted there, and makes no file damaged.
    """
    steps = [b - a for (a, _), (b, _) in pairwise(found)]
    usual, certain, is_whole = median(steps) if steps else 0, 0, True
    for (_, is_keyframe), step in zip(found, [0, *steps], strict=False):
        is_whole = is_keyframe or (is_whole and step <= MISSING_FROM * usual)
        certain += is_whole
    return certain


def _of_files(read: Sequence[_Read], starts_ns: Sequence[int]) -> Iterator[Finding]:
    for one in read:
        name, said = one.segment.path.name, (one.segment.start_ns, one.segment.end_ns or 0)
        if one.damage:
            yield Finding(Breach.SEGMENT_DAMAGED, name, one.damage)
        elif (
            not one.ranges
            or abs(one.ranges[0][0] - said[0]) > SLACK_NS
            or not _ends_as_said(one.ranges[-1][1], said[1], starts_ns)
        ):
            yield Finding(
                Breach.SEGMENT_DIFFERS, name, f"its pictures are from {_range_text(one.ranges)}"
            )
        elif len(one.ranges) > 1:
            yield Finding(
                Breach.SEGMENT_DIFFERS,
                name,
                f"it hides a hole: its pictures are from {_range_text(one.ranges)}",
            )


def _ends_as_said(end_ns: int, said_ns: int, starts_ns: Sequence[int]) -> bool:
    """Return whether the end agrees with the name. A camera that returned may continue before the
    end of its last pictures; a name then ends where the next segment begins.
    """
    if abs(end_ns - said_ns) <= SLACK_NS:
        return True
    return end_ns > said_ns and any(abs(start_ns - said_ns) <= NS_PER_MS for start_ns in starts_ns)


def _of_overlaps(segments: Sequence[Segment]) -> Iterator[Finding]:
    """Yield overlaps of one process. Two processes may record concurrently, under different fencing
    numbers; one process never records a time twice.
    """
    for fence in {segment.fence for segment in segments}:
        for before, after in pairwise(segment for segment in segments if segment.fence == fence):
            if before.end_ns is not None and before.end_ns - after.start_ns > SLACK_NS:
                yield Finding(
                    Breach.SEGMENTS_OVERLAP,
                    after.path.name,
                    f"begins before {before.path.name} ends",
                )


def _of_holes(layout: Layout, camera_id: str, read: Sequence[_Read]) -> Iterator[Finding]:
    ranges = merge(part for one in read for part in one.ranges)
    if not ranges:
        return
    log = GapLog(layout, SystemClock())
    asked = CoverageRequest(camera_id, ranges[0][0], ranges[-1][1])
    reported = log.between(camera_id, asked.from_ns, asked.to_ns)
    for gap in account(asked, ranges, [], reported).gaps:
        if gap.cause is GapCause.UNKNOWN:
            message = (
                f"nothing is recorded from {rfc3339(gap.start_ns)} to "
                f"{rfc3339(gap.end_ns)}, and nothing says why"
            )
            yield Finding(Breach.HOLE_UNEXPLAINED, camera_id, message)
    for gap in reported:
        for start_ns, end_ns in ranges:
            if min(gap.end_ns, end_ns) - max(gap.start_ns, start_ns) > HOLE_NS:
                message = (
                    f"said to be missing ({gap.cause}), and recorded: "
                    f"{rfc3339(max(gap.start_ns, start_ns))}"
                )
                yield Finding(Breach.GAP_RECORDED, camera_id, message)


def _range_text(ranges: Sequence[Range]) -> str:
    return (
        ", ".join(f"{rfc3339(start_ns)} to {rfc3339(end_ns)}" for start_ns, end_ns in ranges)
        or "no time at all"
    )
