"""The supervisor's side of the fork server."""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from domain.clock import Clock
from sightline.forking.process_control import (
    adopt_orphans,
    close_inherited,
    die_with_parent,
    thread_count,
)
from sightline.forking.request import (
    LOADED,
    MAX_BYTES,
    ForkRequest,
    encoded_environment,
)
from sightline.forking.server import serve_forks

_log = logging.getLogger(__name__)

_POLL_S = 0.05
_ANSWERS_WITHIN_S = 5.0
"""A fork takes some milliseconds, on a busy machine a fraction of a second."""
LOADS_WITHIN_S = 60.0
_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
"""OpenBLAS starts threads when numpy is imported, unless these variables allow one only."""


class ForkedProcess:
    """A process that the fork server has forked; a child of this process.

    It has the methods of `subprocess.Popen` that a supervisor uses.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended = os.pidfd_open(pid)
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
                os.close(self._ended)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        code = self.poll()
        if code is None:
            poll = select.poll()
            poll.register(self._ended, select.POLLIN)
            poll.poll(None if timeout is None else timeout * 1000)
            code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """Starts the fork server, and again after it ended. Used by one thread at a time."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """`environment` must not contain secrets, because every forked process inherits it."""
        self._modules = tuple(modules)
        self._environment = {**dict.fromkeys(_THREAD_VARIABLES, "1"), **environment}
        self._log = log
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None
        self._connection: socket.socket | None = None
        self._has_loaded = False

    @property
    def modules(self) -> Sequence[str]:
        return self._modules

    @property
    def environment(self) -> Mapping[str, str]:
        return self._environment

    def split_off(self, at_start: Callable[[], None]) -> ForkRequest | None:
        """Fork the server from this process, whose modules it shares. This process must have no
        secrets. If a library has started threads, which a fork would lose, start it as a program.

        Return None in this process, which continues. The server calls `at_start` and does not
        return, but each process that it forks returns its request. Raises OSError.
        """
        if (threads := thread_count()) > 1:
            _log.warning("the fork server has modules of its own: there are %d threads", threads)
            self.start()
            return None
        # Objects that the collector never visits stay in memory that both share.
        gc.collect()
        gc.freeze()
        theirs, supervisor = self._connect(), os.getpid()
        with theirs, self._log.open("ab") as log:
            pid = os.fork()
            if pid:
                self._process = ForkedProcess(pid)
                return None
            connection = theirs.dup()
            self._close_connection()
            at_start()
            os.setsid()
            die_with_parent(signal.SIGKILL)
            null = os.open(os.devnull, os.O_RDONLY)
            for number, descriptor in enumerate((null, log.fileno(), log.fileno())):
                os.dup2(descriptor, number)
            os.close(null)
            close_inherited()
        request = serve_forks(connection, supervisor, self._modules)
        if request is None:
            sys.exit()
        return request

    def _connect(self) -> socket.socket:
        """Connect to the next server, and return its end of the connection."""
        adopt_orphans()
        self._close_connection()
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.settimeout(_ANSWERS_WITHIN_S)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        return theirs

    def start(self) -> None:
        """Start loading the modules; other work can be done meanwhile."""
        with self._connect() as theirs, self._log.open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "sightline.forking.server", str(theirs.fileno()),
                 *self._modules),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, signal.SIGKILL),
                pass_fds=(theirs.fileno(),),
            )  # fmt: skip

    def wait_loaded(self, stop: threading.Event, clock: Clock) -> None:
        """Wait until the modules are loaded, the server has ended, or `stop` is set."""
        deadline_s = clock.monotonic_s() + LOADS_WITHIN_S
        while not self._loaded() and self._runs() and clock.monotonic_s() < deadline_s:
            if clock.wait(stop, _POLL_S):
                return

    def fork(
        self, request: ForkRequest, environment: Mapping[str, str], descriptors: Sequence[int]
    ) -> ForkedProcess | None:
        """Fork a process with `environment`, or return None if the server cannot do so at present.

        A server that has ended is started again for later requests.
        """
        if not self._runs():
            _log.warning("the fork server has ended and is started again; %s", self._last_words())
            self.start()
            return None
        if not self._loaded():
            return None
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as pipe:
            try:
                process = self._request(request, (reader, *descriptors))
            finally:
                os.close(reader)
            if process is not None:
                pipe.write(encoded_environment(environment))
        return process

    def stop(self) -> None:
        """Stop the server; the processes that it forked continue."""
        self._kill()
        self._close_connection()

    def _request(self, request: ForkRequest, descriptors: Sequence[int]) -> ForkedProcess | None:
        assert self._connection is not None
        try:
            socket.send_fds(self._connection, [request.encoded()], descriptors)
            return ForkedProcess(int(self._connection.recv(MAX_BYTES)))
        # A server that does not answer is replaced, as one that has ended.
        except (OSError, ValueError) as error:
            _log.warning("the fork server does not answer (%s) and is started again", error)
            self._kill()
            self.start()
            return None

    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _loaded(self) -> bool:
        if not self._has_loaded and self._connection is not None:
            poll = select.poll()
            poll.register(self._connection, select.POLLIN)
            if poll.poll(0):
                self._has_loaded = self._connection.recv(MAX_BYTES) == LOADED
        return self._has_loaded

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else "its log is empty"

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _close_connection(self) -> None:
        self._has_loaded = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None
