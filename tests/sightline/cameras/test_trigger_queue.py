"""Triggers of threads that must not wait: one line in ten seconds, and none lost on a full disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S, ManualClock
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.recordings.triggers import LONGEST_NS, Trigger
from domain.settings import Settings
from sightline.cameras.trigger_queue import AHEAD_NS, MAX_QUEUED, TriggerQueue
from storage.recordings.recorded_ranges import merge
from storage.recordings.trigger_log import TriggerLog

CLOCK = ManualClock()
NOW_NS = CLOCK.wall_ns()
FOR_EVER_NS = 1 << 62


def triggers_in(folder: Path) -> tuple[TriggerQueue, TriggerLog]:
    log = TriggerLog(Layout(folder), Settings())
    return TriggerQueue(log, CLOCK), log


def test_what_goes_on_is_a_line_in_ten_seconds_and_joins(tmp_path: Path) -> None:
    triggers, log = triggers_in(tmp_path)
    for half_second in range(240):
        at_ns = NOW_NS + half_second * NS_PER_S // 2
        triggers.fire("gate", "motion", at_ns, at_ns + NS_PER_S // 2)
    triggers.write()
    logged = log.between("gate", 0, FOR_EVER_NS)
    assert len(logged) <= 13
    covered = merge(((one.start_ns, one.end_ns) for one in logged), within_ns=0)
    assert covered == [(NOW_NS, logged[-1].end_ns)]
    assert logged[-1].end_ns >= NOW_NS + 120 * NS_PER_S


@given(
    st.lists(
        st.tuples(
            st.integers(0, 200_000),
            st.integers(0, 20_000),
            st.sampled_from(["motion", "checkpoint"]),
        ),
        max_size=30,
    )
)
def test_every_moment_that_triggered_is_covered(fired: list[tuple[int, int, str]]) -> None:
    written: list[Trigger] = []

    class Log(TriggerLog):
        def add(self, trigger: Trigger, durable: bool = True) -> None:
            written.append(trigger)

    triggers = TriggerQueue(Log(Layout(Path("/nowhere")), Settings()), CLOCK)
    for start_ms, length_ms, source in fired:
        start_ns = NOW_NS + start_ms * NS_PER_MS
        triggers.fire(
            "gate",
            "motion" if source == "motion" else "checkpoint",
            start_ns,
            start_ns + length_ms * NS_PER_MS,
        )
    triggers.write()
    covered = merge(((one.start_ns, one.end_ns) for one in written), within_ns=0)
    for start_ms, length_ms, _ in fired:
        start_ns, end_ns = (
            NOW_NS + start_ms * NS_PER_MS,
            NOW_NS + (start_ms + length_ms) * NS_PER_MS,
        )
        assert any(from_ns <= start_ns and end_ns <= to_ns for from_ns, to_ns in covered)


def test_a_vehicle_that_stays_for_days_keeps_the_last_of_them(tmp_path: Path) -> None:
    triggers, log = triggers_in(tmp_path)
    triggers.fire("gate", "checkpoint", NOW_NS - 3 * LONGEST_NS, NOW_NS)
    triggers.write()
    (one,) = log.between("gate", 0, FOR_EVER_NS)
    assert one.end_ns == NOW_NS + AHEAD_NS
    assert one.end_ns - one.start_ns == LONGEST_NS


def test_triggers_wait_while_the_disk_refuses_and_memory_is_bounded(tmp_path: Path) -> None:
    triggers, log = triggers_in(tmp_path)
    (tmp_path / "triggers").write_text("in the way")
    for number in range(MAX_QUEUED + 10):
        triggers.fire(
            "gate", "motion", NOW_NS + number * 60 * NS_PER_S, NOW_NS + number * 60 * NS_PER_S
        )
    triggers.write()
    (tmp_path / "triggers").unlink()
    triggers.write()
    assert len(log.between("gate", 0, FOR_EVER_NS)) == MAX_QUEUED


def test_a_camera_whose_log_cannot_be_read_is_recorded_by_the_triggers_of_its_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    triggers, _ = triggers_in(tmp_path)
    (Layout(tmp_path).triggers / "gate" / f"{day_of(NOW_NS)}.jsonl").mkdir(parents=True)
    assert not triggers.is_requested("gate")
    triggers.fire("gate", "motion", NOW_NS - NS_PER_S, NOW_NS)
    assert triggers.is_requested("gate")
    assert not triggers.is_requested("other")
    assert "the triggers of camera gate cannot be read" in caplog.text


def test_a_camera_is_requested_for_while_a_trigger_lasts(tmp_path: Path) -> None:
    triggers, log = triggers_in(tmp_path)
    assert not triggers.is_requested("gate")
    log.add(Trigger("gate", "api", NOW_NS - NS_PER_S, NOW_NS))
    assert not triggers.is_requested("gate")
    log.add(Trigger("gate", "api", NOW_NS - NS_PER_S, NOW_NS + NS_PER_S))
    assert triggers.is_requested("gate")
    assert not triggers.is_requested("other")
