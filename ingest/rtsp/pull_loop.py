"""One thread that pulls all cameras of a worker. It reads their sockets at the ticks of a clock,
and not whenever data arrives.

A camera costs one read a tick, or one every fifth or tenth tick if no consumer waits for its
packets. Its data waits in the kernel, so the tick is part of the delay of live view. The thread
sleeps through ticks without work.

Sockets of cameras that are being connected are served immediately, so that six requests do not take
six ticks.
"""

from __future__ import annotations

import heapq
import logging
import math
import os
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from domain.clock import Clock
from domain.metrics import JOB_FAILURES
from ingest.health.announce import shared_gate
from ingest.packets.native.depacketiser import CAPACITY_BYTES
from ingest.rtsp.backoff import UnreachableCameras
from ingest.rtsp.libav_watchdog import LibavWatchdog
from ingest.rtsp.read_cadence import LONGEST_TICKS, TICK_S

READ_TOGETHER = 32
"""So many cameras of one interval are read at the same tick before another tick is used. Few
cameras cost less if their reads follow each other.
"""
_log = logging.getLogger(__name__)
Action = Callable[[], None]


class Owner(Protocol):
    """The owner of actions in the loop. Exceptions of its actions are passed only to its own
    `failed`.
    """

    def failed(self, error: Exception, /) -> None: ...


class _Due(NamedTuple):
    at_s: float
    number: int
    owner: Owner
    action: Action


class _Turn(NamedTuple):
    """The action for a camera that is read at the tick `first` of each `every`."""

    first: int
    every: int
    owner: Owner
    action: Action

    @property
    def ticks(self) -> range:
        """The ticks of the wheel at which the action is due."""
        return range(self.first, LONGEST_TICKS, self.every)


