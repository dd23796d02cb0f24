"""The Unix sockets between processes of one machine: their addresses, and who may use them."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
from pathlib import Path

_SUN_PATH_BYTES = 107
_PEER = struct.Struct("3i")


def address_of(path: Path) -> str:
    """Return the address of the socket at `path`. It is the path or, if that exceeds the kernel's
    107 bytes, an abstract name derived from it.
    """
    name = str(path.absolute())
    if len(os.fsencode(name)) <= _SUN_PATH_BYTES:
        return name
    return "\0sightline-" + hashlib.sha256(os.fsencode(name)).hexdigest()


def is_ours(connection: socket.socket) -> bool:
    """Whether the peer runs as this user or root; abstract names have no file mode that protects
    them.
    """
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return _PEER.unpack(credentials)[1] in (os.getuid(), 0)


def listening(path: Path, backlog: int) -> socket.socket:
    """Return a listening socket, which does not block, at `path`. One of an earlier process is
    replaced.
    """
    address = address_of(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.setblocking(False)
    if not address.startswith("\0"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    os.fchmod(server.fileno(), 0o600)  # the mode of the path that `bind` makes
    server.bind(address)
    server.listen(backlog)
    return server
