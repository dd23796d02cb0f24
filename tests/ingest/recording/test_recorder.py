from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from domain.clock import NS_PER_S, Clock, ManualClock, SystemClock
from domain.paths.data_layout import Layout
from domain.recordings.gaps import GapCause
from domain.settings import Settings
from ingest.recording import recorder as module
from ingest.recording.disk_writer import DiskWriter
from ingest.recording.recorder import Recorder
from ingest.recording.recovery import recover_segments
from storage.recordings.ledger import Ledger, Segment
from tests.recorded import PLAIN, START_NS, nals_of_file, packets_of
from tests.waiting import PATIENCE_S

EVER = (0, START_NS * 2)
Hole = tuple[int, int, GapCause | None]


def make_recorder(
    root: Path,
    clock: Clock,
    writer: DiskWriter,
    holes: list[Hole] | None = None,
    camera_id: str = "cam-1",
) -> Recorder:
    found = [] if holes is None else holes
    return Recorder(
        camera_id,
        Layout(root),
        lambda: 5,
        Settings(segment_s=2, source_timeout_s=10),
        clock,
        writer,
        lambda *hole: found.append(hole),
    )


def _segments(root: Path, camera_id: str = "cam-1") -> tuple[Segment, ...]:
    return Ledger(Layout(root).recordings).segments(camera_id, *EVER)


@contextmanager
def running(writer: DiskWriter) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=writer.run, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_what_is_put_is_in_segments_once_it_is_closed(tmp_path: Path) -> None:
    writer = DiskWriter(SystemClock())
    recorder = make_recorder(tmp_path, SystemClock(), writer)
    with running(writer):
        for packet in packets_of(PLAIN):
            recorder.put(packet)
        recorder.close()
        assert recorder.join(PATIENCE_S)
    segments = _segments(tmp_path)
    assert [segment.fence for segment in segments] == [5] * 6
    assert sum(len(nals_of_file(segment.path)) for segment in segments) == 300
    assert recorder.recorded_until_ns == START_NS + 12 * NS_PER_S
    assert recorder.lost_packets == 0
    assert recorder.waiting_bytes == 0


