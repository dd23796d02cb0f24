"""Finds the causes of a hole in a recording from the states of its camera. Pure.

Most holes have one cause, which only their end reveals: a camera that falls silent remains `live`
until a timeout. A hole is therefore judged as a whole. Only ranges with a known cause on this node
are separate: no process ran, the recording was not requested, or it was shed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.camera_states import CameraState, Why
from domain.clock import NS_PER_S
from domain.messages.message import Message
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.overlay_intervals import overlay

LONGEST_NETWORK_BREAK_NS = 15 * NS_PER_S
"""A connection that delivers pictures again within this time was broken by the network, because no
camera restarts that quickly.
"""
_SEEN_WITHIN_NS = 2 * NS_PER_S
"""States are sampled once a second, so a failure may be recorded after the end of its hole."""
_BROKE = (Why.NONE, Why.FAILED, Why.ENDED, Why.SESSION_LOST)
_NOT_RECORDABLE = (
    CameraState.CODEC_UNSUPPORTED,
    CameraState.NO_PARAMETER_SETS,
    CameraState.NO_KEYFRAMES,
)
_DOWN = (CameraState.WRONG_PASSWORD, CameraState.NO_VIDEO, CameraState.UNREACHABLE)
_STARTING = (
    GapCause.RESTART,
    Message("the process that looks after the camera was not running, or had just started"),
)


@dataclass(frozen=True, slots=True)
class CameraStateChange:
    """The state of a camera from `since_ns` until the next entry. `failures` counts the failures of
    all its connections so far.
    """

    since_ns: int
    state: CameraState
    last_error: str = ""
    failures: int = 0
    why: Why = Why.NONE


@dataclass(frozen=True, slots=True)
class Facts:
    """What one process knows of a camera. `state_changes` are ordered by time; `known` are ranges
    whose cause is already known.
    """

    camera_id: str
    started_ns: int
    state_changes: Sequence[CameraStateChange]
    known: Sequence[Gap] = ()


def explain(
    facts: Facts, start_ns: int, end_ns: int, recorder_cause: GapCause | None = None
) -> list[Gap]:
    """Divide [start_ns, end_ns) into consecutive gaps with their causes. `recorder_cause` is the
    cause if the recorder knows it.
    """
    known = [gap for gap in facts.known if gap.start_ns < end_ns and gap.end_ns > start_ns]
    judged = (
        (recorder_cause, "")
        if recorder_cause is not None
        else _judge(facts, start_ns, end_ns, known)
    )
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
        for start, end, (cause, detail) in overlay(layers)
    ]


def _judge(facts: Facts, start_ns: int, end_ns: int, known: Sequence[Gap]) -> tuple[GapCause, str]:
    within = _within(facts.state_changes, start_ns, end_ns)
    states = {change.state for change in within}
    failures = _failures(facts.state_changes, start_ns, end_ns)
    for state in (*_DOWN[:2], *_NOT_RECORDABLE):
        if state in states:
            return _cause_of(state), _error_in(within, state)
    if known and not failures:  # the seconds around a known gap have the same cause
        return known[-1].cause, known[-1].detail
    has_run = facts.started_ns < start_ns
    if (
        has_run
        and failures == 1
        and within
        and within[-1].why in _BROKE
        and end_ns - start_ns < LONGEST_NETWORK_BREAK_NS
    ):
        return GapCause.NETWORK, _last_error(within)
    if failures or CameraState.UNREACHABLE in states:
        return GapCause.CAMERA_DOWN, _last_error(within)
    return (GapCause.NETWORK, Message("packets were lost on the way")) if has_run else _STARTING


def _cause_of(state: CameraState) -> GapCause:
    return GapCause.DECODER if state in _NOT_RECORDABLE else GapCause.CAMERA_DOWN


def _within(
    state_changes: Sequence[CameraStateChange], start_ns: int, end_ns: int
) -> list[CameraStateChange]:
    """Return the states that applied at some time in the hole."""
    ends = [*(change.since_ns for change in state_changes), end_ns][1:]
    held = zip(state_changes, ends, strict=False)
    return [change for change, until_ns in held if change.since_ns < end_ns and until_ns > start_ns]


def _failures(state_changes: Sequence[CameraStateChange], start_ns: int, end_ns: int) -> int:
    before = [change.failures for change in state_changes if change.since_ns <= start_ns]
    until = [
        change.failures for change in state_changes if change.since_ns <= end_ns + _SEEN_WITHIN_NS
    ]
    return max(until, default=0) - max(before, default=0)


def _error_in(state_changes: Sequence[CameraStateChange], state: CameraState) -> str:
    return next(
        (change.last_error for change in reversed(state_changes) if change.state is state), ""
    )


def _last_error(state_changes: Sequence[CameraStateChange]) -> str:
    return next((change.last_error for change in reversed(state_changes) if change.last_error), "")
