"""The Unix sockets between processes of one machine: their addresses, and who may use them."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SUN_PATH_BYTES = 107
_PEER = struct.Struct("3i")


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """Yield the address of the socket at `path`, which can be used up to the end of the context.

    If the path exceeds the kernel's 107 bytes, the address leads to its folder by an open
    descriptor. So every socket is in a folder, whose rights and its own mode protect it. An
    abstract name has no rights. Raises OSError if the folder of a long path cannot be opened.
    """
    name = path.absolute()
    if len(os.fsencode(name)) <= _SUN_PATH_BYTES:
        yield str(name)
        return
    folder = os.open(name.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{name.name}"
    finally:
        os.close(folder)


def is_ours(connection: socket.socket) -> bool:
    """Return whether the peer runs as this user or root. The mode of the path permits no other peer
    either, unless it was changed.
    """
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return _PEER.unpack(credentials)[1] in (os.getuid(), 0)


def listening(path: Path, backlog: int) -> socket.socket:
    """Return a listening socket, which does not block, at `path`. One of an earlier process is
    replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.setblocking(False)
    os.fchmod(server.fileno(), 0o600)  # the mode of the path that `bind` makes
    with address_of(path) as address:
        server.bind(address)
    server.listen(backlog)
    return server


async def start_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    listener: socket.socket,
) -> asyncio.Server:
    """Serve the connections of `listener`, whose path stays on the disk when the server closes.
    From Python 3.13 on, asyncio would remove it.
    """
    if sys.version_info >= (3, 13):
        return await asyncio.start_unix_server(serve, sock=listener, cleanup_socket=False)
    return await asyncio.start_unix_server(serve, sock=listener)
