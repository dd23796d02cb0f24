"""The machine's clock is set by an hour while a camera is recorded: real packets, real files,
and libfaketime's hand on the clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from domain.clock import NS_PER_S, SystemClock
from domain.paths.data_layout import Layout
from simulator import SimCamera, Simulator
from storage.recordings.ledger import Ledger, Segment
from tests.conftest import ROOT
from tests.waiting import PATIENCE_S

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
BEFORE_S, AFTER_S = 2.5, 4.5


@pytest.mark.parametrize("by_s", [3600, -3600], ids=["forward", "back"])
def test_times_are_right_from_the_next_keyframe_on_and_no_picture_is_lost(
    by_s: int, tmp_path: Path, clips: dict[str, Path]
) -> None:
    if not FAKETIME.exists():
        pytest.skip("Debian package absent: faketime")
    clock, hand = SystemClock(), tmp_path / "hand"
    hand.write_text("+0")
    faked = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(hand),
        "FAKETIME_NO_CACHE": "1",
    }
    faked |= {
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(ROOT),
    }
    with Simulator([SimCamera("gate", clips["h264"])]) as sim:
        command = [
            sys.executable,
            "-m",
            "tests.ingest.recording.record_under_a_set_clock",
            sim.url("gate"),
            str(tmp_path),
        ]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | faked,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        _until(clock, lambda: bool(_segments(tmp_path)), process)
        clock.sleep(BEFORE_S)
        hand.write_text(f"{by_s:+d}")
        step_ns = clock.wall_ns()
        clock.sleep(AFTER_S)
        end_ns = clock.wall_ns()
        out, log = process.communicate("", timeout=PATIENCE_S)
    assert log.count("clock_stepped: ") == 1, log
    status = json.loads(out.splitlines()[-1])
    assert status["state"] == "clock_wrong", (
        "the camera, whose reports have the old time, is distinct from ours"
    )
    assert status["clock_skew_ms"] == pytest.approx(-by_s * 1000, abs=500)
    assert status["reconnects"] == 0
    by_ns = by_s * NS_PER_S
    found = sorted(_segments(tmp_path), key=lambda segment: (segment.fence, segment.start_ns))
    jumps = [
        index
        for index, (one, other) in enumerate(pairwise(found), 1)
        if abs(other.start_ns - one.start_ns) > 1800 * NS_PER_S
    ]
    assert len(jumps) == 1, "one new beginning, and not one for each keyframe"
    old, new = found[: jumps[0]], found[jumps[0] :]
    _assert_gapless(old)
    _assert_gapless(new)
    assert _end(old) + by_ns == pytest.approx(new[0].start_ns, abs=NS_PER_S // 4), (
        "nothing was lost between"
    )
    assert step_ns - NS_PER_S // 2 < _end(old) < step_ns + 2 * NS_PER_S, (
        "the next keyframe arrived within a second"
    )
    assert _end(new) == pytest.approx(end_ns + by_ns, abs=2 * NS_PER_S)
    assert len(new) <= 5
    fences = {segment.fence for segment in old}, {segment.fence for segment in new}
    assert fences == ({7}, {7 if by_s > 0 else 8}), "what is recorded again has a higher fence"


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


def _until(clock: SystemClock, holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end_s = clock.monotonic_s() + PATIENCE_S
    while not holds():
        assert process.poll() is None
        assert clock.monotonic_s() < end_s
        clock.sleep(0.1)
