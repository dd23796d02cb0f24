"""Ends connections that libavformat waits in: when they are stopped, or when no media arrived for
too long.

PyAV can interrupt a read only through a callback that takes the interpreter lock at every poll of
every socket, and then only when its time-out is over (`docs/decisions/0012-libav-watchdog.md`). The
watchdog instead finds the socket of libavformat once it is connected. One thread shuts that socket
down from outside, and the read ends immediately, over TCP, TLS and UDP (where libavformat polls the
control connection together with the data).
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

_CHECK_EVERY_S = 0.25
_CHECK_OPENING_S = 0.02
_MAX_TURN_WAIT_S = 2.0
"""A connection that waited so long for its turn opens without it. Its socket is found once all
other sockets to the same place are known.
"""
_FDS = Path("/proc/self/fd")
Peer = tuple[str, int]


class _Sockets:
    """The stream sockets of this process, and which of them are known.

    A known socket is one of our own, or belongs to a watched connection. A socket that libavformat
    just opened is the one to its address that is not known.
    """

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._finding = threading.Lock()

    @contextmanager
    def own(self, family: socket.AddressFamily) -> Iterator[socket.socket]:
        """Open a stream socket of our own, and close it at the end."""
        own = socket.socket(family, socket.SOCK_STREAM)
        inode = _inode(own)
        self._known.add(inode)
        try:
            yield own
        finally:
            own.close()
            self._known.discard(inode)

    def find_new(self, peer: Peer) -> socket.socket | None:
        """Return a duplicate of the only unknown socket to `peer`, which is known from now on.

        Return None if there is none, or more than one to choose from.
        """
        with self._finding:
            unknown = self._unknown(peer)
            if len(unknown) == 1:
                self._known.add(_inode(unknown[0]))
                return unknown[0]
            for duplicate in unknown:
                duplicate.close()
            return None

    def release(self, duplicate: socket.socket) -> None:
        """Close a duplicate, whose socket is not known any more."""
        inode = _inode(duplicate)
        duplicate.close()
        # After the close: before it, another connection could find the socket.
        self._known.discard(inode)

    def _unknown(self, peer: Peer) -> list[socket.socket]:
        unknown: list[socket.socket] = []
        # A duplicate may get the number of a descriptor that is still to be examined.
        seen = set(self._known)
        for copy in _copies(lambda inode: inode not in seen):
            if _peer_of(copy) == peer:
                seen.add(_inode(copy))
                unknown.append(copy.dup())
        return unknown


class WatchedConnection:
    """One connection of libavformat, from before it opens.

    Its reader calls `on_media` for each packet. `timed_out` says afterwards why a read ended.
    """

    def __init__(
        self,
        watchdog: LibavWatchdog,
        peer: Peer,
        timeout_s: float,
        stop: threading.Event,
        clock: Clock,
    ) -> None:
        self.timed_out = False
        self._watchdog = watchdog
        self._peer = peer
        self._timeout_s = timeout_s
        self._stop = stop
        self._clock = clock
        self._socket: socket.socket | None = None
        self._turn: threading.Lock | None = None
        self._media_s = clock.monotonic_s()
        self._guard = threading.Lock()

    def on_media(self) -> None:
        """Note that media arrived now."""
        self._media_s = self._clock.monotonic_s()

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Open the connection in this context.

        Connections to one place open in turns until the socket of each is found, so that it is
        known whose it is.
        """
        turn = self._watchdog.turn_at(self._peer)
        if turn.acquire(timeout=_MAX_TURN_WAIT_S):
            self._turn = turn
        self._watchdog.wake()
        try:
            yield
            self._find_socket()
        finally:
            self._end_turn()

    @property
    def is_opening(self) -> bool:
        return self._turn is not None

    def was_redirected(self) -> bool:
        """Return whether libavformat, now connected, closed its connection to this place.

        It does so when it follows a redirect.
        """
        with self._guard:
            if self._socket is None:
                return not any(_peer_of(copy) == self._peer for copy in _copies(lambda _: True))
            own_inode = _inode(self._socket)
            return sum(1 for _ in _copies(lambda inode: inode == own_inode)) < 2

    def check(self) -> None:
        """End the connection if it is stopped, or was silent for too long.

        The thread of the watchdog calls it.
        """
        if self._turn is not None and self._find_socket():
            self._end_turn()
        is_late = self._clock.monotonic_s() - self._media_s > self._timeout_s
        if not is_late and not self._stop.is_set():
            return
        self.timed_out = self.timed_out or not self._stop.is_set()
        self._find_socket()
        with self._guard, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Give up the duplicate of the socket."""
        with self._guard:
            if self._socket is not None:
                self._watchdog.sockets.release(self._socket)
                self._socket = None

    def _find_socket(self) -> bool:
        with self._guard:
            if self._socket is None:
                self._socket = self._watchdog.sockets.find_new(self._peer)
            return self._socket is not None

    def _end_turn(self) -> None:
        with self._guard:
            if self._turn is not None:
                self._turn.release()
                self._turn = None


class LibavWatchdog:
    """Watches all connections of libavformat in this process.

    A process needs exactly one, because the sockets of all its connections are distinguished here.
    Its one thread lives only while there are connections.
    """

    def __init__(self) -> None:
        self.sockets = _Sockets()
        self._connections: set[WatchedConnection] = set()
        self._turns: dict[Peer, threading.Lock] = {}
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(
        self, peer: Peer, timeout_s: float, stop: threading.Event, clock: Clock
    ) -> Iterator[WatchedConnection]:
        """Watch a connection to `peer` that is to be opened, until the end of the context."""
        connection = WatchedConnection(self, peer, timeout_s, stop, clock)
        with self._lock:
            self._connections.add(connection)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="libav watchdog", daemon=True
                )
                self._thread.start()
        try:
            yield connection
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.release()
            self.wake()

    def turn_at(self, peer: Peer) -> threading.Lock:
        """Return the lock that a connection to `peer` holds while it opens."""
        with self._lock:
            return self._turns.setdefault(peer, threading.Lock())

    def wake(self) -> None:
        """Check all connections now: one is opening, is stopped, or has ended."""
        self._woken.set()

    def _run(self) -> None:
        while True:
            with self._lock:
                connections = tuple(self._connections)
                if not connections:
                    self._thread = None
                    return
            for connection in connections:
                connection.check()
            is_opening = any(connection.is_opening for connection in connections)
            self._woken.wait(_CHECK_OPENING_S if is_opening else _CHECK_EVERY_S)
            self._woken.clear()


def _copies(is_requested: Callable[[int], bool]) -> Iterator[socket.socket]:
    """Yield a copy of each stream socket of this process whose inode is requested.

    Each copy is closed when the next one is requested.
    """
    for descriptor in [int(entry.name) for entry in _FDS.iterdir()]:
        with suppress(OSError):  # it was closed meanwhile
            status = os.fstat(descriptor)
            if stat.S_ISSOCK(status.st_mode) and is_requested(status.st_ino):
                with socket.socket(fileno=os.dup(descriptor)) as copy:
                    if copy.type == socket.SOCK_STREAM:
                        yield copy


def _inode(connection: socket.socket) -> int:
    return os.fstat(connection.fileno()).st_ino


def _peer_of(connection: socket.socket) -> Peer | None:
    try:
        name = connection.getpeername()
    except OSError:
        return None
    return (name[0].partition("%")[0], name[1]) if isinstance(name, tuple) else None
