"""One thread that pulls all cameras of a worker: what they sent is read at the ticks of a clock, not whenever something comes.

A camera that plays costs one read a tick; one whose packets nobody waits for, one read every fifth tick. Its data waits in the kernel
meanwhile; the tick is part of the live view's delay. Sockets of cameras that are being connected are served at once, so that a
conversation of six requests does not take six ticks.
"""

from __future__ import annotations

import heapq
import logging
import os
import select
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from domain.clock import Clock
from domain.metrics import JOB_FAILURES
from ingest.announce import shared_gate
from ingest.rtsp_wire import CAPACITY_BYTES

TICK_S = 0.1
CALM_TICKS = 5
"""A calm camera is read at one tick in so many; the cameras take turns."""
CALM_TOGETHER = 32
"""So many are read at the same turn before another is used: few cameras cost less when their reads follow each other."""
_LOG = logging.getLogger(__name__)
Action = Callable[[], None]


class Owner(Protocol):
    """One camera's part in the loop. Whatever its actions raise comes back to it, and to nobody else."""

    def failed(self, error: Exception, /) -> None: ...


class _Due(NamedTuple):
    at_s: float
    number: int
    owner: Owner
    action: Action


class PullLoop:
    """`call` may be used from any thread; all else, and every action, belongs to the loop's own."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.warn = shared_gate(clock)
        """What all cameras here log through: a switch that takes them all down gives one line a second."""
        self.buffer = bytearray(CAPACITY_BYTES)
        """What is read lies here while it is looked at: one buffer for all, since one is read at a time."""
        self._calls: deque[tuple[Owner, Action]] = deque()
        self._timers: list[_Due] = []
        self._timer_number = 0
        self._readers: dict[int, tuple[Owner, Action]] = {}
        self._paced = select.epoll()
        self._calm = [select.epoll() for _ in range(CALM_TICKS)]
        self._turns: dict[int, int] = {}
        """Of the calm sockets."""
        self._turn = 0
        self._urgent = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._urgent.register(self._wake, select.EPOLLIN)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pull loop")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end. Its cameras should have been stopped before: what they hold open stays open."""
        self._stop.set()
        os.eventfd_write(self._wake, 1)

    def join(self) -> None:
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Give back what it holds of the kernel, once its thread is over."""
        for descriptor in (self._paced, self._urgent, *self._calm):
            descriptor.close()
        os.close(self._wake)

    def call(self, owner: Owner, action: Action) -> None:
        """Do `action` soon, in the loop's thread."""
        self._calls.append((owner, action))
        os.eventfd_write(self._wake, 1)

    def call_later(self, seconds: float, owner: Owner, action: Action) -> None:
        """Do `action` at the first tick after `seconds`."""
        self._timer_number += 1
        heapq.heappush(self._timers, _Due(self.clock.monotonic_s() + seconds, self._timer_number, owner, action))

    def watch(self, connection: socket.socket, owner: Owner, action: Action) -> None:
        """Do `action` at each tick at which `connection` has something to read."""
        self._readers[connection.fileno()] = owner, action
        self._paced.register(connection, select.EPOLLIN)

    def pace(self, connection: socket.socket, is_calm: bool) -> None:
        """Serve `connection`, which is watched, at one tick in `CALM_TICKS` only, or at each again."""
        number = connection.fileno()
        if is_calm:
            turn = self._turns[number] = self._calm_turn()
            came_from, goes_to = self._paced, self._calm[turn]
        else:
            came_from, goes_to = self._calm[self._turns.pop(number)], self._paced
        came_from.unregister(connection)
        goes_to.register(connection, select.EPOLLIN)

    def _calm_turn(self) -> int:
        """The first with room, else the one with the fewest."""
        held = Counter(self._turns.values())
        return min(range(CALM_TICKS), key=lambda turn: (max(CALM_TOGETHER, held[turn] + 1), turn))

    def watch_urgently(self, connection: socket.socket, owner: Owner, action: Action, events: int) -> None:
        """Do `action` as soon as one of the epoll `events` is there."""
        self._readers[connection.fileno()] = owner, action
        self._urgent.register(connection, events)

    def forget(self, connection: socket.socket) -> None:
        """Watch it no longer; before it is closed."""
        number = connection.fileno()
        if self._readers.pop(number, None) is None:
            return
        turn = self._turns.pop(number, None)
        for poll in (self._paced, self._urgent, *(() if turn is None else (self._calm[turn],))):
            try:
                poll.unregister(connection)
            except FileNotFoundError:
                continue

    def _run(self) -> None:
        next_s = self.clock.monotonic_s()
        while not self._stop.is_set():
            now_s = self.clock.monotonic_s()
            if now_s >= next_s:
                next_s = max(next_s + TICK_S, now_s)  # late ticks are not made up for: what they would have read is read by the next
                self._tick(now_s)
            wait_s = max(0.0, next_s - self.clock.monotonic_s())
            self._serve(self._urgent.poll(wait_s))
            while self._calls:
                self._do(*self._calls.popleft())

    def _tick(self, now_s: float) -> None:
        while self._timers and self._timers[0].at_s <= now_s:
            due = heapq.heappop(self._timers)
            self._do(due.owner, due.action)
        self._turn = (self._turn + 1) % CALM_TICKS
        self._serve(self._paced.poll(0))
        self._serve(self._calm[self._turn].poll(0))

    def _serve(self, events: list[tuple[int, int]]) -> None:
        for number, _ in events:
            if number == self._wake:
                os.eventfd_read(self._wake)
            elif (reader := self._readers.get(number)) is not None:  # else an action before this one closed it
                self._do(*reader)

    def _do(self, owner: Owner, action: Action) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - its owner tells and counts it; here it must not end the others
            self._fail(owner, error)

    def _fail(self, owner: Owner, error: Exception) -> None:
        try:
            owner.failed(error)
        except Exception:  # noqa: BLE001 - shown in full
            _LOG.exception("a camera's failure could not be dealt with")
            JOB_FAILURES.labels("pull loop", "failed").inc()
