"""Writes the gaps of one camera to the log, also those of the time without a process.

The recorder reports a gap when it ends. An ongoing gap is derived from the camera's state, so that
it survives `kill -9`.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace

from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, Clock, rfc3339
from domain.errors import StoreError
from domain.log import FloodGate
from domain.messages.message import Message
from domain.paths.data_layout import Layout
from domain.recordings.gap_explanation import (
    LONGEST_NETWORK_BREAK_NS,
    CameraStateChange,
    Facts,
    explain,
)
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.partly_analysed import cause_of_gap
from storage.recordings.gaps.disk_writes import DeferredSync
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.recorded_ranges import RecordedRanges

OPEN_AFTER_NS = 5 * NS_PER_S
"""A gap is ongoing after this long without a recording, which is readable in about two seconds."""
_MAX_STATE_CHANGES, _MAX_KNOWN, _MAX_QUEUED = 256, 64, 256
_log = logging.getLogger(__name__)


class GapRecorder:
    """Records the gaps of one camera.

    One thread calls `start` once and then `update` every second. Any thread may call `on_hole`,
    which never waits.
    """

    def __init__(
        self, camera_id: str, layout: Layout, clock: Clock, sync: DeferredSync | None = None
    ) -> None:
        """With `sync`, gaps are on disk after the next `sync.sync()`, which the caller must call.
        Without it each gap is on disk as soon as it is logged.
        """
        self._camera_id = camera_id
        self._clock = clock
        self._log = GapLog(layout, clock, sync)
        self._ledger = Ledger(layout.recordings)
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)
        self._holes: deque[tuple[int, int, GapCause | None]] = deque()
        self._waiting: deque[Gap] = deque(maxlen=_MAX_QUEUED)
        """Gaps that are not written yet, for example because the disk refused them."""
        self._state_changes: deque[CameraStateChange] = deque(maxlen=_MAX_STATE_CHANGES)
        self._known: deque[Gap] = deque(maxlen=_MAX_KNOWN)
        self._not_recorded: Gap | None = None
        """The current range in which the camera is not to be recorded; the last of `_known`."""
        self._logged_open: tuple[int, GapCause, int] | None = None
        """Start, cause and day of the ongoing gap in the log."""
        self._fact_changes = 0
        """How often the states or the known gaps of the camera changed."""
        self._logged_facts: tuple[int, int, int] | None = None
        """What the ongoing gap in the log was derived from (its start, its day and the changes), if
        its cause depends on nothing else any more.
        """
        self._started_ns = self._until_ns = clock.wall_ns()
        self._recorded_until_ns = 0
        self._steps = clock.steps

    def start(self) -> int:
        """Continue after an earlier process, whose segments must be recovered before.

        Return until when it received pictures of the camera: until it recorded them, or until it
        ended if it left them out of the recording. Without an earlier process, return the present
        time. A log or a folder that cannot be read delays no recording.
        """
        beat_ns, gap = self._logged_before()
        last_ns = recorded_ns = self._recorded_before_ns()
        if beat_ns is not None and beat_ns - last_ns > OPEN_AFTER_NS:
            last_ns = beat_ns  # its own log has the causes until then
        if last_ns:
            self._until_ns = min(last_ns, self._started_ns)
        if gap is None:
            return recorded_ns or self._until_ns
        self._close_left_open(gap)
        if cause_of_gap(gap.cause) is None:
            return self._until_ns
        return max(recorded_ns, gap.since_ns or gap.start_ns)

    def _recorded_before_ns(self) -> int:
        """Return until when an earlier process recorded; 0 if it did not, or that is not known."""
        try:
            bounds = RecordedRanges(self._ledger.recordings).bounds(self._camera_id)
        except OSError as error:
            _log.error(
                "%s: its recordings cannot be read, so a gap before the start may be missing; "
                "examine the disk: %s",
                self._camera_id,
                error,
            )
            return 0
        return 0 if bounds is None else bounds[1]

    def _logged_before(self) -> tuple[int | None, Gap | None]:
        """Return when an earlier process last ran the camera, and the gap that it left open."""
        try:
            return self._log.last_beat_ns(self._camera_id), self._log.left_open(self._camera_id)
        except OSError as error:
            _log.error(
                "%s: a gap log cannot be read, so a gap that an earlier process left open is not "
                "ended; examine the disk, and restore the file or delete it: %s",
                self._camera_id,
                error,
            )
            return None, None

    def _close_left_open(self, gap: Gap) -> None:
        """Close a gap that an earlier process left open, if it recorded again."""
        found = self._ledger.segments(self._camera_id, gap.start_ns, self._started_ns)
        ends_ns = next((one.start_ns for one in found if one.start_ns > gap.start_ns), None)
        if ends_ns is not None:
            self._waiting.append(replace(gap, end_ns=ends_ns))

    def on_hole(self, start_ns: int, end_ns: int, recorder_cause: GapCause | None) -> None:
        """Queue a range that is in no file, after the recording continued."""
        self._holes.append((start_ns, end_ns, recorder_cause))

    def give_up(self, since_ns: int, detail: str) -> None:
        """Write a gap since `since_ns`, because this process hung and ends.

        The states that it reported of the camera meanwhile are not reliable.
        """
        now_ns, recorded_ns = self._clock.wall_ns(), self._until_ns
        start_ns = recorded_ns if since_ns - recorded_ns < OPEN_AFTER_NS else since_ns
        if start_ns < now_ns:
            self._log.add(Gap(self._camera_id, start_ns, now_ns, GapCause.RESTART, detail))
            self._log.beat(self._camera_id)

    def update(
        self, status: CameraStatus, not_recorded: tuple[GapCause, str] | None = None
    ) -> None:
        """Add the current state of the camera, and write new gaps.

        `not_recorded` is why the camera is not to be recorded now; None while it is. A disk that
        refuses the gaps raises nothing.
        """
        now_ns = self._clock.wall_ns()
        self._add_state(status, now_ns)
        self._add_known(status, not_recorded, now_ns)
        self._find_first_gap(status.recorded_until_ns, now_ns)
        self._explain_holes()
        try:
            while self._waiting:
                self._log.add(self._waiting[0])
                self._waiting.popleft()
            self._log_ongoing(now_ns)
            self._log.beat(self._camera_id)
        except StoreError as error:
            self._warn_of_disk(error)

    def _warn_of_disk(self, error: StoreError) -> None:
        self._warn(self._camera_id, f"gaps of camera {self._camera_id} are kept in memory: {error}")

    @property
    def is_logged(self) -> bool:
        """Whether the ongoing gap is in the log, with a cause that only a change of the camera's
        state can change.
        """
        return self._logged_facts is not None and not self._holes and not self._waiting

    def go_on(self) -> None:
        """Continue the ongoing gap. It replaces `update` while the state has not changed."""
        if self._not_recorded is not None:
            self._not_recorded = self._known[-1] = replace(
                self._not_recorded, end_ns=self._clock.wall_ns()
            )
        try:
            self._log.beat(self._camera_id)
        except StoreError as error:
            self._warn_of_disk(error)

    def _add_state(self, status: CameraStatus, now_ns: int) -> None:
        last = self._state_changes[-1] if self._state_changes else None
        now = (status.state, status.last_error, status.reconnects, status.why)
        if last is not None and now == (last.state, last.last_error, last.failures, last.why):
            return
        self._fact_changes += 1
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

    def _add_known(
        self, status: CameraStatus, not_recorded: tuple[GapCause, str] | None, now_ns: int
    ) -> None:
        """Add gaps whose cause is known now: clock steps, and times without recording."""
        if not_recorded is None and status.state is CameraState.IDLE:
            not_recorded = GapCause.NOT_ASKED, Message("no recording was requested")
        self._add_clock_steps(now_ns)
        known = self._not_recorded
        if not_recorded is None:
            self._fact_changes += known is not None
            self._not_recorded = None
        elif known is not None and (known.cause, known.detail) == not_recorded:
            self._not_recorded = self._known[-1] = replace(known, end_ns=now_ns)
        else:
            self._not_recorded = Gap(self._camera_id, now_ns, now_ns + NS_PER_MS, *not_recorded)
            self._known.append(self._not_recorded)
            self._fact_changes += 1

    def _add_clock_steps(self, now_ns: int) -> None:
        """Add a gap for each time that the clock left out, in which nothing could be recorded."""
        steps, before = self._clock.steps, self._steps
        self._steps = steps
        for step in steps:
            if step in before or step.to_ns <= step.from_ns:
                continue
            interrupted = self._not_recorded
            if interrupted is not None:
                self._known[-1] = replace(interrupted, end_ns=step.from_ns)
            self._known.append(
                Gap(self._camera_id, step.from_ns, step.to_ns, GapCause.CLOCK, step.message)
            )
            if interrupted is not None:
                end_ns = max(now_ns, step.to_ns + NS_PER_MS)
                self._not_recorded = replace(interrupted, start_ns=step.to_ns, end_ns=end_ns)
                self._known.append(self._not_recorded)
            self._fact_changes += 1

    def _find_first_gap(self, recorded_until_ns: int, now_ns: int) -> None:
        """Queue the gap before the first segment of this process; the recorder does not know it."""
        if recorded_until_ns and not self._recorded_until_ns:
            found = self._ledger.segments(self._camera_id, self._until_ns, now_ns)
            if found and found[0].start_ns > self._until_ns:
                self.on_hole(self._until_ns, found[0].start_ns, None)
        self._recorded_until_ns = recorded_until_ns
        self._until_ns = max(self._until_ns, recorded_until_ns)

    def _explain_holes(self) -> None:
        while self._holes:
            start_ns, end_ns, recorder_cause = self._holes.popleft()
            self._waiting += explain(self._facts(), start_ns, end_ns, recorder_cause)
            _log.info(
                "%s: nothing was recorded from %s to %s",
                self._camera_id,
                rfc3339(start_ns),
                rfc3339(end_ns),
            )
            self._logged_open = self._logged_facts = None

    def _log_ongoing(self, now_ns: int) -> None:
        if now_ns - self._until_ns <= OPEN_AFTER_NS:
            # The recording continued without a gap: the camera sends only now and then.
            if self._logged_open is not None:
                cause = self._logged_open[1]
                self._log.add(
                    Gap(self._camera_id, self._until_ns, self._until_ns + NS_PER_MS, cause)
                )
                self._logged_open = None
            self._logged_facts = None
            return
        facts = (self._until_ns, now_ns // NS_PER_DAY, self._fact_changes)
        if facts == self._logged_facts:
            return
        *ended, last = explain(self._facts(), self._until_ns, now_ns)
        ongoing = (last.start_ns, last.cause, now_ns // NS_PER_DAY)
        if ongoing != self._logged_open:
            for gap in ended:
                self._log.add(gap)
            self._log.open(last)
            self._logged_open = ongoing
        # Until then the cause may change without a change of the facts.
        is_final = now_ns - self._until_ns > LONGEST_NETWORK_BREAK_NS
        self._logged_facts = facts if is_final and not self._begins_at(now_ns) else None

    def _begins_at(self, now_ns: int) -> bool:
        """Return whether a state or a time without recording begins now. It is not part of a gap
        that ends now.
        """
        starts_ns = [change.since_ns for change in self._state_changes][-1:]
        if self._not_recorded is not None:
            starts_ns.append(self._not_recorded.start_ns)
        return any(start_ns >= now_ns for start_ns in starts_ns)

    def _facts(self) -> Facts:
        return Facts(
            self._camera_id, self._started_ns, tuple(self._state_changes), tuple(self._known)
        )
