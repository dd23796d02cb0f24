"""One child process: start, readiness and stop. It never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from domain.clock import Clock
from domain.errors import SightlineError
from sightline.forking.client import ForkedProcess, ForkServer
from sightline.forking.process_control import die_with_parent
from sightline.forking.request import ForkRequest
from sightline.forking.served_sockets import naming
from sightline.processes.environment import SYSTEM, Allowed
from sightline.processes.message_pipe import MessagePipe

_POLL_S = 0.05
LOG_LIMIT_BYTES = 16 << 20
LOG_KEPT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How a child process is run."""

    name: str
    arguments: tuple[str, ...]
    log: Path
    ready: Callable[[], bool] = lambda: True
    """Returns whether the child serves."""
    prepare: Callable[[], None] = lambda: None
    """It runs before each start."""
    cleanup: Callable[[], None] = lambda: None
    """It runs after the child was stopped."""
    is_wanted: Callable[[], bool] = lambda: True
    """Returns whether the child is needed. Its first start waits for that."""
    ends_when_idle: bool = False
    """Whether an end with exit code 0 says that the child is not needed. Its next start waits until
    it is wanted.
    """
    refuse_waiting: Callable[[], None] = lambda: None
    """Ends what waits for the child. It runs while a child that ended early more than once waits
    for its restart.
    """
    parent_death_signal: signal.Signals = signal.SIGTERM
    """The kernel sends it to the child when the parent dies."""
    allowed: Allowed = SYSTEM
    """The variables that the child gets from the parent's environment."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Additional variables."""
    cwd: Path | None = None
    is_forkable: bool = False
    """Whether the fork server may run it: its command is `python -m MODULE ARGUMENTS…`."""
    sockets: tuple[int, ...] = ()
    """The descriptors of sockets that the child serves, and that stay open when it ends."""
    messages: MessagePipe | None = None
    """The standard input of the child, for what no other process may read."""
    heartbeat: Path | None = None
    """A file that the child touches about once a second. A child that stops doing so is killed."""
    stop_turn: int = 0
    """At a stop, the children of a group end by this number, the highest first."""
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 15.0


class Child:
    """A child process, which may be started repeatedly."""

    def __init__(
        self,
        spec: ChildSpec,
        clock: Clock,
        held: Sequence[int] = (),
        fork_server: ForkServer | None = None,
    ) -> None:
        """`held` are file descriptors that the child inherits."""
        self.spec = spec
        self._held = tuple(held)
        self._clock = clock
        self._fork_server = fork_server
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process. Raises OSError where it cannot be started."""
        self.spec.prepare()
        self.spec.log.parent.mkdir(parents=True, exist_ok=True)
        with self.spec.log.open("ab") as log, _standard_input(self.spec.messages) as stdin:
            self._process = self._forked(stdin, log.fileno()) or self._executed(stdin, log.fileno())

    def _environment(self) -> dict[str, str]:
        return {**self.spec.allowed.select(os.environ), **self.spec.env}

    def _forked(self, stdin: int, log: int) -> ForkedProcess | None:
        """Fork the process, or return None where it must be started as a program of its own."""
        if self._fork_server is None or not self.spec.is_forkable:
            return None
        _python, _option, module, *arguments = self.spec.arguments
        request = ForkRequest(module, tuple(arguments), self.spec.parent_death_signal)
        descriptors = (stdin, log, log, *self.spec.sockets, *self._held)
        return self._fork_server.fork(request, self._environment(), descriptors)

    def _executed(self, stdin: int, log: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.spec.arguments,
            stdin=stdin,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self._environment() | naming(self.spec.sockets),
            cwd=self.spec.cwd,
            # Ctrl-C reaches only the parent, which stops its children in order.
            start_new_session=True,
            preexec_fn=partial(die_with_parent, self.spec.parent_death_signal),
            pass_fds=(*self.spec.sockets, *self._held),
        )

    def wait_ready(self, stop: threading.Event | None = None) -> None:
        """Wait until the child serves or `stop` is set.

        Raises SightlineError with the end of its log, where it ends or does not serve in time.
        """
        stop = stop or threading.Event()
        deadline_s = self._clock.monotonic_s() + self.spec.start_timeout_s
        while not self.spec.ready():
            if self.exit_code() is not None:
                raise SightlineError(
                    "{spec} ended with {exit_code} while starting:\n{log_tail}",
                    spec=self.spec.name,
                    exit_code=self.exit_code(),
                    log_tail=self.log_tail(),
                )
            if self._clock.monotonic_s() > deadline_s:
                raise SightlineError(
                    "{spec} does not answer after {start_timeout_s} s:\n{log_tail}",
                    spec=self.spec.name,
                    start_timeout_s=round(self.spec.start_timeout_s),
                    log_tail=self.log_tail(),
                )
            if self._clock.wait(stop, _POLL_S):
                return

    def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs or before a start."""
        return self._process.poll() if self._process else None

    def terminate(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def join(self) -> None:
        """Wait for its end after `terminate`, and kill it after `stop_timeout_s`."""
        if self._process is None:
            return
        try:
            self._process.wait(self.spec.stop_timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self.spec.messages is not None:
            self.spec.messages.close()
        self.spec.cleanup()

    def stop(self) -> None:
        self.terminate()
        self.join()

    def bound_log(self) -> None:
        """Truncate a large log after its end is copied to `.log.1`.

        The child appends to the log, so it is not affected.
        """
        if self.spec.log.exists() and self.spec.log.stat().st_size > LOG_LIMIT_BYTES:
            self.spec.log.with_suffix(".log.1").write_bytes(_end_of(self.spec.log, LOG_KEPT_BYTES))
            os.truncate(self.spec.log, 0)

    def log_tail(self, size_bytes: int = 2000) -> str:
        try:
            return _end_of(self.spec.log, size_bytes).decode("utf-8", "replace")
        except OSError as error:
            return f"(its log cannot be read: {error})"


@contextmanager
def _standard_input(messages: MessagePipe | None) -> Iterator[int]:
    """Yield the descriptor that becomes the standard input of a child."""
    reader = os.open(os.devnull, os.O_RDONLY) if messages is None else messages.open()
    try:
        yield reader
    finally:
        os.close(reader)


def _end_of(file: Path, size_bytes: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - size_bytes))
        return opened.read()
