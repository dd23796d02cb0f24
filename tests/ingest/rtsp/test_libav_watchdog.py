"""The watchdog ends a blocked read from outside, and closes no socket that is not libavformat's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ingest.rtsp import libav_watchdog
from ingest.rtsp.libav_watchdog import LibavWatchdog, Peer, WatchedConnection
from tests.adjusted_clock import AdjustedClock
from tests.ingest.conftest import NEVER_S
from tests.waiting import PATIENCE_S, wait_event, wait_for


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as server:
        yield server.getsockname()


class Reader:
    """A thread that waits in a read, as libavformat does, with a socket of its own."""

    def __init__(self, watchdog: LibavWatchdog, peer: Peer, clock: AdjustedClock) -> None:
        self.stop = threading.Event()
        self.is_connected, self.is_over = threading.Event(), threading.Event()
        self.watched: WatchedConnection
        self._watchdog, self._peer, self._clock = watchdog, peer, clock
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._watchdog.watching(self._peer, NEVER_S, self.stop, self._clock) as self.watched:
            with self.watched.opening():
                connection = socket.create_connection(self._peer)
            with connection:
                self.is_connected.set()
                assert connection.recv(1) == b""
        self.is_over.set()

    def close(self) -> None:
        self.stop.set()
        self._watchdog.wake()
        self._thread.join(PATIENCE_S)


@contextmanager
def reading(watchdog: LibavWatchdog, peer: Peer, clock: AdjustedClock) -> Iterator[Reader]:
    reader = Reader(watchdog, peer, clock)
    try:
        wait_event("connection", reader.is_connected)
        yield reader
    finally:
        reader.close()


def test_a_stopped_connection_ends_when_the_watchdog_is_woken(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libav_watchdog, "_CHECK_EVERY_S", NEVER_S)
    watchdog = LibavWatchdog()
    with reading(watchdog, peer, AdjustedClock()) as reader:
        reader.stop.set()
        watchdog.wake()
        wait_event("end of the read", reader.is_over)
        assert not reader.watched.timed_out


def test_only_the_silent_one_of_many_connections_to_one_place_is_ended(peer: Peer) -> None:
    watchdog, clock = LibavWatchdog(), AdjustedClock()
    with (
        reading(watchdog, peer, clock) as silent,
        reading(watchdog, peer, clock) as other,
        watchdog.sockets.own(socket.AF_INET) as own,
    ):
        own.connect(peer)
        clock.advance(0.6 * NEVER_S)
        other.watched.on_media()
        clock.advance(0.6 * NEVER_S)
        wait_event("end of the silent read", silent.is_over)
        assert silent.watched.timed_out
        assert not other.is_over.is_set()
        assert own.getpeername() == peer, "a socket of our own is not shut down"
        own.sendall(b"x")


def test_the_thread_ends_with_the_last_connection(peer: Peer) -> None:
    watchdog = LibavWatchdog()
    before = set(threading.enumerate())  # Some of them may end meanwhile.
    with reading(watchdog, peer, AdjustedClock()):
        started = set(threading.enumerate()) - before
        assert len(started) == 2, "the reader, and one for all connections"
    wait_for("end of the threads", lambda: not any(one.is_alive() for one in started))
