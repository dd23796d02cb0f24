"""One thread that pulls all cameras of a worker: what they sent is read at the ticks of a clock,
not whenever something comes.

A camera that plays costs one read a tick; one whose packets nobody waits for, one read every fifth
or tenth tick. Its data waits in the kernel meanwhile; the tick is part of the live view's delay.
Ticks at which nothing is to be done are slept through. Sockets of cameras that are being connected
are served at once, so that a conversation of six requests does not take six ticks.
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
from ingest.rtsp.libav_watchdog import LibavWatchdog
from ingest.rtsp.read_cadence import LONGEST_TICKS

TICK_S = 0.1
READ_TOGETHER = 32
"""So many cameras of one interval are read at the same tick before another tick is used. Few
cameras cost less if their reads follow each other.
"""
_log = logging.getLogger(__name__)
Action = Callable[[], None]


class Owner(Protocol):
    """One camera's part in the loop. Whatever its actions raise comes back to it, and to nobody
    else.
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
    """`call` may be used from any thread; all else, and every action, belongs to the loop's own."""

    def __init__(self, clock: Clock, watchdog: LibavWatchdog | None = None) -> None:
        """Several loops of one process must share a `watchdog`."""
        self.clock = clock
        self.watchdog = watchdog or LibavWatchdog()
        self.warn = shared_gate(clock)
        """What all cameras here log through: a switch that takes them all down gives one line a
        second.
        """
        self.buffer = bytearray(CAPACITY_BYTES)
        """What is read lies here while it is looked at: one buffer for all, since one is read
        at a time.
        """
        self._calls: deque[tuple[Owner, Action]] = deque()
        self._timers: list[_Due] = []
        self._timer_number = 0
        self._readers: dict[int, tuple[Owner, Action]] = {}
        self._paced = select.epoll()
        self._brisk: set[int] = set()
        """The sockets in it."""
        self._turns: dict[int, _Turn] = {}
        """The turns of the sockets that are read at an interval above one tick."""
        self._wheel: list[dict[int, _Turn]] = [{} for _ in range(LONGEST_TICKS)]
        """The same, by tick."""
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
        """Ask it to end. Its cameras should have been stopped before: what they hold open stays
        open.
        """
        self._stop.set()
        os.eventfd_write(self._wake, 1)

    def join(self) -> None:
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Give back what it holds of the kernel, once its thread is over."""
        self._paced.close()
        self._urgent.close()
        os.close(self._wake)

    def call(self, owner: Owner, action: Action) -> None:
        """Do `action` soon, in the loop's thread; never, where it was stopped."""
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
        self._brisk.add(connection.fileno())

    def read_every(self, connection: socket.socket, every: int, action: Action) -> None:
        """Do `action` for the watched `connection` at one tick of each `every`.

        `every` is `LONG_TICKS` or `LONGEST_TICKS`. The action is done whether or not there is
        something to read. The action of `watch` is done only when the other side ends the
        connection, and then immediately.
        """
        number = connection.fileno()
        if not self._drop_turn(number):
            self._brisk.remove(number)
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
        self._brisk.add(connection.fileno())

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
        """Watch it no longer; before it is closed."""
        number = connection.fileno()
        if self._readers.pop(number, None) is None:
            return
        self._drop_turn(number)
        self._brisk.discard(number)
        for poll in (self._paced, self._urgent):
            try:
                poll.unregister(connection)
            except FileNotFoundError:
                continue

    def _run(self) -> None:
        while not self._stop.is_set():
            now_s = self.clock.monotonic_s()
            ahead = self._ahead(now_s)
            wait_s = self._ticked_s + ahead * TICK_S - now_s
            if wait_s <= 0:
                self._tick(ahead, now_s)
            self._serve(self._urgent.poll(max(0.0, wait_s)))
            while self._calls:
                self.do(*self._calls.popleft())

    def _ahead(self, now_s: float) -> int:
        """How many ticks after the last the next is at which something is to be done."""
        while (
            now_s - self._ticked_s >= 2 * TICK_S
            and not self._wheel[(self._ticked + 1) % LONGEST_TICKS]
        ):  # nobody's turn has passed
            self._ticked, self._ticked_s = (
                (self._ticked + 1) % LONGEST_TICKS,
                self._ticked_s + TICK_S,
            )
        timer_s = self._timers[0].at_s if self._timers else math.inf
        for ahead in range(1, LONGEST_TICKS):
            if (
                self._brisk
                or timer_s <= self._ticked_s + ahead * TICK_S
                or self._wheel[(self._ticked + ahead) % LONGEST_TICKS]
            ):
                return ahead
        return LONGEST_TICKS

    def _tick(self, ahead: int, now_s: float) -> None:
        """Late ticks are not made up for: what they would have read is read by the next."""
        self._ticked = (self._ticked + ahead) % LONGEST_TICKS
        self._ticked_s = max(self._ticked_s + ahead * TICK_S, now_s - TICK_S)
        while self._timers and self._timers[0].at_s <= now_s:
            due = heapq.heappop(self._timers)
            self.do(due.owner, due.action)
        if self._brisk:
            self._serve(self._paced.poll(0))
        turns = self._wheel[self._ticked]
        for number, turn in tuple(turns.items()):
            if turns.get(number) is turn:  # else an action before this one moved or closed it
                self.do(turn.owner, turn.action)

    def _serve(self, events: list[tuple[int, int]]) -> None:
        for number, _ in events:
            if number == self._wake:
                os.eventfd_read(self._wake)
            elif (
                reader := self._readers.get(number)
            ) is not None:  # else an action before this one closed it
                self.do(*reader)

    def do(self, owner: Owner, action: Action) -> None:
        """At once, in the loop's thread."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - its owner tells and counts it; here it must not end the others
            self._fail(owner, error)

    def _fail(self, owner: Owner, error: Exception) -> None:
        try:
            owner.failed(error)
        except Exception:  # noqa: BLE001 - shown in full
            _log.exception("the handler of a camera failure failed")
            JOB_FAILURES.labels("pull loop", "failed").inc()
