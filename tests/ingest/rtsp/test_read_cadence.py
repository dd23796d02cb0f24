"""The read interval: what a camera sends and who waits for it decide. A new viewer causes an
immediate read, and so does the end of the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.media.fanout import Fanout
from domain.media.packet_batch import PacketOrBatch, count_packets
from domain.media.packets import AudioPacket
from domain.registry import Camera, Networks
from domain.settings import Settings
from ingest.rtsp import read_cadence
from ingest.rtsp.connection import Connection
from ingest.rtsp.pull_loop import PullLoop
from ingest.rtsp.read_cadence import (
    LONG_TICKS,
    LONGEST_TICKS,
    MEASURE_EVERY_S,
    SHORT_TIMEOUT_S,
    ReadCadence,
)
from ingest.rtsp.receive_queue import MOST_WAITING_BYTES
from ingest.rtsp.source import RtspSource
from ingest.streamer import Streamer
from simulator import SimCamera, Simulator
from tests.adjusted_clock import AdjustedClock
from tests.ingest.conftest import FPS, wait_passes
from tests.waiting import PATIENCE_S, wait_for

MakeCamera = Callable[..., Camera]
TIMEOUT_S = 5.5
"""It ends between two reads at the longest interval, so that it is clear which of them notices a
silence.
"""


class Counted:
    def __init__(self) -> None:
        self.packets = 0

    def put(self, *received: PacketOrBatch) -> None:
        self.packets += count_packets(received)

    def put_audio(self, packet: AudioPacket) -> None:
        """There is none."""


class Pulled:
    """One camera, as a worker pulls it."""

    def __init__(
        self,
        sim: Simulator,
        camera: Camera,
        networks: Networks,
        loop: PullLoop,
        sink: Counted,
        hurries: bool,
    ) -> None:
        self.sim, self.loop, self.fanout, self.sink = sim, loop, Fanout(), sink
        settings = Settings(source_timeout_s=TIMEOUT_S)
        self.source = RtspSource(camera, None, networks, settings)
        self.fanout.attach(sink, (lambda: False) if hurries else None)
        self.streamer = Streamer(camera, self.source, self.fanout, settings, loop.clock)
        self.streamer.start(loop)

    @property
    def connection(self) -> Connection:
        attempt = self.source._attempt
        assert attempt is not None
        assert attempt._connection is not None
        return attempt._connection

    @property
    def ticks(self) -> int:
        attempt = self.source._attempt
        if attempt is None or attempt._connection is None:
            return 0
        return attempt._connection._cadence.ticks

    def wait_longest(self) -> None:
        wait_for("longest interval", lambda: self.ticks == LONGEST_TICKS)

    def wait_unread(self) -> None:
        """Wait until the kernel holds a few packets that were not read yet."""
        wait_for(
            "unread packets", lambda: self.sim.counters("gate").sent_units > self.sink.packets + 5
        )


@pytest.fixture
def clock() -> AdjustedClock:
    return AdjustedClock()


@pytest.fixture
def pulled(
    request: pytest.FixtureRequest,
    clips: dict[str, Path],
    camera_of: MakeCamera,
    networks: Networks,
    clock: AdjustedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Pulled]:
    """A pulled camera whose bitrate is measured over a tenth of a second.

    `request.param` says whether a sink may begin to wait because of a packet.
    """
    monkeypatch.setattr(read_cadence, "MEASURE_EVERY_S", 0.1)
    loop = PullLoop(clock)
    loop.start()
    with Simulator([SimCamera("gate", clips["h264"])]) as sim:
        one = Pulled(
            sim,
            camera_of(sim.url("gate")),
            networks,
            loop,
            Counted(),
            getattr(request, "param", False),
        )
        yield one
        one.streamer.stop()
        assert one.streamer.join(PATIENCE_S)
    loop.stop()
    loop.join()


def test_the_interval_becomes_longer_step_by_step(pulled: Pulled) -> None:
    seen: list[int] = []

    def is_longest() -> bool:
        if pulled.ticks not in (*seen, 0):
            seen.append(pulled.ticks)
        return pulled.ticks == LONGEST_TICKS

    wait_for("longest interval", is_longest)
    assert seen == [1, LONG_TICKS, LONGEST_TICKS]
    assert pulled.source.counts.timeline.read_interval_ns == 10**9
    wait_for("live", lambda: pulled.streamer.status().state.is_live)


@pytest.mark.parametrize("pulled", [True], indirect=True)
def test_a_sink_that_may_begin_to_wait_keeps_the_interval_at_half_a_second(pulled: Pulled) -> None:
    wait_for("long interval", lambda: pulled.ticks == LONG_TICKS)
    wait_for(
        "permission for the longest interval",
        lambda: pulled.connection._cadence._most_ticks == LONGEST_TICKS,
    )
    assert pulled.ticks == LONG_TICKS


def test_a_new_viewer_causes_a_read_immediately(pulled: Pulled, clock: AdjustedClock) -> None:
    """While the clock is held no tick follows, so only the viewer can cause the read."""
    pulled.wait_longest()
    clock.hold()
    tap = pulled.fanout.open("live", from_held=True)
    wait_for("reads at each tick", lambda: pulled.ticks == 1)
    assert pulled.source.counts.timeline.read_interval_ns == 0
    pulled.fanout.close(tap)
    clock.release()
    pulled.wait_longest()


def test_what_the_kernel_holds_is_read_before_the_camera_is_stopped(pulled: Pulled) -> None:
    pulled.wait_longest()
    pulled.wait_unread()
    sent = pulled.sim.fall_silent()["gate"].sent_units
    pulled.streamer.stop()
    assert pulled.streamer.join(PATIENCE_S)
    assert pulled.sink.packets == sent


def test_silence_counts_from_the_last_packet_and_not_from_when_it_was_read(
    pulled: Pulled, clock: AdjustedClock
) -> None:
    """The last packets arrive just after a read: the sixth read after that one is the first to
    see a silence of 5.5 s.

    If it counted from when they are read, at the first read, it would be the seventh.
    """
    pulled.wait_longest()
    before = pulled.sink.packets
    wait_for("read", lambda: pulled.sink.packets > before)
    clock.hold()
    wait_passes(pulled.loop)
    pulled.wait_unread()
    unread_s = (pulled.sim.fall_silent()["gate"].sent_units - pulled.sink.packets) / FPS
    passed_s = 0.0
    while not pulled.streamer.status().reconnects:
        assert passed_s < 10
        passed_s += 0.1
        clock.advance(0.1)
        wait_passes(pulled.loop)
    last_read = 6 if unread_s < TIMEOUT_S % 1 else 7
    assert last_read - 2 < passed_s < last_read + 0.2


def test_the_end_of_the_connection_is_noticed_immediately(
    pulled: Pulled, clock: AdjustedClock
) -> None:
    """While the clock is held no tick follows, so only the end itself can cause the read."""
    pulled.wait_longest()
    clock.hold()
    pulled.sim.stop()
    wait_for("end of the connection", lambda: pulled.streamer.status().reconnects > 0)


class Connected:
    """A read cadence with the calls that a connection makes, second by second."""

    def __init__(
        self,
        timeout_s: float = 10.0,
        *,
        is_udp: bool = False,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        self.cadence = ReadCadence(timeout_s, is_udp=is_udp)
        self.now_s = 1_000.0
        self.cadence.start(self.now_s, most_waiting_bytes)

    def play(
        self,
        seconds: float,
        bytes_s: int,
        *,
        waits: bool = False,
        may_wait: bool = False,
        is_regular: bool = True,
    ) -> list[int]:
        """Return the intervals that follow each other in that time."""
        intervals = [self.cadence.ticks]
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += 0.5
            self.cadence.received(bytes_s // 2)
            has_changed = self.cadence.update(
                self.now_s,
                has_waiting_consumer=waits,
                may_need_packets_soon=may_wait,
                is_rate_regular=is_regular,
            )
            assert has_changed is (self.cadence.ticks != intervals[-1])
            if has_changed:
                intervals.append(self.cadence.ticks)
        return intervals


LIGHT_BYTES_S = 50_000


def test_the_interval_is_one_tick_until_the_bitrate_is_known() -> None:
    camera = Connected()
    assert camera.play(MEASURE_EVERY_S - 0.5, LIGHT_BYTES_S) == [1]
    assert camera.play(0.5, LIGHT_BYTES_S) == [1, LONG_TICKS]
    assert camera.play(MEASURE_EVERY_S, LIGHT_BYTES_S) == [LONG_TICKS, LONGEST_TICKS]


@pytest.mark.parametrize(
    ("bytes_s", "ticks"),
    [
        (2 * MOST_WAITING_BYTES + 2, 1),
        (2 * MOST_WAITING_BYTES, LONG_TICKS),
        (MOST_WAITING_BYTES + 2, LONG_TICKS),
        (MOST_WAITING_BYTES, LONGEST_TICKS),
    ],
)
def test_the_bitrate_limits_the_interval(bytes_s: int, ticks: int) -> None:
    camera = Connected()
    camera.play(4 * MEASURE_EVERY_S, bytes_s)
    assert camera.cadence.ticks == ticks
    assert ticks == 1 or camera.cadence.waiting_bytes <= MOST_WAITING_BYTES


def test_a_camera_of_4_mbit_s_is_read_once_a_second() -> None:
    camera = Connected()
    assert camera.play(2 * MEASURE_EVERY_S, 510_000) == [1, LONG_TICKS, LONGEST_TICKS]
    assert camera.cadence.waiting_bytes == 510_000


def test_a_small_window_limits_the_interval() -> None:
    camera = Connected(most_waiting_bytes=LIGHT_BYTES_S // 2)
    assert camera.play(4 * MEASURE_EVERY_S, LIGHT_BYTES_S) == [1, LONG_TICKS]


def test_a_read_at_each_tick_takes_less() -> None:
    """A camera that sends without end then delays the others less."""
    camera = Connected()
    before = camera.cadence.most_read_bytes
    camera.play(2 * MEASURE_EVERY_S, LIGHT_BYTES_S)
    assert before < MOST_WAITING_BYTES < camera.cadence.most_read_bytes


def test_a_waiting_consumer_has_it_read_each_tick_and_then_step_by_step_less() -> None:
    camera = Connected()
    camera.play(4 * MEASURE_EVERY_S, LIGHT_BYTES_S)
    assert camera.play(2 * MEASURE_EVERY_S, LIGHT_BYTES_S, waits=True) == [LONGEST_TICKS, 1]
    assert camera.play(2 * MEASURE_EVERY_S, LIGHT_BYTES_S) == [1, LONG_TICKS, LONGEST_TICKS]


@pytest.mark.parametrize("cause", ["may wait", "irregular rate", "short timeout"])
def test_the_longest_interval_needs_a_camera_that_nothing_depends_on(cause: str) -> None:
    camera = Connected(SHORT_TIMEOUT_S - 0.1 if cause == "short timeout" else SHORT_TIMEOUT_S)
    intervals = camera.play(
        4 * MEASURE_EVERY_S,
        LIGHT_BYTES_S,
        may_wait=cause == "may wait",
        is_regular=cause != "irregular rate",
    )
    assert intervals == [1, LONG_TICKS]


def test_datagrams_are_read_at_each_tick() -> None:
    assert Connected(is_udp=True).play(4 * MEASURE_EVERY_S, LIGHT_BYTES_S) == [1]


def test_a_read_that_leaves_data_behind_shortens_the_interval_until_the_next_measurement() -> None:
    camera = Connected()
    camera.play(2 * MEASURE_EVERY_S, LIGHT_BYTES_S)
    camera.cadence.overflowed()
    assert camera.play(2 * MEASURE_EVERY_S, LIGHT_BYTES_S) == [
        LONGEST_TICKS,
        1,
        LONG_TICKS,
        LONGEST_TICKS,
    ]


def test_arrival_times_follow_the_time_stamps_between_two_reads() -> None:
    camera = Connected()
    assert camera.cadence.arrival_s(0, 990.0, 1_000.0) == 1_000.0, "each tick: it arrived now"
    camera.play(2 * MEASURE_EVERY_S, LIGHT_BYTES_S)
    camera.cadence.arrival_s(5 * 10**9, 990.0, 1_000.0)
    camera.cadence.read_at(1_000.0)
    assert camera.cadence.arrival_s(int(5.4 * 10**9), 1_000.1, 1_001.0) == pytest.approx(1_000.5)
    assert camera.cadence.arrival_s(int(9.4 * 10**9), 1_000.5, 1_001.0) == 1_001.0
    camera.cadence.read_at(1_001.0)
    assert camera.cadence.arrival_s(int(9.5 * 10**9), 1_000.5, 1_002.0) == 1_001.0
