"""The fork server: a process that loads Sightline's modules once, and forks other processes.

The supervisor forks it from itself. After an end it is started as `python -m
sightline.forking.server DESCRIPTOR MODULE…`. It has no secrets, no threads and no connections
besides the socket to the supervisor, because every process that it forks would inherit them.
"""

from __future__ import annotations

import array
import gc
import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence

from setproctitle import setproctitle

from domain.metrics import forget_process
from sightline.forking.preloading import load
from sightline.forking.process_control import die_with_parent, thread_count
from sightline.forking.request import (
    LOADED,
    MAX_BYTES,
    MAX_DESCRIPTORS,
    STANDARD_DESCRIPTORS,
    ForkRequest,
    decoded_environment,
)
from sightline.forking.served_sockets import naming


def main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    request = serve_forks(connection, os.getppid(), sys.argv[2:])
    if request is not None:
        importlib.import_module(request.module).main()


def serve_forks(
    connection: socket.socket, supervisor: int, modules: Sequence[str]
) -> ForkRequest | None:
    """Load modules and fork processes until the supervisor ends, which then returns None.

    Each new process returns its request.
    """
    # The library finds the memory of the command line now, before variables are replaced.
    setproctitle("python -m sightline.forking.server")
    load(modules)
    _check_single_thread()
    forget_process(os.getpid())
    # Objects that the collector never visits stay in memory that all processes share.
    gc.collect()
    gc.freeze()
    connection.sendall(LOADED)
    return _serve(connection, supervisor)


def _check_single_thread() -> None:
    """End this process if a library has started threads, because a fork would lose them."""
    threads = thread_count()
    if threads > 1:
        sys.exit(f"the fork server has {threads} threads after loading modules; it cannot fork")


def _serve(connection: socket.socket, supervisor: int) -> ForkRequest | None:
    """Fork a process for each request. Return its request in the new process; None at the end."""
    while True:
        message, ancillary, _, _ = connection.recvmsg(
            MAX_BYTES, socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)
        )
        descriptors = _descriptors(ancillary)
        if not message:
            return None
        request = ForkRequest.decoded(message)
        pid = _fork_grandchild()
        if pid == 0:
            connection.close()
            _become(request, descriptors, supervisor)
            return request
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(str(pid).encode())


def _descriptors(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    received = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received.frombytes(data)
    return received.tolist()


def _fork_grandchild() -> int:
    """Fork a process whose parent is the supervisor, and return its id; 0 in the new process.

    The process between them ends at once, and the kernel gives its child to the supervisor, which
    has asked for orphans (PR_SET_CHILD_SUBREAPER).
    """
    reader, writer = os.pipe()
    between = os.fork()
    if between == 0:
        between = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            os.close(writer)
            _wait_for_end(between)
            return 0
        os.write(writer, str(pid).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(between, 0)
    with os.fdopen(reader, "rb") as answer:
        return int(answer.read())


def _wait_for_end(pid: int) -> None:
    """Wait until a process has ended, after which its children have another parent."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll()
    os.close(descriptor)


def _become(request: ForkRequest, descriptors: list[int], supervisor: int) -> None:
    """Turn this process into the requested one. Further descriptors stay open."""
    environment, *inherited = descriptors
    die_with_parent(signal.Signals(request.death_signal))
    if os.getppid() != supervisor:
        os._exit(0)
    with os.fdopen(environment, "rb") as pipe:
        variables = pipe.read()
    # The supervisor sends nothing if it has started the process another way in the meantime.
    if not variables:
        os._exit(0)
    os.setsid()
    for number, descriptor in enumerate(inherited[:STANDARD_DESCRIPTORS]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(decoded_environment(variables) | naming(inherited[STANDARD_DESCRIPTORS:]))
    sys.argv = [request.module, *request.arguments]
    # A name of a file may have bytes that are not UTF-8, which the library does not accept.
    title = " ".join(("python -m", *sys.argv))
    setproctitle(os.fsencode(title).decode("utf-8", "replace"))


if __name__ == "__main__":
    main()
