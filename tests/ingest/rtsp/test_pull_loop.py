"""One loop for all: what goes wrong in one camera's part stays there, and the dead do not hold
up the living.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from domain.camera_states import CameraState
from domain.clock import SystemClock
from domain.media.fanout import Fanout
from domain.media.packet_batch import PacketOrBatch, count_packets
from domain.media.packets import AudioPacket
from domain.registry import Camera
from ingest.rtsp.pull_loop import READ_TOGETHER, PullLoop
from ingest.rtsp.read_cadence import LONG_TICKS, LONGEST_TICKS
from simulator import SimCamera, Simulator
from tests.adjusted_clock import AdjustedClock
from tests.ingest.conftest import streamer_of, wait_passes
from tests.waiting import PATIENCE_S, wait_event, wait_for

CLOCK = SystemClock()
MakeCamera = Callable[..., Camera]


@pytest.fixture
def loop() -> Iterator[PullLoop]:
    loop = PullLoop(CLOCK)
    loop.start()
    yield loop
    loop.stop()
    loop.join()


class Owner:
    def __init__(self, also_fails: bool = False) -> None:
        self.errors: list[Exception] = []
        self.has_failed = threading.Event()
        self._also_fails = also_fails

    def failed(self, error: Exception) -> None:
        self.errors.append(error)
        self.has_failed.set()
        if self._also_fails:
            raise error


class Sink:
    """Counts what it is handed; `limit`: and raises after as many."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.packets = 0
        self.has_some, self.has_raised = threading.Event(), threading.Event()
        self._limit = limit

    def put(self, *received: PacketOrBatch) -> None:
        self.packets += count_packets(received)
        if self.packets >= 20:
            self.has_some.set()
        if self.packets > self._limit:
            self.has_raised.set()
            raise ZeroDivisionError("a sink that is wrong")

    def put_audio(self, packet: AudioPacket) -> None:
        pass


def _fail() -> None:
    raise ZeroDivisionError("a camera's part that is wrong")


def test_what_raises_comes_back_to_its_owner_alone(
    loop: PullLoop, caplog: pytest.LogCaptureFixture
) -> None:
    worse, bad, good, done = Owner(also_fails=True), Owner(), Owner(), threading.Event()
    for owner in (worse, bad):
        loop.call(owner, _fail)
    loop.call(good, lambda: loop.call_later(0.15, good, done.set))
    wait_event("end", done)
    assert [len(owner.errors) for owner in (worse, bad, good)] == [1, 1, 0]
    assert "the handler of a camera failure failed" in caplog.text


def test_timers_come_in_order_and_sockets_at_a_tick(loop: PullLoop) -> None:
    owner, received, done = Owner(), list[str](), threading.Event()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    def read() -> None:
        received.append(ours.recv(100).decode())

    def end() -> None:
        loop.forget(ours)
        done.set()

    def begin() -> None:
        loop.watch(ours, owner, read)
        loop.call_later(0.4, owner, end)
        loop.call_later(0.2, owner, lambda: received.append("timer"))
        theirs.send(b"now")

    loop.call(owner, begin)
    wait_event("end", done)
    theirs.send(b"unheard")
    assert (received, owner.errors) == (["now", "timer"], [])
    ours.close()
    theirs.close()


def test_a_socket_with_an_interval_waits_for_its_turn_and_loses_nothing(loop: PullLoop) -> None:
    """The interval changes while bytes arrive, and the socket is forgotten at the longest one."""
    ours, theirs = socket.socketpair()
    owner, received, turns, done = Owner(), bytearray(), list[int](), threading.Event()
    ours.setblocking(False)

    def read() -> None:
        received.extend(ours.recv(100))
        if received.endswith(b"."):
            loop.forget(ours)
            done.set()

    def take_turn() -> None:
        turns.append(len(received))
        with suppress(BlockingIOError):
            read()

    def go_on(every: int, sent: bytes) -> None:
        if every > 1:
            loop.read_every(ours, every, take_turn)
        else:
            loop.read_each_tick(ours)
        theirs.send(sent)

    def begin() -> None:
        loop.watch(ours, owner, read)
        go_on(5, b"1")
        loop.call_later(0.75, owner, lambda: go_on(1, b"2"))
        loop.call_later(0.95, owner, lambda: go_on(5, b""))
        loop.call_later(1.05, owner, lambda: go_on(LONGEST_TICKS, b"3."))

    loop.call(owner, begin)
    wait_event("end", done)
    assert (bytes(received), owner.errors) == (b"123.", [])
    assert turns[0] == 0
    assert turns[-1] == 2
    ours.close()
    theirs.close()


def test_the_end_of_a_socket_with_an_interval_is_read_immediately(loop: PullLoop) -> None:
    ours, theirs = socket.socketpair()
    owner, received, done = Owner(), list[bytes](), threading.Event()
    ours.setblocking(False)

    def read() -> None:
        received.append(ours.recv(100))
        if not received[-1]:
            loop.forget(ours)
            done.set()

    def begin() -> None:
        loop.watch(ours, owner, read)
        loop.read_every(ours, LONGEST_TICKS, lambda: None)
        theirs.send(b"last words")
        theirs.close()

    loop.call(owner, begin)
    wait_event("end", done)
    assert (received, owner.errors) == ([b"last words", b""], [])
    ours.close()


