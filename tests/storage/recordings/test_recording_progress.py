"""Whether a clip's seconds are recorded, coming, or will never come."""

from __future__ import annotations

from domain.clock import NS_PER_HOUR, NS_PER_S, ManualClock
from storage.recordings.recording_progress import STOPPED_AFTER_S, Progress, RecordingProgress


def test_coming_until_recorded_or_stopped() -> None:
    clock, until = ManualClock(), [100]
    progress = RecordingProgress(lambda _: until[0], clock)
    assert progress.of("gate", 100) is Progress.RECORDED
    assert progress.of("gate", 101) is Progress.COMING
    clock.advance(STOPPED_AFTER_S)
    assert progress.of("gate", 101) is Progress.STOPPED
    until[0] = 105
    assert progress.of("gate", 106) is Progress.COMING


def test_events_of_before_the_clock_was_set_back_do_not_wait_for_their_hour_to_come_again() -> None:
    clock, until = ManualClock(), [10 * NS_PER_HOUR]
    progress = RecordingProgress(lambda _: until[0], clock)
    needed_ns = 10 * NS_PER_HOUR + 5 * NS_PER_S
    assert progress.of("gate", needed_ns) is Progress.COMING
    until[0] = 9 * NS_PER_HOUR
    assert progress.of("gate", needed_ns) is Progress.STOPPED
    until[0] += NS_PER_S
    assert progress.of("gate", needed_ns) is Progress.STOPPED
    assert progress.of("gate", 9 * NS_PER_HOUR + 6 * NS_PER_S) is Progress.COMING
