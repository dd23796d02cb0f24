"""The virtual files of a requested range, one for each coding, and what none of them has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from api.access.api_context import ApiContext, KnownCamera
from api.cameras.coverage import coverage_of
from api.cameras.recording_files import RecordingFile, RecordingFiles
from api.cameras.segment_locator import with_segments
from domain.clock import NS_PER_MS
from domain.errors import NodeOffline
from domain.messages.message import Message
from domain.recordings.gaps import GapCause
from domain.recordings.overlay_intervals import overlay
from storage.exports.records import ExportGap
from storage.recordings.virtual.virtual_file import VirtualFile

Span = tuple[int, int]
"""[from, to) in UTC nanoseconds."""
_UNEXPLAINED_DETAIL = Message("an interruption of less than a second, or no keyframe before it")
_Explanation = tuple[str, Message]
"""A cause and its detail."""


def open_recording(
    context: ApiContext, files: RecordingFiles, camera_id: str, span: Span
) -> RecordingFile:
    """Return the virtual file of a range as of the last seconds.

    Raises NotFound if nothing of it is recorded, and what the sources raise.
    """
    recent = files.recent(camera_id, span)
    if recent is not None:
        return recent
    return with_segments(
        context,
        camera_id,
        span,
        lambda found: files.file_of(camera_id, span, found),
        with_heads=False,
    )


def apart_spans(file: VirtualFile) -> list[Span]:
    """Return the ranges before and after a file that are recorded with another coding.

    A file is one run of segments with one coding, so there is at most one on each side. Each may
    have several codings.
    """
    before, after = list[Span](), list[Span]()
    for start_ms, end_ms in file.apart_ms:
        is_before = (start_ms + end_ms) * NS_PER_MS < 2 * file.start_ns
        (before if is_before else after).append((start_ms * NS_PER_MS, end_ms * NS_PER_MS))
    return [
        (side[0][0], side[-1][1]) for side in (before, after) if side and side[0][0] < side[-1][1]
    ]


def missing_spans(file: VirtualFile) -> list[Span]:
    """Return what a file lacks of its range and what is not recorded with another coding either."""
    gaps = [(start_ms * NS_PER_MS, end_ms * NS_PER_MS) for start_ms, end_ms in file.gaps_ms]
    return without(gaps, apart_spans(file))


def without(spans: Iterable[Span], removed: Iterable[Span]) -> list[Span]:
    """Return the parts of `spans` that are in none of `removed`, in order."""
    layers = [(*span, True) for span in spans] + [(*span, False) for span in removed]
    return [(start, end) for start, end, is_left in overlay(layers) if is_left]


def explained(
    context: ApiContext, known: KnownCamera, missing: Sequence[Span]
) -> tuple[ExportGap, ...]:
    """Return missing ranges, which are in order, with their causes.

    Raises what the sources raise, but not that no source responds: the cause is then unknown.
    """
    if not missing:
        return ()
    layers: list[tuple[int, int, _Explanation | None]] = [
        (*span, (GapCause.UNKNOWN, _UNEXPLAINED_DETAIL)) for span in missing
    ]
    reasons = _reasons(context, known, (missing[0][0], missing[-1][1]))
    layers += reasons
    # What lies between the missing ranges is not missing, whatever is reported of it.
    layers += [(end, start, None) for (_, end), (start, _) in pairwise(missing)]
    return tuple(
        ExportGap.of(start, end, *found)
        for start, end, found in overlay(layers)
        if found is not None and start // NS_PER_MS < end // NS_PER_MS
    )


def _reasons(
    context: ApiContext, known: KnownCamera, span: Span
) -> list[tuple[int, int, _Explanation | None]]:
    """Return the reported ranges within a range."""
    try:
        gaps = coverage_of(context, known, *span).account.gaps
    except NodeOffline as error:
        return [(*span, (GapCause.UNKNOWN, error.message))]
    return [
        (start, end, (gap.cause, Message(gap.detail)))
        for gap in gaps
        for start, end in _within([(gap.start_ns, gap.end_ns)], span)
    ]


def _within(spans: Iterable[Span], bounds: Span) -> list[Span]:
    cut = [(max(start, bounds[0]), min(end, bounds[1])) for start, end in spans]
    return [span for span in cut if span[0] < span[1]]
