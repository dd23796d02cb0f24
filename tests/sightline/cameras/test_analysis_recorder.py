"""Where passings may be missing is in the log within seconds, also after a full disk or a kill."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S, ManualClock
from domain.paths.data_layout import Layout
from domain.recordings.analysis_metrics import PARTLY_ANALYSED_S
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.missed_passings import EARLIER_NS, missed_starts, partly_of
from domain.recordings.overlay_intervals import overlay
from domain.recordings.partly_analysed import SEEN_ENOUGH_NS, PartlyAnalysed, PartlyCause
from ingest.frames.analysis_losses import AnalysisLosses
from sightline.cameras.analysis_recorder import WRITE_EVERY_S, AnalysisRecorder
from storage.recordings.gaps.log import GapLog

NOON_NS = 1_700_000_000 * NS_PER_S


def at(seconds: float) -> int:
    return NOON_NS + round(seconds * NS_PER_S)


class Checkpoint:
    def __init__(self, root: Path) -> None:
        self.clock = ManualClock(NOON_NS)
        self.layout = Layout(root)
        self.gaps = GapLog(self.layout, self.clock)
        self.losses = AnalysisLosses()
        self.done_ns: int | None = NOON_NS
        """Until when the analysis is done."""
        self.recorder = AnalysisRecorder(
            "cam", self.gaps, self.losses.take, lambda: self.done_ns, self.clock
        )

    def lose(self, start_s: int, end_s: int) -> PartlyAnalysed:
        """Return the range in which a missed passing may have begun."""
        start_ns, end_ns = NOON_NS + start_s * NS_PER_S, NOON_NS + end_s * NS_PER_S
        self.losses.add(start_ns, end_ns, PartlyCause.OVERLOAD)
        return PartlyAnalysed(start_ns - SEEN_ENOUGH_NS, end_ns - EARLIER_NS, PartlyCause.OVERLOAD)

    def logged(self) -> list[PartlyAnalysed]:
        near_ns = 3600 * NS_PER_S
        return list(self.gaps.partly_analysed("cam", NOON_NS - near_ns, NOON_NS + near_ns))


def test_ranges_are_logged_together_every_few_seconds_and_counted(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    metric = PARTLY_ANALYSED_S.labels("cam", PartlyCause.OVERLOAD)
    before_s = metric._value.get()
    first = checkpoint.lose(0, 2)
    checkpoint.recorder.update()
    assert checkpoint.logged() == [first]
    later = [checkpoint.lose(at, at + 2) for at in (4, 8)]
    checkpoint.recorder.update()
    assert checkpoint.logged() == [first]
    checkpoint.clock.advance(WRITE_EVERY_S)
    checkpoint.recorder.update()
    assert checkpoint.logged() == [first, *later]
    assert metric._value.get() - before_s == 4.5


def test_the_end_of_the_camera_logs_the_rest(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.recorder.update()
    lost = checkpoint.lose(0, 2)
    checkpoint.recorder.close()
    assert checkpoint.logged() == [lost]


def test_what_the_disk_refuses_is_logged_later(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    folder = checkpoint.layout.gaps / "cam"
    folder.parent.mkdir(parents=True)
    folder.write_text("a file in the place of the folder")
    lost = checkpoint.lose(0, 2)
    checkpoint.recorder.update()
    folder.unlink()
    checkpoint.clock.advance(WRITE_EVERY_S)
    checkpoint.recorder.update()
    assert checkpoint.logged() == [lost]


def analyse_until_killed(root: str) -> None:
    """Log the losses of two seconds, lose two more that are not due to be logged, and wait."""
    checkpoint = Checkpoint(Path(root))
    checkpoint.lose(0, 2)
    checkpoint.done_ns = at(2)
    checkpoint.recorder.update()
    checkpoint.lose(4, 6)
    checkpoint.done_ns = at(6)
    checkpoint.recorder.update()
    print("lost", flush=True)
    sys.stdin.read()


def test_what_a_killed_process_did_not_log_is_reported_after_the_restart(tmp_path: Path) -> None:
    script = f"from {__name__} import analyse_until_killed as run; run({str(tmp_path)!r})"
    with subprocess.Popen(
        (sys.executable, "-c", script), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"lost\n"
        process.kill()
    after = Checkpoint(tmp_path)
    (known,) = after.logged()
    after.recorder.start(at(7))
    after.done_ns = None
    after.recorder.update()
    lost = PartlyAnalysed(at(2) - SEEN_ENOUGH_NS, at(7) - EARLIER_NS, PartlyCause.RESTART)
    assert after.logged() == [known, lost]
    assert after.gaps.analysed_until_ns("cam") == at(2), "until the analysis has begun"


def test_after_a_process_that_ended_by_itself_nothing_is_lost(tmp_path: Path) -> None:
    before = Checkpoint(tmp_path)
    before.done_ns = at(7)
    before.recorder.start(at(0))
    before.recorder.close()
    after = Checkpoint(tmp_path)
    after.recorder.start(at(7))
    after.recorder.update()
    assert after.logged() == []


def test_the_log_is_complete_only_until_ranges_wait_to_be_written(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    for second in (2, 6):
        checkpoint.lose(second - 2, second)
        checkpoint.done_ns = at(second)
        checkpoint.recorder.update()
        assert len(checkpoint.logged()) == 1
        assert checkpoint.gaps.analysed_until_ns("cam") == at(2)
    checkpoint.recorder.close()
    assert len(checkpoint.logged()) == 2
    assert checkpoint.gaps.analysed_until_ns("cam") == at(6)


def test_a_cause_that_a_killed_process_logged_stays_the_cause(tmp_path: Path) -> None:
    """Its analysis hung: the mark stays where it was, and what was lost since is logged."""
    before = Checkpoint(tmp_path)
    before.losses.add(at(0), at(4), PartlyCause.ANALYSIS_STOPPED)
    before.done_ns = at(-0.5)
    before.recorder.update()
    after = Checkpoint(tmp_path)
    after.recorder.start(at(7))
    after.recorder.close()
    assert partly_of([], after.logged()) == [
        (at(-1), at(-0.5), PartlyCause.RESTART),
        (at(-0.5), at(3.5), PartlyCause.ANALYSIS_STOPPED),
        (at(3.5), at(6), PartlyCause.RESTART),
    ]


STEP_S = 0.05


@given(
    parts=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=6),
    ticks_s=st.lists(st.integers(1, 60), max_size=10),
    until_step=st.integers(0, 40),
)
def test_a_kill_at_any_moment_leaves_no_missed_passing_unreported(
    parts: list[tuple[int, int]], ticks_s: list[int], until_step: int
) -> None:
    """What the killed process had logged, what its successor logs and the gap of the recording are
    together as if all had been known at once.
    """
    with TemporaryDirectory() as folder:
        before, step, lost = Checkpoint(Path(folder)), 0, list[PartlyAnalysed]()
        for seen, unseen in parts:
            start_ns, end_ns = at((step + seen) * STEP_S), at((step + seen + unseen) * STEP_S)
            lost.append(PartlyAnalysed(start_ns, end_ns, PartlyCause.OVERLOAD))
            step += seen + unseen
        waiting, tick = list(lost), 0
        for passed in ticks_s:
            tick += passed
            before.clock.advance(passed * STEP_S)
            while waiting and waiting[0].end_ns <= at(tick * STEP_S):
                before.losses.add(*waiting.pop(0))
            before.done_ns = at(tick * STEP_S)
            if waiting:  # a time that began is reported at its end
                before.done_ns = min(before.done_ns, waiting[0].start_ns)
            before.recorder.update()
        since_ns = before.gaps.analysed_until_ns("cam")
        after, until_ns = Checkpoint(Path(folder)), at((max(step, tick) + until_step) * STEP_S)
        after.recorder.start(until_ns)
        after.recorder.close()
        gap = Gap("cam", until_ns, until_ns + 3 * NS_PER_S, GapCause.RESTART)
        known = [one for one in lost if since_ns is not None and one.end_ns <= since_ns]
        if since_ns is not None and since_ns < until_ns:
            known.append(PartlyAnalysed(since_ns, until_ns, PartlyCause.RESTART))
        whole = missed_starts([*known, PartlyAnalysed(*gap_span(gap), PartlyCause.RESTART)])
        assert covered(partly_of([gap], after.logged())) == covered(whole)


def gap_span(gap: Gap) -> tuple[int, int]:
    return gap.start_ns, gap.end_ns


def covered(ranges: Iterable[PartlyAnalysed]) -> list[tuple[int, int, None]]:
    return overlay([(one.start_ns, one.end_ns, None) for one in ranges])
