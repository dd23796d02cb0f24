"""Analyses the recording of a checkpoint again where live analysis had no time, and publishes the
passings that it missed.

The same analyser is used, on the frames of the recording. A passing that is known already is not
published again. The events of a range are in the spool before the range counts as analysed, so a
process that dies leaves a range that is analysed once more, and finds the same events there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from domain.clock import NS_PER_MS, NS_PER_S
from domain.events.event import Event, Passing
from domain.recordings.analysis_metrics import ANALYSED_AGAIN_S, EVENTS_LATE
from domain.recordings.partly_analysed import SEEN_ENOUGH_NS, Analysed
from domain.registry import Camera
from ingest.frames.recorded_frames import RecordedFrames
from sightline.reanalysis.analysis_context import AnalysisContext
from sightline.reanalysis.known_passings import is_known
from storage.events.spool import Spool
from storage.recordings.recorded_ranges import Range, clip, merge

BEFORE_NS, AFTER_NS = 5 * NS_PER_S, 6 * NS_PER_S
"""A run also reads so much before and after its ranges: what is in view there was found live."""
JOIN_NS = BEFORE_NS + AFTER_NS
LONGEST_RUN_NS = 600 * NS_PER_S
IN_VIEW_NS = 500 * NS_PER_MS
"""What is in view so soon after the first frame of a run came into view before it."""
SETTLED_NS = 16 * NS_PER_S
"""A passing that ended so long ago is not extended by a later track."""


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a run."""

    analysed: tuple[Analysed, ...]
    """The parts of its ranges that count as analysed now."""
    late: tuple[str, ...]
    """The ids of the events that were published."""
    known: int
    """How many other passings were found that were known."""


@dataclass(slots=True)
class _Run:
    """The passings of one run, by event id, and what became of them."""

    waiting: dict[str, Passing] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    known: int = 0
    began_ns: int | None = None


def runs_of(ranges: Sequence[Range]) -> Iterator[list[Range]]:
    """Yield the ranges in groups that are read together: close ones, for at most
    `LONGEST_RUN_NS`.
    """
    group: list[Range] = []
    for start_ns, end_ns in _short(merge(ranges)):
        is_near = not group or start_ns - group[-1][1] <= JOIN_NS
        if group and not (is_near and end_ns - group[0][0] <= LONGEST_RUN_NS):
            yield group
            group = []
        group.append((start_ns, end_ns))
    if group:
        yield group


def _short(ranges: Sequence[Range]) -> Iterator[Range]:
    for start_ns, end_ns in ranges:
        while end_ns - start_ns > LONGEST_RUN_NS:
            yield start_ns, start_ns + LONGEST_RUN_NS
            start_ns += LONGEST_RUN_NS
        yield start_ns, end_ns


def analyse_again(
    camera: Camera,
    ranges: Sequence[Range],
    context: AnalysisContext,
    wait_while_behind: Callable[[], None],
) -> Found:
    """Analyse one of the groups of `runs_of`.

    `wait_while_behind` is called before each frame: it may wait for live analysis, and may raise
    to end the run.

    Raises StoreError where a store or the disk refuses; nothing then counts as analysed.
    """
    from_ns, to_ns = ranges[0][0] - BEFORE_NS, ranges[-1][1] + AFTER_NS
    known = context.known.between(camera.id, from_ns, to_ns)
    frames = RecordedFrames(context.packets.between(camera.id, from_ns, to_ns), context.fps)
    analyser, run = context.analyser(camera), _Run()
    for frame in frames:
        wait_while_behind()
        run.began_ns = run.began_ns or frame.wall_ns
        run.waiting |= {one.event.id: one for one in analyser.analyse(frame)}
        _publish(run, ranges, known, context.spool, frame.wall_ns - SETTLED_NS)
    run.waiting |= {one.event.id: one for one in analyser.close()}
    _publish(run, ranges, known, context.spool, to_ns)
    decoded = merge(frames.decoded)
    analysed = tuple(Analysed(*part) for one in ranges for part in clip(decoded, *one))
    context.gaps.add_analysed_again(camera.id, analysed)
    seconds = sum(one.end_ns - one.start_ns for one in analysed) / NS_PER_S
    ANALYSED_AGAIN_S.labels(camera.id).inc(seconds)
    return Found(analysed, tuple(run.late), run.known)


def _publish(
    run: _Run, ranges: Sequence[Range], known: list[Event], spool: Spool, until_ns: int
) -> None:
    """Publish the waiting passings that ended by `until_ns`, unless they are known or were in view
    outside the ranges.
    """
    ended = [one for one in run.waiting.values() if one.event.ended_at <= until_ns]
    for passing in ended:
        event = passing.event
        del run.waiting[event.id]
        if not _began_within(event, run.began_ns or 0, ranges):
            continue
        if is_known(event, known):
            run.known += 1
            continue
        late = event.model_copy(update={"late": True})
        spool.put(Passing(late, passing.snapshot_jpeg, passing.crop_jpeg))
        EVENTS_LATE.labels(event.camera).inc()
        run.late.append(event.id)
        known.append(late)


def _began_within(event: Event, began_ns: int, ranges: Sequence[Range]) -> bool:
    """Return whether the passing overlaps a range and came into view during the run, not before.

    It may begin before the first look that shows it.
    """
    began_by_ns = event.started_at - SEEN_ENOUGH_NS
    overlaps = any(began_by_ns < end and start < event.ended_at for start, end in ranges)
    was_in_view = event.started_at - began_ns < IN_VIEW_NS and began_ns < ranges[0][0] - IN_VIEW_NS
    return overlaps and not was_in_view
