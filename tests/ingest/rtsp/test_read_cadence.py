"""A camera that is only recorded is read seldom, by what it sends and who cares; at once where
somebody comes; once more when it stops.
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
from ingest.rtsp import connection as rtsp_connection
from ingest.rtsp.connection import Connection
from ingest.rtsp.pull_loop import CALM_TICKS, PullLoop
from ingest.rtsp.source import RtspSource
from ingest.streamer import Streamer
from simulator import SimCamera, Simulator
from tests.adjusted_clock import AdjustedClock
from tests.ingest.conftest import FPS, wait_passes
from tests.waiting import PATIENCE_S, wait_for

MakeCamera = Callable[..., Camera]
TIMEOUT_S = 5.5
"""Between two turns of the calmest, so that it is clear at which of them a silence is noticed."""


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
        self.streamer = Streamer(
            camera, None, networks, self.fanout, settings, loop.clock, self.source
        )
        self.streamer.start(loop)

    @property
    def connection(self) -> Connection:
        attempt = self.source._attempt
        assert attempt is not None
        assert attempt._connection is not None
        return attempt._connection

    @property
    def every(self) -> int:
        attempt = self.source._attempt
        return 0 if attempt is None or attempt._connection is None else attempt._connection._every

    def wait_calmest(self) -> None:
        wait_for("calmest reads", lambda: self.every == CALM_TICKS)

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
    """`request.param`: whether something is done by what comes. What it sends is told after a
    tenth of a second of it.
    """
    monkeypatch.setattr(rtsp_connection, "_REPORT_S", 0.1)
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


def test_it_becomes_calmer_step_by_step(pulled: Pulled) -> None:
    seen: list[int] = []

    def is_calmest() -> bool:
        if pulled.every not in (*seen, 0):
            seen.append(pulled.every)
        return pulled.every == CALM_TICKS

    wait_for("calmest reads", is_calmest)
    assert seen == [1, 5, CALM_TICKS]
    assert pulled.source.counts.timeline.read_every_ns == 10**9
    wait_for("live", lambda: pulled.streamer.status().state.is_live)


@pytest.mark.parametrize("pulled", [True], indirect=True)
def test_where_something_is_done_by_what_comes_it_is_read_each_half_second(pulled: Pulled) -> None:
    wait_for("calm reads", lambda: pulled.every == 5)
    wait_for("leave to be calmest", lambda: pulled.connection._most_every == CALM_TICKS)
    assert pulled.every == 5


def test_who_begins_to_watch_is_not_kept_waiting(pulled: Pulled, clock: AdjustedClock) -> None:
    """While the clock is held no turn comes: it is the viewer that makes it read."""
    pulled.wait_calmest()
    clock.hold()
    tap = pulled.fanout.open("live", from_held=True)
    wait_for("reads at each tick", lambda: pulled.every == 1)
    assert pulled.source.counts.timeline.read_every_ns == 0
    pulled.fanout.close(tap)
    clock.release()
    pulled.wait_calmest()


def test_what_the_kernel_holds_is_taken_before_it_is_stopped(pulled: Pulled) -> None:
    pulled.wait_calmest()
    pulled.wait_unread()
    sent = pulled.sim.fall_silent()["gate"].sent_units
    pulled.streamer.stop()
    assert pulled.streamer.join(PATIENCE_S)
    assert pulled.sink.packets == sent


def test_silence_counts_from_the_last_packet_and_not_from_when_it_was_read(
    pulled: Pulled, clock: AdjustedClock
) -> None:
    """The last packets come just after a turn: the sixth turn after that one is the first to see a
    silence of 5.5 s.

    Counted from when they are read, at the first turn, it would be the seventh.
    """
    pulled.wait_calmest()
    before = pulled.sink.packets
    wait_for("turn", lambda: pulled.sink.packets > before)
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
    last_turn = 6 if unread_s < TIMEOUT_S % 1 else 7
    assert last_turn - 2 < passed_s < last_turn + 0.2


def test_what_ends_is_noticed_at_once(pulled: Pulled, clock: AdjustedClock) -> None:
    """While the clock is held no turn comes: it is the end itself that is noticed."""
    pulled.wait_calmest()
    clock.hold()
    pulled.sim.stop()
    wait_for("end of the connection", lambda: pulled.streamer.status().reconnects > 0)
