"""Keeps child processes running: started in order, started again when they end, stopped in
reverse order.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Collection, Sequence

from domain.clock import Clock
from domain.errors import SightlineError
from domain.log import FloodGate
from domain.metrics import CHILD_HANGS, CHILD_RESTARTS, forget_process
from sightline.processes.child import Child, ChildSpec
from sightline.processes.heartbeat import Heartbeat

_log = logging.getLogger(__name__)

_POLL_S = 0.2
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_HEALTHY_AFTER_S = 30.0
_BOUND_LOGS_EVERY_S = 10.0
MOST_YOUNG_ENDS = 5
"""A child that ended young as often as that in a row fails,"""
FAILS_FOR_S = 600.0
"""until it has lived for so long."""


class Restarts:
    """When to start a child again: at once the first time, later and later while it keeps
    ending young.
    """

    def __init__(self) -> None:
        self._pause_s = 0.0
        self.young_ends = 0
        """In a row."""

    def pause_s(self, lived_s: float) -> float:
        if lived_s >= _HEALTHY_AFTER_S:
            self._pause_s = 0.0
            self.young_ends = 0
        self.young_ends += 1
        pause_s = self._pause_s
        self._pause_s = min(_LONGEST_PAUSE_S, max(_FIRST_PAUSE_S, 2 * self._pause_s))
        return pause_s


class _Watched:
    def __init__(self, child: Child) -> None:
        self.child = child
        self.restarts = Restarts()
        self.beats = Heartbeat(child.spec.beat) if child.spec.beat else None
        self.started_s = 0.0
        self.due_s: float | None = None
        self.hung = False

    def start(self, now_s: float) -> None:
        self.started_s, self.hung = now_s, False
        if self.beats:
            self.beats.start(now_s)
        self.child.start()

    def lived_s(self, now_s: float) -> float:
        """One that hung is not said to have lived."""
        return 0.0 if self.hung else now_s - self.started_s

    def fails(self, now_s: float) -> bool:
        lives = self.due_s is None and now_s - self.started_s >= FAILS_FOR_S
        return self.restarts.young_ends >= MOST_YOUNG_ENDS and not lives


class Supervisor:
    """`start` all, then `run` until stopped; both in the main thread (the kernel ties a child's
    life to the thread that made it).
    """

    def __init__(
        self, groups: Sequence[Sequence[ChildSpec]], clock: Clock, held: Sequence[int] = ()
    ) -> None:
        """`groups`: children that start together, each group once the one before it serves.
        `held`: descriptors that all keep open.
        """
        self._clock = clock
        self._groups = [[_Watched(Child(spec, clock, held)) for spec in group] for group in groups]
        self._watched = [watched for group in self._groups for watched in group]
        self._ended: list[int | None] = []
        """Processes whose gauges are still to be taken out of the metrics."""
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)

    @property
    def pids(self) -> dict[str, int | None]:
        return {watched.child.spec.name: watched.child.pid for watched in self._watched}

    def fails(self, names: Collection[str]) -> bool:
        """Whether all of these end, or hang, again and again, or did so until a while ago."""
        now_s = self._clock.monotonic_s()
        return all(
            watched.fails(now_s) for watched in self._watched if watched.child.spec.name in names
        )

    def start(
        self,
        stop: threading.Event,
        said: Callable[[str], None],
        groups: slice = slice(None),
    ) -> None:
        """Return once all of `groups` serve, or `stop` is set.

        `said` is called with the name of each child that is waited for. Raises SightlineError where
        one does not come up.
        """
        for group in self._groups[groups]:
            for watched in group:
                watched.start(self._clock.monotonic_s())
            for watched in group:
                said(watched.child.spec.name)
                watched.child.wait_ready(stop)
            if stop.is_set():
                return

    def run(self, stop: threading.Event) -> None:
        logs_due_s = 0.0
        while not self._clock.wait(stop, _POLL_S):
            for watched in self._watched:
                self._look_after(watched)
            self._forget_ended()
            if self._clock.monotonic_s() >= logs_due_s:
                logs_due_s = self._clock.monotonic_s() + _BOUND_LOGS_EVERY_S
                self._bound_logs()

    def stop(self) -> None:
        """Stop group by group, the last one first; within a group all are asked together."""
        for group in reversed(self._groups):
            for watched in group:
                watched.child.terminate()
            for watched in group:
                watched.child.join()

    def _forget_ended(self) -> None:
        while self._ended:
            try:
                forget_process(self._ended[0])
            # a read-only disk: /metrics shows their last values until it can be written again
            except OSError as error:
                self._warn("gauges", f"the gauges of an ended process cannot be removed: {error}")
                return
            del self._ended[0]

    def _bound_logs(self) -> None:
        for watched in self._watched:
            try:
                watched.child.bound_log()
            except (
                OSError
            ) as error:  # a full disk: the log waits, the children are still looked after
                _log.warning(
                    "the log file of %s cannot be limited in size: %s",
                    watched.child.spec.name,
                    error,
                )

    def _look_after(self, watched: _Watched) -> None:
        now_s = self._clock.monotonic_s()
        if watched.due_s is None:
            code = watched.child.exit_code()
            if code is None:
                _kill_where_it_hangs(watched, now_s)
                return
            pause_s = watched.restarts.pause_s(watched.lived_s(now_s))
            watched.due_s = now_s + pause_s
            CHILD_RESTARTS.labels(watched.child.spec.name).inc()
            self._ended.append(watched.child.pid)
            _log.error(
                "%s ended (%s); it restarts in %.1f s",
                watched.child.spec.name,
                _how(code),
                pause_s,
            )
        if now_s >= watched.due_s:
            self._start_again(watched, now_s)

    def _start_again(self, watched: _Watched, now_s: float) -> None:
        watched.due_s = None
        try:
            watched.start(now_s)
        except (
            OSError,
            SightlineError,
        ) as error:  # a full disk, a folder taken away: the others are still looked after
            watched.due_s = now_s + _LONGEST_PAUSE_S
            _log.error(
                "%s cannot be started: %s; the next attempt is in %.0f s",
                watched.child.spec.name,
                error,
                _LONGEST_PAUSE_S,
            )


def _kill_where_it_hangs(watched: _Watched, now_s: float) -> None:
    """It is gone at the next look, and started again as any that ended."""
    silent_s = watched.beats.silent_s(now_s) if watched.beats and not watched.hung else None
    if silent_s is None:
        return
    watched.hung = True
    CHILD_HANGS.labels(watched.child.spec.name).inc()
    _log.error("%s hangs: no heartbeat for %.0f s; it is killed", watched.child.spec.name, silent_s)
    watched.child.kill()


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set. A second signal does not hurry: stopping in order is
    what keeps data whole.

    A handler may interrupt any line of the main thread, while it holds any lock: it takes none, and
    writes to a pipe that a thread reads.
    """
    stop = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(
        target=_set_when_told, args=(reader, stop), name="signals", daemon=True
    ).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.is_set() or os.write(writer, b"."))
    return stop


def _set_when_told(reader: int, stop: threading.Event) -> None:
    os.read(reader, 1)
    stop.set()
