"""Writes down what is not recorded of one camera while its process runs, and what was not while
none ran.

The recorder tells of holes once they are over; a hole that goes on is told from the camera's state,
so that it outlives `kill -9`.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace

from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, Clock, rfc3339
from domain.errors import StoreError
from domain.log import FloodGate
from domain.paths.data_layout import Layout
from domain.recordings.gap_causes import CameraStateChange, Facts, explain
from domain.recordings.gaps import Gap, GapCause
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.recorded_ranges import RecordedRanges

OPEN_AFTER_NS = 5 * NS_PER_S
"""Nothing recorded for this long is a hole that goes on; what is recorded can be read within
two seconds or so.
"""
_MAX_STATE_CHANGES, _MOST_KNOWN, _MOST_WAITING = 256, 64, 256
_log = logging.getLogger(__name__)


class GapRecorder:
    """`on_hole` may be called from any thread and never waits; `begin` once, then `look` every
    second, from one thread.
    """

    def __init__(self, camera_id: str, layout: Layout, clock: Clock) -> None:
        self._camera_id = camera_id
        self._clock = clock
        self._log = GapLog(layout, clock)
        self._ledger = Ledger(layout.recordings)
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)
        self._holes: deque[tuple[int, int, GapCause | None]] = deque()
        self._waiting: deque[Gap] = deque(maxlen=_MOST_WAITING)
        """Gaps that the disk refuses: written as soon as it lets us."""
        self._state_changes: deque[CameraStateChange] = deque(maxlen=_MAX_STATE_CHANGES)
        self._known: deque[Gap] = deque(maxlen=_MOST_KNOWN)
        self._because: Gap | None = None
        self._told: tuple[int, GapCause, int] | None = None
        """Start, cause and day of the hole that was last said to go on."""
        self._started_ns = self._until_ns = clock.wall_ns()
        self._recorded_until_ns = 0
        self._steps = clock.steps

    def begin(self) -> None:
        """Take up what the process before this one left: call it once what that one wrote is
        salvaged.
        """
        bounds, beat_ns = (
            RecordedRanges(self._ledger.recordings).bounds(self._camera_id),
            self._log.last_beat_ns(self._camera_id),
        )
        last_ns = 0 if bounds is None else bounds[1]
        if beat_ns is not None and beat_ns - last_ns > OPEN_AFTER_NS:
            last_ns = beat_ns  # until then its own log tells why nothing was recorded
        if last_ns:
            self._until_ns = min(last_ns, self._started_ns)
        self._close_left_open()

    def _close_left_open(self) -> None:
        """The process before this one may have recorded again, and died before it said so."""
        gap = self._log.left_open(self._camera_id)
        if gap is None:
            return
        found = self._ledger.segments(self._camera_id, gap.start_ns, self._started_ns)
        ends_ns = next((one.start_ns for one in found if one.start_ns > gap.start_ns), None)
        if ends_ns is not None:
            self._waiting.append(replace(gap, end_ns=ends_ns))

    def on_hole(self, start_ns: int, end_ns: int, recorder_cause: GapCause | None) -> None:
        """Recording went on after a stretch of which nothing is in any file."""
        self._holes.append((start_ns, end_ns, recorder_cause))

    def give_up(self, since_ns: int, detail: str) -> None:
        """This process ends, since it could not do its work since then. What it said meanwhile
        of the camera it could not know.
        """
        now_ns, recorded_ns = self._clock.wall_ns(), self._until_ns
        start_ns = recorded_ns if since_ns - recorded_ns < OPEN_AFTER_NS else since_ns
        if start_ns < now_ns:
            self._log.add(Gap(self._camera_id, start_ns, now_ns, GapCause.RESTART, detail))
            self._log.beat(self._camera_id)

    def look(self, status: CameraStatus, because: tuple[GapCause, str] | None = None) -> None:
        """How the camera stands now; `because`: why it is not to be recorded now, where it is
        not. Never raises for a disk that refuses.
        """
        now_ns = self._clock.wall_ns()
        self._take_down(status, now_ns)
        self._take_known(status, because, now_ns)
        self._take_first(status.recorded_until_ns, now_ns)
        self._take_holes()
        try:
            while self._waiting:
                self._log.add(self._waiting[0])
                self._waiting.popleft()
            self._tell_open(now_ns)
            self._log.beat(self._camera_id)
        except StoreError as error:
            self._warn(
                self._camera_id,
                f"gaps of camera {self._camera_id} are kept in memory: {error}",
            )

    def _take_down(self, status: CameraStatus, now_ns: int) -> None:
        last = self._state_changes[-1] if self._state_changes else None
        if (
            last is not None
            and last.state is status.state
            and (status.state.is_down or last.failures == status.reconnects)
        ):
            self._state_changes.pop()
            since_ns = last.since_ns
        else:
            since_ns = status.since_ns if last is None or last.state is not status.state else now_ns
            since_ns = max(since_ns, last.since_ns if last else 0)
        self._state_changes.append(
            CameraStateChange(
                since_ns, status.state, status.last_error, status.reconnects, status.why
            )
        )

    def _take_known(
        self, status: CameraStatus, because: tuple[GapCause, str] | None, now_ns: int
    ) -> None:
        if because is None and status.state is CameraState.IDLE:
            because = GapCause.NOT_ASKED, "no recording was requested"
        steps, before = self._clock.steps, self._steps
        self._steps = steps
        for step in steps:
            if step not in before and step.to_ns > step.from_ns:
                self._known.append(
                    Gap(self._camera_id, step.from_ns, step.to_ns, GapCause.CLOCK, str(step))
                )
        if because is None:
            self._because = None
        elif self._because is not None and (self._because.cause, self._because.detail) == because:
            self._because = replace(self._because, end_ns=now_ns)
            self._known[-1] = self._because
        else:
            self._because = Gap(self._camera_id, now_ns, now_ns + NS_PER_MS, *because)
            self._known.append(self._because)

    def _take_first(self, recorded_until_ns: int, now_ns: int) -> None:
        """The hole before the first that this process recorded is told by nobody else."""
        if recorded_until_ns and not self._recorded_until_ns:
            found = self._ledger.segments(self._camera_id, self._until_ns, now_ns)
            if found and found[0].start_ns > self._until_ns:
                self.on_hole(self._until_ns, found[0].start_ns, None)
        self._recorded_until_ns = recorded_until_ns
        self._until_ns = max(self._until_ns, recorded_until_ns)

    def _take_holes(self) -> None:
        while self._holes:
            start_ns, end_ns, recorder_cause = self._holes.popleft()
            self._waiting += explain(self._facts(), start_ns, end_ns, recorder_cause)
            _log.info(
                "%s: nothing was recorded from %s to %s",
                self._camera_id,
                rfc3339(start_ns),
                rfc3339(end_ns),
            )
            self._told = None

    def _tell_open(self, now_ns: int) -> None:
        if now_ns - self._until_ns <= OPEN_AFTER_NS:
            if (
                self._told is not None
            ):  # it went on, and there was no hole: the camera sends that seldom
                self._log.add(
                    Gap(self._camera_id, self._until_ns, self._until_ns + NS_PER_MS, self._told[1])
                )
                self._told = None
            return
        *over, last = explain(self._facts(), self._until_ns, now_ns)
        told = (last.start_ns, last.cause, now_ns // NS_PER_DAY)
        if told == self._told:
            return
        for gap in over:
            self._log.add(gap)
        self._log.open(last)
        self._told = told

    def _facts(self) -> Facts:
        return Facts(
            self._camera_id, self._started_ns, tuple(self._state_changes), tuple(self._known)
        )
