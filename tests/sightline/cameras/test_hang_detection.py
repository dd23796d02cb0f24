"""A checkpoint whose analysis hangs is reported, and what it missed is in the log exactly."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import av
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from domain.camera_states import CameraState, CameraStatus, Shed
from domain.clock import NS_PER_S, ManualClock
from domain.events.event import Passing
from domain.media.fanout import Tap
from domain.media.packets import Frame, Packet
from domain.metrics import ANALYSIS_STOPPED
from domain.recordings.missed_passings import EARLIER_NS
from domain.recordings.overlay_intervals import overlay
from domain.recordings.partly_analysed import SEEN_ENOUGH_NS, PartlyAnalysed, PartlyCause
from domain.settings_groups.analysis import DecoderDevice
from ingest.frames.decoder import FrameReader
from ingest.frames.decoder_devices import DecoderDevices
from sightline.cameras import checkpoint_run as runs
from sightline.cameras.hang_detection import LOADING_HANGS_AFTER_S, STANDS_AFTER_S, HangDetection
from sightline.cameras.turns import HANGS_AFTER_S, InView
from sightline.cameras.worker_context import WorkerContext
from storage.recordings.gaps.log import GapLog
from tests.recorded import PLAIN, START_NS, packets_of
from tests.sightline.cameras.idle_checkpoint import CAMERA, FullDisk, IdleAnalyser, worker_context
from tests.sightline.cameras.test_checkpoint_run import checkpoint_run
from tests.waiting import PATIENCE_S, wait_event, wait_for

FIRST = 13
"""The packets before the first tick, so that each tick is in the middle of a group."""


def stream() -> Iterator[Packet]:
    """Yield a picture every 40 ms without end, and a keyframe every second."""
    packets, repetition = packets_of(PLAIN), 0
    while True:
        seconds = repetition * len(packets) // PLAIN.fps
        for packet in packets:
            wall_ns = packet.wall_ns + seconds * NS_PER_S
            ticks = round(seconds / packet.stream.time_base)
            yield replace(
                packet,
                pts=packet.pts + ticks,
                dts=packet.dts + ticks,
                wall_ns=wall_ns,
                received_ns=wall_ns,
            )
        repetition += 1


class Hanging:
    """Blocks the first caller after `begin`, as a native call does that never returns."""

    def __init__(self) -> None:
        self._due, self._released = threading.Event(), threading.Event()
        self.hangs = threading.Event()

    @property
    def is_due(self) -> bool:
        return self._due.is_set() and not self._released.is_set()

    def begin(self) -> None:
        self._due.set()

    def release(self) -> None:
        self._released.set()
        self.hangs.clear()

    def maybe(self) -> None:
        if self.is_due:
            self.hangs.set()
            self._released.wait(PATIENCE_S)


class HangingModel(IdleAnalyser):
    def __init__(self, hanging: Hanging, looks: list[int]) -> None:
        super().__init__()
        self._hanging, self._looks = hanging, looks

    def analyse(self, frame: Frame) -> list[Passing]:
        self._looks.append(frame.wall_ns)
        self._hanging.maybe()
        return super().analyse(frame)


class HangingDecoder:
    """A decoder on a device that hangs; otherwise it decodes in software."""

    is_hwaccel = True

    def __init__(self, hanging: Hanging) -> None:
        self._hanging = hanging
        self._decoder = VideoCodecContext.create("h264", "r")
        self._decoder.thread_count = 1

    def decode(self, packet: av.Packet[VideoStream]) -> list[VideoFrame]:
        self._hanging.maybe()
        return self._decoder.decode(packet)


class Checkpoint:
    """A checkpoint in one of whose parts the analysis hangs."""

    def __init__(self, tools: WorkerContext, part: str) -> None:
        clock = tools.clock
        assert isinstance(clock, ManualClock)
        clock.advance((START_NS - clock.wall_ns()) / NS_PER_S)
        self.clock, self.tools = clock, tools
        self.hanging, unharmed = Hanging(), Hanging()
        self.looks = list[int]()
        devices = DecoderDevices(
            DecoderDevice.CUDA,
            1,
            lambda codec, device: cast(VideoCodecContext, HangingDecoder(self.hanging)),
        )
        if part == "decoder":
            tools = replace(tools, decoder_devices=devices)
        in_model = self.hanging if part == "model" else unharmed
        self.run = checkpoint_run(tools, lambda: HangingModel(in_model, self.looks))
        self._packets = stream()
        self.run.start(clock.wall_ns())
        self.put(FIRST)

    def put(self, count: int) -> list[Packet]:
        """Put packets, and return them. Their time passes when they are done, or the thread hangs:
        otherwise it would count as the time of the work.
        """
        packets = [next(self._packets) for _ in range(count)]
        self.run.gate.put(*packets)
        if self.hanging.is_due:
            wait_event("hang", self.hanging.hangs)
        else:
            self.wait_until_done()
        self.clock.advance(count / PLAIN.fps)
        return packets

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.put(PLAIN.fps)
            self.run.tick(Shed.NOTHING)

    def wait_until_done(self) -> None:
        reader = self.run._frames
        wait_for("end of the work", lambda: not reader.waiting_packets and reader.progress[1])

    def hang(self) -> int:
        """Let the analysis hang, and return the time of the packet in work."""
        self.hanging.begin()
        self.put(PLAIN.fps)
        self.run.tick(Shed.NOTHING)
        return self.run._frames.progress[0]

    def lost(self) -> list[tuple[int, int, None]]:
        """Return the logged ranges without their causes.

        The packets that wait count as work of the worker until the hang is detected. So a group may
        be left out because of overload.
        """
        return overlay([(one.start_ns, one.end_ns, None) for one in self._logged()])

    def main_cause(self) -> PartlyCause:
        lengths_ns = Counter[PartlyCause]()
        for start_ns, end_ns, cause in overlay(self._logged()):
            lengths_ns[cause] += end_ns - start_ns
        return lengths_ns.most_common(1)[0][0]

    def _logged(self) -> Sequence[PartlyAnalysed]:
        log = GapLog(self.tools.layout, self.clock)
        return log.partly_analysed(CAMERA, 0, START_NS + 3600 * NS_PER_S)

    def status(self) -> CameraStatus:
        status = CameraStatus(CAMERA, CameraState.LIVE, 0)
        self.run.add_to(status)
        return status


@pytest.fixture
def make(spool: FullDisk, tmp_path: Path) -> Iterator[Callable[[str], Checkpoint]]:
    spool.is_full = False
    made = list[Checkpoint]()

    def make_one(part: str) -> Checkpoint:
        made.append(Checkpoint(worker_context(spool, tmp_path, []), part))
        return made[-1]

    yield make_one
    for one in made:
        one.hanging.release()
        one.run.stop()
        one.run.join()
        assert one.run._thread is not None
        one.run._thread.join(PATIENCE_S)


@pytest.mark.parametrize("part", ["model", "decoder"])
def test_an_analysis_that_hangs_is_reported_until_it_continues(
    part: str, make: Callable[[str], Checkpoint]
) -> None:
    checkpoint = make(part)
    checkpoint.pass_time(3)
    from_ns = checkpoint.hang()
    since_ns = checkpoint.clock.wall_ns()
    checkpoint.pass_time(round(HANGS_AFTER_S) - 1)
    assert checkpoint.status().analysis_stopped_ns == 0, "it may still continue in time"
    assert checkpoint.lost() == []
    checkpoint.pass_time(10)
    assert abs(checkpoint.status().analysis_stopped_ns - since_ns) <= NS_PER_S
    assert ANALYSIS_STOPPED.labels(CAMERA)._value.get() == 1
    assert checkpoint.tools.decode_share.workload.waiting_s() == 0, "it takes no time of others"
    ((start_ns, end_ns, _),) = checkpoint.lost()
    assert start_ns == from_ns - SEEN_ENOUGH_NS
    assert checkpoint.main_cause() is PartlyCause.ANALYSIS_STOPPED
    assert end_ns > checkpoint.clock.wall_ns() - EARLIER_NS - 8 * NS_PER_S
    checkpoint.hanging.release()
    reader = checkpoint.run._frames
    wait_for("end of the hang", lambda: not reader.is_given_up)
    packets = checkpoint.put(2 * PLAIN.fps)
    checkpoint.run.tick(Shed.NOTHING)
    assert checkpoint.status().analysis_stopped_ns == 0
    assert ANALYSIS_STOPPED.labels(CAMERA)._value.get() == 0
    checkpoint.pass_time(6)
    again_ns = next(packet.wall_ns for packet in packets if packet.is_keyframe)
    assert min(one for one in checkpoint.looks if one > from_ns + NS_PER_S) == again_ns
    assert checkpoint.lost() == [(from_ns - SEEN_ENOUGH_NS, again_ns - EARLIER_NS, None)]


@pytest.mark.parametrize(("is_detected", "join_s"), [(False, 0.2), (True, PATIENCE_S)])
def test_a_camera_whose_analysis_hangs_can_be_stopped(
    is_detected: bool,
    join_s: float,
    make: Callable[[str], Checkpoint],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is not waited for at all if the hang was detected before."""
    monkeypatch.setattr(runs, "JOIN_S", join_s)
    checkpoint = make("model")
    checkpoint.pass_time(1)
    from_ns = checkpoint.hang()
    checkpoint.pass_time(round(HANGS_AFTER_S) + 1 if is_detected else 0)
    checkpoint.run.stop()
    checkpoint.run.join()
    assert any("left behind" in line for line in caplog.messages)
    marked_ns = GapLog(checkpoint.tools.layout, checkpoint.clock).analysed_until_ns(CAMERA)
    assert marked_ns is not None
    assert marked_ns < from_ns, "the next process reports the rest"
    assert checkpoint.main_cause() is PartlyCause.ANALYSIS_STOPPED
    assert checkpoint.tools.decode_share.workload.waiting_s() == 0, "it takes no time of others"
    # The turn that the thread still holds is free for the next run of the camera.
    with checkpoint.tools.scheduler.turn(CAMERA, InView.NOTHING, None):
        pass


