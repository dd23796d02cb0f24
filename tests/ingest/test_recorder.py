from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from prometheus_client import REGISTRY

from domain.clock import NS_PER_S, ManualClock, SystemClock
from domain.fanout import Policy, Tap
from domain.layout import Layout
from domain.settings import Settings
from ingest.recorder import Recorder
from ingest.salvage import salvage
from storage.ledger import Ledger
from tests.recorded import PLAIN, START_NS, nals_of_file, packets_of

EVER = (0, START_NS * 2)


def _recorder(tmp_path: Path, tap: Tap, clock: ManualClock | SystemClock) -> Recorder:
    return Recorder("cam-1", tap, Layout(tmp_path), lambda: 5, Settings(segment_s=2), clock)


def _tap() -> Tap:
    return Tap("record", Policy.RECORD, 512, 1 << 25)


def test_it_runs_until_the_tap_is_closed_and_drained(tmp_path: Path) -> None:
    tap = _tap()
    recorder = _recorder(tmp_path, tap, SystemClock())
    thread = threading.Thread(target=recorder.run)
    thread.start()
    for packet in packets_of(PLAIN):
        tap.put(packet)
    tap.close()
    thread.join(5)
    assert not thread.is_alive()
    segments = Ledger(Layout(tmp_path).recordings).segments("cam-1", *EVER)
    assert [segment.fence for segment in segments] == [5] * 6
    assert sum(len(nals_of_file(segment.path)) for segment in segments) == 300
    assert recorder.recorded_until_ns == START_NS + 12 * NS_PER_S
    assert recorder.lost_packets == 0


def test_a_silent_camera_has_its_segment_finished(tmp_path: Path) -> None:
    clock, tap = ManualClock(), _tap()
    recorder = _recorder(tmp_path, tap, clock)
    for packet in packets_of(PLAIN)[:30]:
        tap.put(packet)
    assert recorder.step(0)
    clock.advance(9)
    assert recorder.step(0)
    assert recorder.recorded_until_ns < START_NS + 30 * PLAIN.frame_ns
    clock.advance(2)
    assert recorder.step(0)
    assert recorder.recorded_until_ns == START_NS + 30 * PLAIN.frame_ns
    tap.close()
    assert not recorder.step(0)


def test_a_disk_that_refuses_is_counted_said_and_outlived(tmp_path: Path) -> None:
    clock, tap = ManualClock(), _tap()
    recorder = _recorder(tmp_path, tap, clock)
    folder = Layout(tmp_path).recordings_of("cam-1")
    folder.parent.mkdir()
    folder.write_text("a file where a folder should be")
    packets = packets_of(PLAIN)
    for packet in packets[:25]:
        tap.put(packet)
    recorder.step(0)
    assert recorder.lost_packets == 25
    assert REGISTRY.get_sample_value("sightline_packets_dropped_total", {"camera": "cam-1", "tap": "recorder"}) == 25
    folder.unlink()
    for packet in packets[25:50]:
        tap.put(packet)
    tap.close()
    recorder.run()
    (segment,) = Ledger(Layout(tmp_path).recordings).segments("cam-1", *EVER)
    assert len(nals_of_file(segment.path)) == 25


KILLED = """
import sys, threading
from pathlib import Path
sys.path.insert(0, ".")
from domain.clock import SystemClock
from tests.ingest.test_recorder import _recorder, _tap
from tests.recorded import PLAIN, packets_of
tap = _tap()
recorder = _recorder(Path(sys.argv[1]), tap, SystemClock())
threading.Thread(target=recorder.run, daemon=True).start()
for packet in packets_of(PLAIN)[:45]:
    tap.put(packet)
while recorder.recorded_until_ns < packets_of(PLAIN)[36].wall_ns:
    threading.Event().wait(0.01)
print(recorder.recorded_until_ns, flush=True)
sys.stdin.read()
"""


def test_after_kill_9_everything_said_to_be_recorded_is(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent.parent
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        said_ns = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
    (name,) = salvage(Layout(tmp_path), "cam-1")
    assert name.end_ns >= said_ns
    assert said_ns >= START_NS + 36 * PLAIN.frame_ns
