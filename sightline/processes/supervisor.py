"""Supervises child processes: starts them in order, restarts them, stops them in reverse order."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack

from domain.clock import Clock
from domain.errors import SightlineError
from domain.log import FloodGate
from domain.metrics import CHILD_HANGS, CHILD_RESTARTS, forget_process
from sightline.forking.client import ForkServer
from sightline.processes.child import Child, ChildSpec
from sightline.processes.heartbeat import Heartbeat

_log = logging.getLogger(__name__)

_POLL_S = 0.2
_LOOKS = 4
"""How often in that time the supervisor looks whether a child is wanted: a viewer may wait."""
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_HEALTHY_AFTER_S = 30.0
_BOUND_LOGS_EVERY_S = 10.0
_EXITS_WITHOUT_REFUSAL = 1
"""What waits for a child waits for its first restart too, which is immediate."""
MAX_EARLY_EXITS = 5
"""A child with so many early exits in a row counts as failing."""
FAILS_FOR_S = 600.0
"""A failing child counts as healthy again after it has run for this long."""


class Restarts:
    """The pauses before restarts: the first restart is immediate, later ones wait longer."""

    def __init__(self) -> None:
        self._pause_s = 0.0
        self.early_exits = 0
        """The number of early exits in a row."""

    def pause_s(self, lived_s: float) -> float:
        if lived_s >= _HEALTHY_AFTER_S:
            self._pause_s = 0.0
            self.early_exits = 0
        self.early_exits += 1
        pause_s = self._pause_s
        self._pause_s = min(_LONGEST_PAUSE_S, max(_FIRST_PAUSE_S, 2 * self._pause_s))
        return pause_s


class _Watched:
    def __init__(self, child: Child) -> None:
        self.child = child
        self.restarts = Restarts()
        self.heartbeat = Heartbeat(child.spec.heartbeat) if child.spec.heartbeat else None
        self.started_s = 0.0
        self.due_s: float | None = None
        self.hung = False
        self._is_idle = True
        """Whether it was never started, or has ended because it was not needed."""

    @property
    def awaits_need(self) -> bool:
        """Whether its next start waits until it is wanted."""
        return self._is_idle and self.due_s is None

    def start(self, now_s: float) -> None:
        self.started_s, self.hung, self._is_idle = now_s, False, False
        if self.heartbeat:
            self.heartbeat.start(now_s)
        self.child.start()

    def ended_idle(self, code: int) -> bool:
        """Return whether an end with `code` says that it is not needed."""
        self._is_idle = self.child.spec.ends_when_idle and code == 0
        return self._is_idle

    def lived_s(self, now_s: float) -> float:
        """Return how long the child ran; 0 for one that hung."""
        return 0.0 if self.hung else now_s - self.started_s

    def fails(self, now_s: float) -> bool:
        is_healthy = self.due_s is None and now_s - self.started_s >= FAILS_FOR_S
        return self.restarts.early_exits >= MAX_EARLY_EXITS and not is_healthy


class Supervisor:
    """Starts and supervises child processes.

    `start` and `run` are called in the main thread, because the kernel ends a child with the thread
    that created it.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[ChildSpec]],
        clock: Clock,
        held: Sequence[int] = (),
        fork_server: ForkServer | None = None,
    ) -> None:
        """`groups` are children that start together, each group after the previous one serves.

        `held` are descriptors that all children inherit. `fork_server` has been started.
        """
        self._clock = clock
        self._fork_server = fork_server
        self._groups = [
            [_Watched(Child(spec, clock, held, fork_server)) for spec in group] for group in groups
        ]
        self._watched = [watched for group in self._groups for watched in group]
        self._ended: list[int | None] = []
        """Processes whose gauges are not removed from the metrics yet."""
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)

    @property
    def pids(self) -> dict[str, int | None]:
        return {watched.child.spec.name: watched.child.pid for watched in self._watched}

    def fails(self, names: Collection[str]) -> bool:
        """Return whether all of these children that were started end or hang repeatedly, or did so
        recently.
        """
        now_s = self._clock.monotonic_s()
        started = [
            watched
            for watched in self._watched
            if watched.child.spec.name in names and not watched.awaits_need
        ]
        return bool(started) and all(watched.fails(now_s) for watched in started)

    def start(
        self,
        stop: threading.Event,
        on_wait: Callable[[str], None],
        groups: slice = slice(None),
    ) -> None:
        """Start `groups`, and return when all of them serve or `stop` is set.

        `on_wait` is called with the name of each child that is starting. A child that is not wanted
        yet is started later by `run`. Raises SightlineError where one does not start.
        """
        for planned in self._groups[groups]:
            group = [watched for watched in planned if watched.child.spec.is_wanted()]
            if self._fork_server and any(watched.child.spec.is_forkable for watched in group):
                self._fork_server.wait_loaded(stop, self._clock)
            for watched in group:
                watched.start(self._clock.monotonic_s())
            for watched in group:
                on_wait(watched.child.spec.name)
                watched.child.wait_ready(stop)
            if stop.is_set():
                return

    def run(self, stop: threading.Event) -> None:
        logs_due_s = 0.0
        while not self._wait(stop):
            for watched in self._watched:
                self._check(watched)
            self._forget_ended()
            if self._clock.monotonic_s() >= logs_due_s:
                logs_due_s = self._clock.monotonic_s() + _BOUND_LOGS_EVERY_S
                self._bound_logs()

    def _wait(self, stop: threading.Event) -> bool:
        """Wait until children are checked again, or one that awaits need is wanted. Return whether
        `stop` is set.
        """
        for _ in range(_LOOKS):
            if self._clock.wait(stop, _POLL_S / _LOOKS):
                return True
            if any(one.awaits_need and one.child.spec.is_wanted() for one in self._watched):
                break
        return False

    def stop(self) -> None:
        """Stop group by group, the last one first, and each group turn by turn: the children of a
        turn stop together, after all earlier ones have ended.

        Every child is stopped, even if the stop of another raises. The last error is raised at the
        end.
        """
        with ExitStack() as stopping:  # It calls what was added last first.
            for group in self._groups:
                for turn in sorted({one.child.spec.stop_turn for one in group}):
                    children = [one.child for one in group if one.child.spec.stop_turn == turn]
                    for child in reversed(children):
                        stopping.callback(child.join)
                    for child in reversed(children):
                        stopping.callback(child.terminate)

    def _forget_ended(self) -> None:
        while self._ended:
            try:
                forget_process(self._ended[0])
            # On a read-only disk, /metrics shows their last values until it can be written again.
            except OSError as error:
                self._warn("gauges", f"the gauges of an ended process cannot be removed: {error}")
                return
            del self._ended[0]

    def _bound_logs(self) -> None:
        for watched in self._watched:
            try:
                watched.child.bound_log()
            # On a full disk the log stays large; the children are supervised anyway.
            except OSError as error:
                _log.warning(
                    "the log file of %s cannot be limited in size: %s",
                    watched.child.spec.name,
                    error,
                )

    def _check(self, watched: _Watched) -> None:
        now_s = self._clock.monotonic_s()
        if watched.awaits_need:
            if watched.child.spec.is_wanted():
                self._start_again(watched, now_s)
            return
        if watched.due_s is None:
            code = watched.child.exit_code()
            if code is None:
                _kill_if_it_hangs(watched, now_s)
                return
            if watched.ended_idle(code):
                self._ended.append(watched.child.pid)
                _log.info("%s ended until it is needed", watched.child.spec.name)
                return
            pause_s = watched.restarts.pause_s(watched.lived_s(now_s))
            watched.due_s = now_s + pause_s
            CHILD_RESTARTS.labels(watched.child.spec.name).inc()
            self._ended.append(watched.child.pid)
            _log.error(
                "%s ended (%s); it restarts in %.1f s",
                watched.child.spec.name,
                _describe_exit(code),
                pause_s,
            )
        if watched.restarts.early_exits > _EXITS_WITHOUT_REFUSAL:
            watched.child.spec.refuse_waiting()
        if now_s >= watched.due_s:
            self._start_again(watched, now_s)

    def _start_again(self, watched: _Watched, now_s: float) -> None:
        watched.due_s = None
        try:
            watched.start(now_s)
        # The disk may be full or a folder removed; the other children are supervised anyway.
        except (OSError, SightlineError) as error:
            watched.due_s = now_s + _LONGEST_PAUSE_S
            _log.error(
                "%s cannot be started: %s; the next attempt is in %.0f s",
                watched.child.spec.name,
                error,
                _LONGEST_PAUSE_S,
            )


def _kill_if_it_hangs(watched: _Watched, now_s: float) -> None:
    """Kill a child without a heartbeat; it then restarts as any child that ended."""
    if watched.heartbeat is None or watched.hung:
        return
    silent_s = watched.heartbeat.silent_s(now_s)
    if silent_s is None:
        return
    watched.hung = True
    CHILD_HANGS.labels(watched.child.spec.name).inc()
    _log.error("%s hangs: no heartbeat for %.0f s; it is killed", watched.child.spec.name, silent_s)
    watched.child.kill()


def _describe_exit(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def stop_on_signals() -> threading.Event:
    """Return an event that Ctrl-C and SIGTERM set.

    A second signal has no effect, because an orderly stop keeps data complete. A signal handler may
    interrupt the main thread while it holds a lock. So it acquires none, and writes to a pipe that
    a thread reads.
    """
    stop = threading.Event()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(
        target=_set_on_signal, args=(reader, stop), name="signals", daemon=True
    ).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.is_set() or os.write(writer, b"."))
    return stop


def _set_on_signal(reader: int, stop: threading.Event) -> None:
    os.read(reader, 1)
    stop.set()
