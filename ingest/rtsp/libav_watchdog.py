"""Ends connections that libavformat waits in: when told to stop, or when no media came for too
long.

PyAV can interrupt a read only through a callback that takes the interpreter lock at every poll of
every socket, which costs more than the reading. So the source's own socket is looked up once it is
connected, and one thread a process shuts it down from outside when its time is up: the read then
ends at once, over TCP, TLS and UDP (whose control connection is polled with its data).
"""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from domain.clock import Clock

_LOOK_EVERY_S = 0.25
_LOOK_OPENING_S = 0.02
_TURN_PATIENCE_S = 2.0
"""One that waited this long for its turn opens without: its socket is found once it is the only
one that nobody holds.
"""
_FDS = Path("/proc/self/fd")
Peer = tuple[str, int]


class Line:
    """One connection being watched. Its reader calls `alive` for each packet; `timed_out` tells
    afterwards why a read ended.
    """

    def __init__(self, peer: Peer, timeout_s: float, stop: threading.Event, clock: Clock) -> None:
        self.timed_out = False
        self._peer = peer
        self._timeout_s = timeout_s
        self._stop = stop
        self._clock = clock
        self._socket: socket.socket | None = None
        self._turn: threading.Lock | None = None
        self._alive_s = clock.monotonic_s()
        self._guard = threading.Lock()

    def alive(self) -> None:
        self._alive_s = self._clock.monotonic_s()

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Around the open. Opens to one place take turns until the new socket is seen, so that
        it is known as this line's.
        """
        with _turns_guard:
            turn = _turns.setdefault(self._peer, threading.Lock())
        if turn.acquire(timeout=_TURN_PATIENCE_S):
            self._turn = turn
        WATCH.wake()
        try:
            yield
            self._hold_socket()
        finally:
            self._end_turn()

    @property
    def is_opening(self) -> bool:
        return self._turn is not None

    def went_elsewhere(self) -> bool:
        """Whether libavformat, now connected, let go of the connection to this line's place: it
        followed a redirect.
        """
        with self._guard:
            if self._socket is None:
                return not any(_peer_of(copy) == self._peer for copy in _copies(lambda _: True))
            number = os.fstat(self._socket.fileno()).st_ino
            return sum(1 for _ in _copies(lambda other: other == number)) < 2

    def look(self) -> None:
        """End the connection if it is to stop, or was silent for too long. Called by the
        watching thread.
        """
        if self._turn is not None and self._hold_socket():
            self._end_turn()
        is_late = self._clock.monotonic_s() - self._alive_s > self._timeout_s
        if not is_late and not self._stop.is_set():
            return
        self.timed_out = self.timed_out or not self._stop.is_set()
        self._hold_socket()
        with self._guard, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def flush(self) -> None:
        with self._guard:
            if self._socket is not None:
                number = os.fstat(self._socket.fileno()).st_ino
                self._socket.close()
                _claimed.discard(number)  # after the close, or another line could take it meanwhile
                self._socket = None

    def _hold_socket(self) -> bool:
        with self._guard:
            if self._socket is None:
                self._socket = _claim_only_socket(self._peer)
            return self._socket is not None

    def _end_turn(self) -> None:
        with self._guard:
            if self._turn is not None:
                self._turn.release()
                self._turn = None


class LibavWatchdog:
    """The lines of this process and the one thread that looks at them; the thread lives only
    while there are any.
    """

    def __init__(self) -> None:
        self._lines: set[Line] = set()
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, line: Line) -> Iterator[None]:
        with self._lock:
            self._lines.add(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hangup", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._lines.discard(line)
            line.flush()

    def wake(self) -> None:
        """Look now: a line is opening."""
        self._woken.set()

    def _run(self) -> None:
        while True:
            with self._lock:
                lines = tuple(self._lines)
                if not lines:
                    self._thread = None
                    return
            for line in lines:
                line.look()
            self._woken.wait(
                _LOOK_OPENING_S if any(line.is_opening for line in lines) else _LOOK_EVERY_S
            )
            self._woken.clear()


WATCH = LibavWatchdog()
_turns: dict[Peer, threading.Lock] = {}
_turns_guard = threading.Lock()
_claimed: set[int] = set()
_claim_guard = threading.Lock()


@contextmanager
def own_socket(family: socket.AddressFamily) -> Iterator[socket.socket]:
    """A stream socket of our own, which no line takes for libavformat's."""
    own = socket.socket(family, socket.SOCK_STREAM)
    number = os.fstat(own.fileno()).st_ino
    _claimed.add(number)
    try:
        yield own
    finally:
        own.close()
        _claimed.discard(number)


def _claim_only_socket(peer: Peer) -> socket.socket | None:
    """A duplicate of the one stream socket to `peer` that no line holds; None where there is
    none, or more than one to choose from.
    """
    with _claim_guard:
        found = _unclaimed_sockets(peer)
        if len(found) == 1:
            _claimed.add(os.fstat(found[0].fileno()).st_ino)
            return found[0]
        for other in found:
            other.close()
        return None


def _unclaimed_sockets(peer: Peer) -> list[socket.socket]:
    found: list[socket.socket] = []
    seen = set(
        _claimed
    )  # a copy kept here may take the number of a descriptor still to be looked at
    for copy in _copies(lambda number: number not in seen):
        if _peer_of(copy) == peer:
            seen.add(os.fstat(copy.fileno()).st_ino)
            found.append(copy.dup())
    return found


def _copies(is_wanted: Callable[[int], bool]) -> Iterator[socket.socket]:
    """A copy of each stream socket of this process whose inode is wanted; it is closed when the
    next is asked for.
    """
    for descriptor in [int(entry.name) for entry in _FDS.iterdir()]:
        with suppress(OSError):  # closed meanwhile
            status = os.fstat(descriptor)
            if stat.S_ISSOCK(status.st_mode) and is_wanted(status.st_ino):
                with socket.socket(fileno=os.dup(descriptor)) as copy:
                    if copy.type == socket.SOCK_STREAM:
                        yield copy


def _peer_of(connection: socket.socket) -> Peer | None:
    try:
        name = connection.getpeername()
    except OSError:
        return None
    return (name[0].partition("%")[0], name[1]) if isinstance(name, tuple) else None
