"""A camera that is only recorded is read seldom, by what it sends and who cares; at once where somebody comes; once more when it stops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.fanout import Fanout
from domain.media import AudioPacket
from domain.registry import Camera, Networks
from domain.runs import Came, count_of
from domain.settings import Settings
from ingest import rtsp_connection
from ingest.pull_loop import CALM_TICKS, PullLoop
from ingest.rtsp import RtspSource
from ingest.rtsp_connection import Connection
from ingest.streamer import Streamer
from sightline.simulator import SimCamera, Simulator

CLOCK = SystemClock()
MakeCamera = Callable[..., Camera]


def until(is_so: Callable[[], bool], deadline_s: float = 10.0) -> None:
    never, end_s = threading.Event(), CLOCK.monotonic_s() + deadline_s
    while not is_so():
        assert CLOCK.monotonic_s() < end_s
        never.wait(0.01)


class Counted:
    def __init__(self) -> None:
        self.packets = 0

    def put(self, *came: Came) -> None:
        self.packets += count_of(came)

    def put_audio(self, packet: AudioPacket) -> None:
        """There is none."""


class Pulled:
    """One camera, as a worker pulls it."""

    def __init__(self, sim: Simulator, camera: Camera, networks: Networks, loop: PullLoop, sink: Counted, hurries: bool) -> None:
        self.sim, self.fanout, self.sink = sim, Fanout(), sink
        settings = Settings()
        self.source = RtspSource(camera, None, networks, settings)
        self.fanout.attach(sink, (lambda: False) if hurries else None)
        self.streamer = Streamer(camera, None, networks, self.fanout, settings, CLOCK, self.source)
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


@pytest.fixture
def pulled(
    request: pytest.FixtureRequest, clips: dict[str, Path], camera_of: MakeCamera, networks: Networks, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pulled]:
    """`request.param`: whether something is done by what comes. What it sends is told after a tenth of a second of it."""
    monkeypatch.setattr(rtsp_connection, "_REPORT_S", 0.1)
    loop = PullLoop(CLOCK)
    loop.start()
    with Simulator([SimCamera("gate", clips["h264"])]) as sim:
        one = Pulled(sim, camera_of(sim.url("gate")), networks, loop, Counted(), getattr(request, "param", False))
        yield one
        one.streamer.stop()
        assert one.streamer.join(5)
    loop.stop()
    loop.join()


def test_it_becomes_calmer_step_by_step(pulled: Pulled) -> None:
    seen: list[int] = []

    def is_calmest() -> bool:
        if pulled.every not in (*seen, 0):
            seen.append(pulled.every)
        return pulled.every == CALM_TICKS

    until(is_calmest)
    assert seen == [1, 5, CALM_TICKS]
    assert pulled.source.counts.timeline.read_every_ns == 10**9
    until(lambda: pulled.streamer.status().state.is_live)


@pytest.mark.parametrize("pulled", [True], indirect=True)
def test_where_something_is_done_by_what_comes_it_is_read_each_half_second(pulled: Pulled) -> None:
    until(lambda: pulled.every == 5)
    until(lambda: pulled.connection._most_every == CALM_TICKS)
    assert pulled.every == 5


def test_who_begins_to_watch_is_not_kept_waiting(pulled: Pulled) -> None:
    until(lambda: pulled.every == CALM_TICKS)
    tap = pulled.fanout.open("live", from_held=True)
    began_s = CLOCK.monotonic_s()
    until(lambda: pulled.every == 1)
    assert CLOCK.monotonic_s() - began_s < 0.5
    assert pulled.source.counts.timeline.read_every_ns == 0
    pulled.fanout.close(tap)
    until(lambda: pulled.every == CALM_TICKS)


def test_what_the_kernel_holds_is_taken_before_it_is_stopped(pulled: Pulled) -> None:
    until(lambda: pulled.every == CALM_TICKS)
    until(lambda: pulled.sim.counters("gate").sent_units > pulled.sink.packets + 5)
    sent = pulled.sim.fall_silent()["gate"].sent_units
    pulled.streamer.stop()
    assert pulled.streamer.join(5)
    assert pulled.sink.packets == sent


def test_silence_counts_from_the_last_packet_and_not_from_when_it_was_read(pulled: Pulled) -> None:
    until(lambda: pulled.every == CALM_TICKS)
    before = pulled.sink.packets
    until(lambda: pulled.sink.packets > before)
    pulled.sim.fall_silent()
    began_s = CLOCK.monotonic_s()
    until(lambda: pulled.streamer.status().reconnects > 0)
    assert 4.8 < CLOCK.monotonic_s() - began_s < 6.5


def test_what_ends_is_noticed_at_once(pulled: Pulled) -> None:
    until(lambda: pulled.every == CALM_TICKS)
    pulled.sim.stop()
    began_s = CLOCK.monotonic_s()
    until(lambda: pulled.streamer.status().reconnects > 0)
    assert CLOCK.monotonic_s() - began_s < 0.5