def test_packets_of_an_analysis_that_stands_still_are_soon_no_work_of_the_worker(
    make: Callable[[str], Checkpoint],
) -> None:
    """The other checkpoints of the worker would be left out for them until the hang is known."""
    checkpoint = make("model")
    workload = checkpoint.tools.decode_share.workload
    checkpoint.pass_time(1)
    checkpoint.hang()
    assert workload.waiting_s() > 0
    checkpoint.pass_time(round(STANDS_AFTER_S))
    assert checkpoint.status().analysis_stopped_ns == 0
    assert checkpoint.run._frames.waiting_packets > 0
    assert workload.waiting_s() == 0


def test_cameras_that_hang_are_waited_for_together(
    make: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor would kill a worker that waits for each."""
    checkpoint = make("model")
    checkpoint.pass_time(1)
    checkpoint.hang()
    monkeypatch.setattr(runs, "JOIN_S", PATIENCE_S)
    checkpoint.run.stop()
    checkpoint.run.finish()
    checkpoint.clock.advance(PATIENCE_S)  # in which another one was waited for
    began_s = time.monotonic()
    checkpoint.run.join()
    assert time.monotonic() - began_s < PATIENCE_S / 2


class Observed:
    """A reader with a packet that waits, and the detection of its hang."""

    def __init__(self) -> None:
        self.clock, self.is_waiting_for_turn = ManualClock(), False
        self.is_loading = False
        tap = Tap("decoder", 256, 16 << 20)
        tap.put(next(stream()))
        self.reader = FrameReader(tap, self.clock, 10.0, CAMERA)
        self.detection = HangDetection(
            CAMERA,
            self.reader,
            lambda: self.is_loading,
            lambda: self.is_waiting_for_turn,
            self.clock,
        )

    def check(self, seconds: int) -> int | None:
        for _ in range(seconds):
            self.clock.advance(1.0)
            self.detection.check(self.clock.wall_ns())
        return self.detection.since_ns


def test_a_camera_that_waits_for_its_turn_does_not_hang() -> None:
    """However overloaded its worker is. Its turn comes, and then the time counts."""
    observed = Observed()
    observed.is_waiting_for_turn = True
    assert observed.check(600) is None
    observed.is_waiting_for_turn = False
    assert observed.check(round(HANGS_AFTER_S) - 1) is None
    assert observed.check(1) is not None


def test_models_that_load_slowly_are_no_hang_for_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    observed = Observed()
    observed.is_loading = True
    began_ns = observed.clock.wall_ns()
    observed.check(round(HANGS_AFTER_S) - 1)
    assert observed.detection.loading_since_ns is None
    assert observed.check(round(LOADING_HANGS_AFTER_S - HANGS_AFTER_S)) is None
    assert observed.detection.loading_since_ns == began_ns
    assert {one.cause for one in observed.reader.losses.take()} == {PartlyCause.RESTART}
    assert observed.check(1) == began_ns
    assert any("the models have been loading" in line for line in caplog.messages)
    observed.is_loading = False
    assert next(iter(observed.reader)) is None
    assert observed.check(1) is None
    assert observed.detection.loading_since_ns is None


def test_a_hang_lasts_until_the_thread_continues() -> None:
    """Although the packets that waited were dropped."""
    observed = Observed()
    since_ns = observed.check(round(HANGS_AFTER_S))
    assert since_ns is not None
    assert observed.reader.waiting_packets == 0
    assert observed.check(30) == since_ns
    assert next(iter(observed.reader)) is None
    assert observed.check(1) is None


def test_a_slow_analysis_does_not_hang() -> None:
    observed = Observed()
    for packet in range(1, 20):
        observed.reader.decoded_packets = packet
        assert observed.check(round(HANGS_AFTER_S)) is None


def test_a_process_that_stood_still_as_a_whole_does_not_hang() -> None:
    observed = Observed()
    observed.check(3)
    observed.clock.advance(3600)
    assert observed.check(1) is None
