"""One child process: how it is started, when it is ready, how it is stopped. It never outlives
its parent.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from domain.clock import Clock
from domain.errors import SightlineError
from sightline.processes.environment import SYSTEM, Allowed

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_POLL_S = 0.05
LOG_LIMIT_BYTES = 16 << 20
LOG_KEPT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """`ready` answers whether the child serves; `allowed` says which variables of the parent's
    environment the child gets, and `env` is added to them; `prepare` runs before each start,
    `cleanup` after it was stopped.

    `parting` is the signal that the kernel sends it when the parent dies. `beat` is a file that the
    child touches every second or so while all is well with it: one that does not for long hangs,
    and is killed.
    """

    name: str
    arguments: tuple[str, ...]
    log: Path
    ready: Callable[[], bool] = lambda: True
    prepare: Callable[[], None] = lambda: None
    cleanup: Callable[[], None] = lambda: None
    parting: signal.Signals = signal.SIGTERM
    allowed: Allowed = SYSTEM
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    beat: Path | None = None
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 15.0


class Child:
    def __init__(self, spec: ChildSpec, clock: Clock, held: Sequence[int] = ()) -> None:
        """`held`: file descriptors that it keeps open as long as it lives."""
        self.spec = spec
        self._held = tuple(held)
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Raises OSError where it cannot be started."""
        self.spec.prepare()
        self.spec.log.parent.mkdir(parents=True, exist_ok=True)
        with self.spec.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.spec.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self.spec.allowed.of(os.environ), **self.spec.env},
                cwd=self.spec.cwd,
                # Ctrl-C reaches the parent alone, which stops the children in order
                start_new_session=True,
                preexec_fn=partial(_die_with_parent, self.spec.parting),
                pass_fds=self._held,
            )

    def wait_ready(self, stop: threading.Event | None = None) -> None:
        """Return once the child serves, or `stop` is set. Raises SightlineError, with the end
        of its log, where it ends or never does.
        """
        stop = stop or threading.Event()
        deadline_s = self._clock.monotonic_s() + self.spec.start_timeout_s
        while not self.spec.ready():
            if self.exit_code() is not None:
                raise SightlineError(
                    f"{self.spec.name} ended with {self.exit_code()} while "
                    f"starting:\n{self.log_tail()}"
                )
            if self._clock.monotonic_s() > deadline_s:
                raise SightlineError(
                    f"{self.spec.name} does not answer after {self.spec.start_timeout_s:.0f} "
                    f"s:\n{self.log_tail()}"
                )
            if self._clock.wait(stop, _POLL_S):
                return

    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal); None while it runs or before it was started."""
        return self._process.poll() if self._process else None

    def terminate(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def join(self) -> None:
        """Wait for its end after `terminate`; killed when it takes longer than `stop_timeout_s`."""
        if self._process is None:
            return
        try:
            self._process.wait(self.spec.stop_timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.spec.cleanup()

    def stop(self) -> None:
        self.terminate()
        self.join()

    def bound_log(self) -> None:
        """Keep the log's end beside it and begin anew once it has grown; the child writes by
        appending, so it notices nothing.
        """
        if self.spec.log.exists() and self.spec.log.stat().st_size > LOG_LIMIT_BYTES:
            self.spec.log.with_suffix(".log.1").write_bytes(_end_of(self.spec.log, LOG_KEPT_BYTES))
            os.truncate(self.spec.log, 0)

    def log_tail(self, size_bytes: int = 2000) -> str:
        try:
            return _end_of(self.spec.log, size_bytes).decode("utf-8", "replace")
        except OSError as error:
            return f"(its log cannot be read: {error})"


def _end_of(file: Path, size_bytes: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - size_bytes))
        return opened.read()


def _die_with_parent(parting: signal.Signals) -> None:
    """In the child, before it runs: ask the kernel for a signal when the parent dies, so that
    nothing is left behind.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, parting)