def test_packets_are_readable_within_a_second_of_coming(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = DiskWriter(clock)
    recorder = make_recorder(tmp_path, clock, writer)
    for number, packet in enumerate(packets_of(PLAIN)[:100]):
        recorder.put(packet)
        clock.advance(0.04)
        if number % 2:
            writer.step()
        assert packet.wall_ns - max(START_NS, recorder.recorded_until_ns) < NS_PER_S
    recorder.close()
    writer.step()


def test_what_is_read_once_a_second_is_one_fragment_each_time_and_readable_at_once(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    writer = DiskWriter(clock)
    recorder = make_recorder(tmp_path, clock, writer)
    packets = packets_of(PLAIN)[:100]
    for number in range(4):
        read = packets[25 * number : 25 * number + 25]
        recorder.put(*read)
        assert recorder.due_s <= clock.monotonic_s() + 0.1
        clock.advance(0.1)
        writer.step()
        assert recorder.recorded_until_ns == read[-1].wall_ns + PLAIN.frame_ns
        clock.advance(0.9)
    recorder.close()
    writer.step()
    (segment, *_) = _segments(tmp_path)
    assert segment.path.read_bytes().count(b"moof") == 2


def test_the_writer_is_woken_only_for_what_it_would_come_to_late(tmp_path: Path) -> None:
    clock, packets = ManualClock(), packets_of(PLAIN)
    writer = DiskWriter(clock)
    recorder = make_recorder(tmp_path, clock, writer)
    for number, (size, is_woken) in enumerate([(2, False), (12, False), (25, True)]):
        recorder.put(*packets[25 * number : 25 * number + size])
        clock.advance(1)
        writer.step()
        writer._next_s = recorder.due_s  # as its thread, which sleeps until then
        clock.advance(0.05)
        recorder.put(*packets[25 * number + size : 25 * number + 2 * size])
        assert writer._wake_up.is_set() is is_woken
        clock.advance(1)
        writer.step()
    recorder.close()
    writer.step()


def test_a_silent_camera_has_its_segment_finished(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = DiskWriter(clock)
    recorder = make_recorder(tmp_path, clock, writer)
    for packet in packets_of(PLAIN)[:30]:
        recorder.put(packet)
    clock.advance(1)
    writer.step()
    clock.advance(9)
    writer.step()
    assert [segment.end_ns for segment in _segments(tmp_path)] == [None]
    clock.advance(2)
    writer.step()
    assert [segment.end_ns for segment in _segments(tmp_path)] == [START_NS + 30 * PLAIN.frame_ns]


def test_a_disk_that_refuses_is_counted_and_reported_and_ends_nothing(tmp_path: Path) -> None:
    clock, holes = ManualClock(), list[Hole]()
    writer = DiskWriter(clock)
    recorder = make_recorder(tmp_path, clock, writer, holes)
    folder = Layout(tmp_path).recordings_of("cam-1")
    folder.parent.mkdir()
    folder.write_text("a file where a folder should be")
    before = (
        REGISTRY.get_sample_value(
            "sightline_packets_dropped_total", {"camera": "cam-1", "tap": "recorder"}
        )
        or 0
    )
    packets = packets_of(PLAIN)
    for packet in packets[:50]:
        recorder.put(packet)
    clock.advance(1)
    writer.step()
    assert recorder.lost_packets == 50
    assert (
        REGISTRY.get_sample_value(
            "sightline_packets_dropped_total", {"camera": "cam-1", "tap": "recorder"}
        )
        == before + 50
    )
    folder.unlink()
    for packet in packets[50:75]:
        recorder.put(packet)
    recorder.close()
    writer.step()
    (segment,) = _segments(tmp_path)
    assert len(nals_of_file(segment.path)) == 25
    assert holes == [(packets[0].wall_ns, packets[50].wall_ns, GapCause.DISK)]


def test_a_disk_that_hangs_blocks_no_put_and_is_a_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer does not come round for seven seconds: what the camera may hold is kept, the
    rest is lost up to a keyframe.
    """
    monkeypatch.setattr(module, "SHARE_BYTES", 20_000)
    monkeypatch.setattr(module, "MAX_BYTES", 20_000)
    clock, holes = ManualClock(), list[Hole]()
    writer = DiskWriter(clock)
    recorder = make_recorder(tmp_path, clock, writer, holes)
    packets = packets_of(PLAIN)
    for packet in packets[:177]:
        recorder.put(packet)
    assert recorder.waiting_bytes <= 20_000 + 10_000
    lost = recorder.lost_packets
    assert 0 < lost < 177
    clock.advance(7)
    writer.step()
    for packet in packets[177:225]:
        recorder.put(packet)
    recorder.close()
    writer.step()
    assert recorder.lost_packets > lost  # up to the next keyframe
    stored = sum(len(nals_of_file(segment.path)) for segment in _segments(tmp_path))
    assert stored + recorder.lost_packets == 225
    ((start_ns, end_ns, cause),) = holes
    assert cause is GapCause.DISK
    first_lost = next(at for at in range(225) if packets[at].wall_ns >= start_ns)
    assert end_ns - start_ns == recorder.lost_packets * PLAIN.frame_ns
    assert first_lost + recorder.lost_packets == next(
        at for at in range(225) if packets[at].wall_ns == end_ns
    )


def test_one_camera_holds_no_more_than_all_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARE_BYTES", 10_000)
    writer = DiskWriter(ManualClock())
    one, other = (
        make_recorder(tmp_path, ManualClock(), writer, camera_id=name) for name in ("one", "other")
    )
    monkeypatch.setattr("ingest.recording.disk_writer.MAX_BYTES", 30_000)
    for packet in packets_of(PLAIN) * 3:
        one.put(packet)
    for packet in packets_of(PLAIN) * 3:
        other.put(packet)
    assert 20_000 < one.waiting_bytes < 40_000
    assert other.waiting_bytes < 20_000  # its share is always its own
    assert one.lost_packets > 0
    assert other.lost_packets > 0


def test_a_fault_of_ours_at_one_camera_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    writer = DiskWriter(clock)
    bad, good = (make_recorder(tmp_path, clock, writer, camera_id=name) for name in ("bad", "good"))
    monkeypatch.setattr(bad._segments, "write", lambda *_: 1 / 0)
    for packet in packets_of(PLAIN):
        bad.put(packet)
        good.put(packet)
    clock.advance(1)
    writer.step()
    assert (
        REGISTRY.get_sample_value(
            "sightline_job_failures_total", {"component": "bad", "job": "record"}
        )
        == 1
    )
    for packet in packets_of(PLAIN):
        bad.put(packet)
    for recorder in (bad, good):
        recorder.close()
    writer.step()
    assert bad.join(0)
    assert good.join(0)
    assert len(_segments(tmp_path, "good")) == 6
    assert len(_segments(tmp_path, "bad")) == 6


KILLED = """
import sys, threading
from pathlib import Path
sys.path.insert(0, ".")
from domain.clock import SystemClock
from ingest.recording.disk_writer import DiskWriter
from tests.ingest.recording.test_recorder import make_recorder
from tests.recorded import PLAIN, packets_of
writer = DiskWriter(SystemClock())
recorder = make_recorder(Path(sys.argv[1]), SystemClock(), writer)
threading.Thread(target=writer.run, args=(threading.Event(),), daemon=True).start()
for packet in packets_of(PLAIN)[:45]:
    recorder.put(packet)
while recorder.recorded_until_ns <= packets_of(PLAIN)[44].wall_ns:
    threading.Event().wait(0.01)
print(recorder.recorded_until_ns, flush=True)
sys.stdin.read()
"""


def test_after_kill_9_everything_reported_as_recorded_is(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        said_ns = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
    (name,) = recover_segments(Layout(tmp_path), "cam-1")
    assert name.end_ns >= said_ns
    assert said_ns == START_NS + 45 * PLAIN.frame_ns
