"""The machine's clock is set by an hour while a camera is recorded: real packets, real files,
and a clock that libfaketime sets.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from domain.clock import NS_PER_S, SystemClock
from domain.paths.data_layout import Layout
from simulator import SimCamera, Simulator
from storage.recordings.ledger import Ledger, Segment
from tests.conftest import ROOT
from tests.waiting import PATIENCE_S, wait_for

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
SEGMENTS_BEFORE, SEGMENTS_AFTER = 2, 2
"""Segments of about two seconds that are finished before the clock is set, and after that."""


@dataclass(frozen=True)
class Recorded:
    """A recording during which the clock was set."""

    status: dict[str, object]
    log: str
    segments: list[Segment]
    step_ns: int
    """When the clock was set, by a clock that was not."""
    end_ns: int
    """When the recording process had ended, by the same clock."""


@pytest.mark.parametrize("by_s", [3600, -3600], ids=["forward", "back"])
def test_times_are_right_from_the_next_keyframe_on_and_no_picture_is_lost(
    by_s: int, tmp_path: Path, clips: dict[str, Path]
) -> None:
    if not FAKETIME.exists():
        pytest.skip("Debian package absent: faketime")
    recorded = _record(clips["h264"], tmp_path, by_s)
    assert recorded.log.count("clock_stepped: ") == 1, recorded.log
    assert recorded.status["state"] == "clock_wrong", (
        "the camera, whose reports have the old time, is distinct from ours"
    )
    assert recorded.status["clock_skew_ms"] == pytest.approx(-by_s * 1000, abs=500)
    assert recorded.status["reconnects"] == 0
    by_ns = by_s * NS_PER_S
    old, new = _divided(recorded.segments)
    _assert_gapless(old)
    _assert_gapless(new)
    assert _end(old) + by_ns == pytest.approx(new[0].start_ns, abs=NS_PER_S // 4), (
        "nothing was lost between"
    )
    step_ns = recorded.step_ns
    assert step_ns - NS_PER_S // 2 < _end(old) < step_ns + 2 * NS_PER_S, (
        "the next keyframe arrived within a second"
    )
    assert len(new) >= SEGMENTS_AFTER
    assert all(_end([one]) - one.start_ns > 1.5 * NS_PER_S for one in new[:-1]), (
        "not a segment for each keyframe"
    )
    assert _end(new) - by_ns < recorded.end_ns + NS_PER_S // 4
    fences = {segment.fence for segment in old}, {segment.fence for segment in new}
    assert fences == ({7}, {7 if by_s > 0 else 8}), "what is recorded again has a higher fence"


def _record(clip: Path, folder: Path, by_s: int) -> Recorded:
    """Record in another process, whose clock is set by `by_s` meanwhile."""
    clock, offset = SystemClock(), folder / "offset"
    offset.write_text("+0")
    module = "tests.ingest.recording.record_under_a_set_clock"
    with (
        Simulator([SimCamera("gate", clip)]) as sim,
        subprocess.Popen(
            [sys.executable, "-m", module, sim.url("gate"), str(folder)],
            cwd=ROOT,
            env=os.environ | _faked(offset),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        wait_for("segments", lambda: _count(process, folder) >= SEGMENTS_BEFORE)
        offset.write_text(f"{by_s:+d}")
        step_ns, before = clock.wall_ns(), _count(process, folder)
        wait_for("state of the camera", lambda: _status(process)["state"] == "clock_wrong")
        # One segment more: the one that was open when the clock was set has the old time.
        enough = before + 1 + SEGMENTS_AFTER
        wait_for("segments with the new time", lambda: _count(process, folder) >= enough)
        out, log = process.communicate("", timeout=PATIENCE_S)
        end_ns = clock.wall_ns()
    found = sorted(_segments(folder), key=lambda segment: (segment.fence, segment.start_ns))
    return Recorded(json.loads(out.splitlines()[-1]), log, found, step_ns, end_ns)


def _count(process: subprocess.Popen[str], folder: Path) -> int:
    """Return how many segments are finished. Fails if the recording process has ended."""
    assert process.poll() is None
    return len(_segments(folder))


def _status(process: subprocess.Popen[str]) -> dict[str, object]:
    """Ask the recording process for the status of its camera."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    status: dict[str, object] = json.loads(process.stdout.readline())
    return status


def _faked(offset: Path) -> dict[str, str]:
    """Return the environment in which libfaketime adds the content of a file to the clock."""
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(ROOT),
    }


def _divided(segments: list[Segment]) -> tuple[list[Segment], list[Segment]]:
    """Return the segments before and after the time was set; there is one such place."""
    jumps = [
        index
        for index, (one, other) in enumerate(pairwise(segments), 1)
        if abs(other.start_ns - one.start_ns) > 1800 * NS_PER_S
    ]
    assert len(jumps) == 1, "one new beginning, and not one for each keyframe"
    return segments[: jumps[0]], segments[jumps[0] :]


def _segments(root: Path) -> list[Segment]:
    ledger, now_ns = Ledger(Layout(root).recordings), SystemClock().wall_ns()
    found = ledger.segments("gate", now_ns - 7200 * NS_PER_S, now_ns + 7200 * NS_PER_S)
    return [segment for segment in found if segment.end_ns is not None]


def _end(segments: list[Segment]) -> int:
    end_ns = segments[-1].end_ns
    assert end_ns is not None
    return end_ns


def _assert_gapless(segments: list[Segment]) -> None:
    assert segments
    for one, other in pairwise(segments):
        assert _end([one]) == other.start_ns