class PullLoop:
    """The loop. Any thread may use `call`; everything else, and every action, belongs to the loop's
    own thread.
    """

    def __init__(self, clock: Clock, watchdog: LibavWatchdog | None = None) -> None:
        """Several loops of one process must share a `watchdog`."""
        self.clock = clock
        self.watchdog = watchdog or LibavWatchdog()
        self.warn = shared_gate(clock)
        """The log gate of all cameras of the loop, which limits a common failure to one line a
        second.
        """
        self.unreachable = UnreachableCameras()
        """The cameras of the loop to which no connection could be made."""
        self.buffer = bytearray(CAPACITY_BYTES)
        """The read buffer of all connections, which are read one at a time."""
        self._calls: deque[tuple[Owner, Action]] = deque()
        self._timers: list[_Due] = []
        self._timer_number = 0
        self._readers: dict[int, tuple[Owner, Action]] = {}
        self._paced = select.epoll()
        self._each_tick: set[int] = set()
        """The sockets in `_paced`."""
        self._turns: dict[int, _Turn] = {}
        """The turns of the sockets that are read at an interval above one tick."""
        self._wheel: list[dict[int, _Turn]] = [{} for _ in range(LONGEST_TICKS)]
        """The same turns, by tick."""
        self._ticked, self._ticked_s = 0, clock.monotonic_s()
        """The place of the last tick in the wheel, and its time."""
        self._urgent = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._urgent.register(self._wake, select.EPOLLIN)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pull loop")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Request the end of the thread. Its cameras must be stopped before, or their connections
        remain open.
        """
        self._stop.set()
        os.eventfd_write(self._wake, 1)

    def join(self) -> None:
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Close the loop's file descriptors, after its thread has ended."""
        self._paced.close()
        self._urgent.close()
        os.close(self._wake)

    def call(self, owner: Owner, action: Action) -> None:
        """Do `action` soon in the loop's thread, or never if the loop is stopped."""
        self._calls.append((owner, action))
        if not self._stop.is_set():
            os.eventfd_write(self._wake, 1)

    def call_later(self, seconds: float, owner: Owner, action: Action) -> None:
        """Do `action` at the first tick after `seconds`."""
        self._timer_number += 1
        heapq.heappush(
            self._timers,
            _Due(self.clock.monotonic_s() + seconds, self._timer_number, owner, action),
        )

    def watch(self, connection: socket.socket, owner: Owner, action: Action) -> None:
        """Do `action` at each tick at which `connection` has something to read."""
        self._readers[connection.fileno()] = owner, action
        self._paced.register(connection, select.EPOLLIN)
        self._each_tick.add(connection.fileno())

    def read_every(self, connection: socket.socket, every: int, action: Action) -> None:
        """Do `action` for the watched `connection` at one tick of each `every`.

        `every` is `LONG_TICKS` or `LONGEST_TICKS`. The action is done whether or not there is
        something to read. The action of `watch` is done only when the other side ends the
        connection, and then immediately.
        """
        number = connection.fileno()
        if not self._drop_turn(number):
            self._each_tick.remove(number)
            self._paced.unregister(connection)
            self._urgent.register(connection, select.EPOLLRDHUP)
        turn = self._turns[number] = _Turn(
            self._first_with_room(every), every, self._readers[number][0], action
        )
        for tick in turn.ticks:
            self._wheel[tick][number] = turn

    def read_each_tick(self, connection: socket.socket) -> None:
        """Serve `connection` at each tick again, after `read_every`."""
        self._drop_turn(connection.fileno())
        self._urgent.unregister(connection)
        self._paced.register(connection, select.EPOLLIN)
        self._each_tick.add(connection.fileno())

    def _drop_turn(self, number: int) -> bool:
        """Remove the turn of a socket, and return whether it had one."""
        turn = self._turns.pop(number, None)
        for tick in () if turn is None else turn.ticks:
            del self._wheel[tick][number]
        return turn is not None

    def _first_with_room(self, every: int) -> int:
        """Return the first tick with room, or else the one with the fewest sockets."""
        held = [max(map(len, self._wheel[first::every])) for first in range(every)]
        return min(range(every), key=lambda first: (max(READ_TOGETHER, held[first] + 1), first))

    def watch_urgently(
        self, connection: socket.socket, owner: Owner, action: Action, events: int
    ) -> None:
        """Do `action` as soon as one of the epoll `events` is there."""
        self._readers[connection.fileno()] = owner, action
        self._urgent.register(connection, events)

    def forget(self, connection: socket.socket) -> None:
        """Stop watching `connection`; call it before the socket is closed."""
        number = connection.fileno()
        if self._readers.pop(number, None) is None:
            return
        self._drop_turn(number)
        self._each_tick.discard(number)
        for poll in (self._paced, self._urgent):
            try:
                poll.unregister(connection)
            except FileNotFoundError:
                continue

    def _run(self) -> None:
        while not self._stop.is_set():
            now_s = self.clock.monotonic_s()
            ahead = self._ticks_to_work(now_s)
            wait_s = self._ticked_s + ahead * TICK_S - now_s
            if wait_s <= 0:
                self._tick(ahead, now_s)
            self._serve(self._urgent.poll(max(0.0, wait_s)))
            while self._calls:
                self.do(*self._calls.popleft())

    def _ticks_to_work(self, now_s: float) -> int:
        """Return the number of ticks until the next one with work."""
        while (
            now_s - self._ticked_s >= 2 * TICK_S
            and not self._wheel[(self._ticked + 1) % LONGEST_TICKS]
        ):  # no turn was missed
            self._ticked, self._ticked_s = (
                (self._ticked + 1) % LONGEST_TICKS,
                self._ticked_s + TICK_S,
            )
        timer_s = self._timers[0].at_s if self._timers else math.inf
        for ahead in range(1, LONGEST_TICKS):
            if (
                self._each_tick
                or timer_s <= self._ticked_s + ahead * TICK_S
                or self._wheel[(self._ticked + ahead) % LONGEST_TICKS]
            ):
                return ahead
        return LONGEST_TICKS

    def _tick(self, ahead: int, now_s: float) -> None:
        """Do the work of a tick. Missed ticks are not repeated, because the next one reads their
        data.
        """
        self._ticked = (self._ticked + ahead) % LONGEST_TICKS
        self._ticked_s = max(self._ticked_s + ahead * TICK_S, now_s - TICK_S)
        while self._timers and self._timers[0].at_s <= now_s:
            due = heapq.heappop(self._timers)
            self.do(due.owner, due.action)
        if self._each_tick:
            self._serve(self._paced.poll(0))
        turns = self._wheel[self._ticked]
        for number, turn in tuple(turns.items()):
            if turns.get(number) is turn:  # otherwise an earlier action moved or closed it
                self.do(turn.owner, turn.action)

    def _serve(self, events: list[tuple[int, int]]) -> None:
        for number, _ in events:
            if number == self._wake:
                os.eventfd_read(self._wake)
            elif (
                reader := self._readers.get(number)
            ) is not None:  # otherwise an earlier action closed it
                self.do(*reader)

    def do(self, owner: Owner, action: Action) -> None:
        """Do `action` immediately, in the loop's thread."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - its owner reports and counts it; it must not end the others
            self._fail(owner, error)

    def _fail(self, owner: Owner, error: Exception) -> None:
        try:
            owner.failed(error)
        except Exception:  # noqa: BLE001 - shown in full
            _log.exception("the handler of a camera failure failed")
            JOB_FAILURES.labels("pull loop", "failed").inc()
