"""Why a stretch was not recorded, from how its camera stood meanwhile. Pure: states in, gaps out.

One hole mostly has one cause, and only its end tells which: a camera that falls silent is `live`
for a while before anybody can know. So all of a hole is judged at once, but for the parts that are
known to be ours: no process ran, it was not asked for, it was given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.camera_states import CameraState, Why
from domain.clock import NS_PER_S
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.overlay_intervals import paint

AT_ONCE_NS = 15 * NS_PER_S
"""A connection that broke and gave pictures again within this was broken on the way: no camera
starts that quickly.
"""
_SEEN_WITHIN_NS = 2 * NS_PER_S
"""States are looked at once a second, so that a failure may be seen when its hole is over."""
_BROKE = (Why.NONE, Why.FAILED, Why.ENDED, Why.SESSION_LOST)
_NOT_RECORDABLE = (
    CameraState.CODEC_UNSUPPORTED,
    CameraState.NO_PARAMETER_SETS,
    CameraState.NO_KEYFRAMES,
)
_DOWN = (CameraState.WRONG_PASSWORD, CameraState.NO_VIDEO, CameraState.UNREACHABLE)
_STARTING = (
    GapCause.RESTART,
    "the process that looks after the camera was not running, or had just started",
)


@dataclass(frozen=True, slots=True)
class CameraStanding:
    """How a camera stood from `since_ns` until the next; `failures` are those of all its
    connections so far.
    """

    since_ns: int
    state: CameraState
    last_error: str = ""
    failures: int = 0
    why: Why = Why.NONE


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a camera's time in one process. `standings` by time; `known` are
    stretches whose cause needs no judging.
    """

    camera_id: str
    started_ns: int
    standings: Sequence[CameraStanding]
    known: Sequence[Gap] = ()


def explain(facts: Facts, start_ns: int, end_ns: int, by_us: GapCause | None = None) -> list[Gap]:
    """The gaps that [start_ns, end_ns) is, by start and without a break. `by_us`: the recorder
    knows the cause.
    """
    known = [gap for gap in facts.known if gap.start_ns < end_ns and gap.end_ns > start_ns]
    judged = (by_us, "") if by_us is not None else _judge(facts, start_ns, end_ns, known)
    absent_until_ns = end_ns if judged == _STARTING else min(end_ns, facts.started_ns)
    layers = [
        (start_ns, end_ns, judged),
        (start_ns, absent_until_ns, _STARTING),
        *(
            (max(start_ns, gap.start_ns), min(end_ns, gap.end_ns), (gap.cause, gap.detail))
            for gap in known
        ),
    ]
    return [
        Gap(facts.camera_id, start, end, cause, detail)
        for start, end, (cause, detail) in paint(layers)
    ]


def _judge(facts: Facts, start_ns: int, end_ns: int, known: Sequence[Gap]) -> tuple[GapCause, str]:
    within = _within(facts.standings, start_ns, end_ns)
    states = {standing.state for standing in within}
    failures = _failures(facts.standings, start_ns, end_ns)
    for state in (*_DOWN[:2], *_NOT_RECORDABLE):
        if state in states:
            return _cause_of(state), _error_in(within, state)
    if known and not failures:  # the seconds before and after belong to it
        return known[-1].cause, known[-1].detail
    has_run = facts.started_ns < start_ns
    if (
        has_run
        and failures == 1
        and within
        and within[-1].why in _BROKE
        and end_ns - start_ns < AT_ONCE_NS
    ):
        return GapCause.NETWORK, _last_error(within)
    if failures or CameraState.UNREACHABLE in states:
        return GapCause.CAMERA_DOWN, _last_error(within)
    return (GapCause.NETWORK, "packets were lost on the way") if has_run else _STARTING


def _cause_of(state: CameraState) -> GapCause:
    return GapCause.DECODER if state in _NOT_RECORDABLE else GapCause.CAMERA_DOWN


def _within(
    standings: Sequence[CameraStanding], start_ns: int, end_ns: int
) -> list[CameraStanding]:
    """Those that held at some moment of the hole."""
    ends = [*(standing.since_ns for standing in standings), end_ns][1:]
    held = zip(standings, ends, strict=False)
    return [
        standing
        for standing, until_ns in held
        if standing.since_ns < end_ns and until_ns > start_ns
    ]


def _failures(standings: Sequence[CameraStanding], start_ns: int, end_ns: int) -> int:
    before = [standing.failures for standing in standings if standing.since_ns <= start_ns]
    until = [
        standing.failures for standing in standings if standing.since_ns <= end_ns + _SEEN_WITHIN_NS
    ]
    return max(until, default=0) - max(before, default=0)


def _error_in(standings: Sequence[CameraStanding], state: CameraState) -> str:
    return next(
        (standing.last_error for standing in reversed(standings) if standing.state is state), ""
    )


def _last_error(standings: Sequence[CameraStanding]) -> str:
    return next(
        (standing.last_error for standing in reversed(standings) if standing.last_error), ""
    )