def test_ticks_at_which_nothing_is_to_be_done_are_slept_through() -> None:
    """The turn of a socket with an interval is due in time, and so is a timer that is set
    meanwhile.
    """
    clock = AdjustedClock()
    clock.hold()
    loop = PullLoop(clock)
    ours, theirs = socket.socketpair()
    owner, turns_s, begun = Owner(), list[float](), threading.Event()
    passes = Counter[str]()
    tick = loop._tick

    def counted(ahead: int, now_s: float) -> None:
        passes["ticks"] += 1
        tick(ahead, now_s)

    def begin() -> None:
        loop.watch(ours, owner, lambda: None)
        loop.read_every(ours, 5, lambda: turns_s.append(clock.monotonic_s()))
        loop.call_later(0.75, owner, lambda: passes.update(timers=1))
        begun.set()

    loop._tick = counted  # type: ignore[method-assign]
    loop.start()
    loop.call(owner, begin)
    wait_event("begin", begun)
    for _ in range(20):
        clock.advance(0.1)
        wait_passes(loop)
    loop.call(owner, lambda: loop.forget(ours))
    wait_passes(loop)
    loop.stop()
    loop.join()
    assert len(turns_s) in (3, 4)
    assert all(
        later - earlier == pytest.approx(0.5, abs=0.11) for earlier, later in pairwise(turns_s)
    )
    assert (passes["timers"], owner.errors) == (1, [])
    assert passes["ticks"] <= 6
    ours.close()
    theirs.close()


def test_a_sink_that_raises_costs_its_own_camera_the_connection_and_no_other(
    loop: PullLoop, clips: dict[str, Path], camera_of: MakeCamera
) -> None:
    with Simulator([SimCamera(name, clips["h264"]) for name in ("good", "bad")]) as sim:
        sinks = {"good": Sink(), "bad": Sink(limit=5)}
        streamers = {}
        for name, sink in sinks.items():
            fanout = Fanout()
            fanout.attach(sink)
            camera = camera_of(sim.url(name), camera_id=name)
            streamers[name] = streamer_of(camera, fanout, CLOCK)
            streamers[name].start(loop)
        assert sinks["bad"].has_raised.wait(PATIENCE_S)
        before = sinks["good"].packets
        sinks["good"].has_some.clear()
        assert sinks["good"].has_some.wait(PATIENCE_S)
        for streamer in streamers.values():
            streamer.stop()
            assert streamer.join(PATIENCE_S)
    assert sinks["good"].packets > before
    assert streamers["good"].status().reconnects == 0
    assert streamers["bad"].status().reconnects > 0
    assert "software fault" in streamers["bad"].status().last_error


def test_hundreds_of_dead_cameras_have_no_thread_and_hold_up_no_other(
    loop: PullLoop, clips: dict[str, Path], camera_of: MakeCamera
) -> None:
    """Half of them refuse, half accept and say nothing."""
    with (
        Simulator([SimCamera("gate", clips["h264"])]) as sim,
        socket.create_server(("127.0.0.1", 0), backlog=200) as mute,
        socket.socket() as refusing,
    ):
        refusing.bind(("127.0.0.1", 0))  # and does not listen; its port remains reserved
        urls = [f"rtsp://127.0.0.1:{one.getsockname()[1]}/x" for one in (refusing, mute)] * 100
        before = threading.active_count()
        dead = [
            streamer_of(camera_of(url, camera_id=f"d{n}"), Fanout(), CLOCK)
            for n, url in enumerate(urls)
        ]
        for streamer in dead:
            streamer.start(loop)
        fanout, sink = Fanout(), Sink()
        fanout.attach(sink)
        live = streamer_of(camera_of(sim.url("gate")), fanout, CLOCK)
        live.start(loop)
        assert sink.has_some.wait(PATIENCE_S)
        wait_for(
            "live",
            lambda: live.status().state is CameraState.LIVE,
            # a packet is handed on before it is looked at, and the first read may have all that the
            # sink waits for
        )
        assert threading.active_count() <= before
        for streamer in (*dead, live):
            streamer.stop()
        assert all(streamer.join(PATIENCE_S) for streamer in (*dead, live))
    assert live.status().reconnects == 0


@pytest.mark.parametrize("every", [LONG_TICKS, LONGEST_TICKS])
def test_sockets_of_one_interval_share_a_tick_until_it_is_full(loop: PullLoop, every: int) -> None:
    pairs = [socket.socketpair() for _ in range(2 * READ_TOGETHER + 1)]
    owner, turns, done = Owner(), list[list[int]](), threading.Event()

    def begin() -> None:
        for ours, _ in pairs:
            loop.watch(ours, owner, lambda: None)
            loop.read_every(ours, every, lambda: None)
        turns.append([turn.first for turn in loop._turns.values()])
        loop.read_each_tick(pairs[0][0])
        loop.forget(pairs[1][0])
        loop.watch(pairs[1][0], owner, lambda: None)
        for ours, _ in pairs[:2]:
            loop.read_every(ours, every, lambda: None)
        turns.append([turn.first for turn in loop._turns.values()])
        for ours, _ in pairs:
            loop.forget(ours)
        done.set()

    loop.call(owner, begin)
    wait_event("end", done)
    before, after = (list(Counter(one).items()) for one in turns)
    assert sorted(before) == sorted(after) == [(0, READ_TOGETHER), (1, READ_TOGETHER), (2, 1)]
    assert (loop._turns, loop._wheel, owner.errors) == ({}, [{}] * LONGEST_TICKS, [])
    for pair in pairs:
        for end in pair:
            end.close()
