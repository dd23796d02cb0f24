"""The kernel's receive queue of a TCP connection, which holds what arrives between two reads."""

from __future__ import annotations

import socket

MOST_WAITING_BYTES = 640 << 10
"""The most that may wait between two reads: a second of 5 Mbit/s. It is memory of the kernel, which
adds up over all cameras of a node.
"""
_MOST_UNSCALED_BYTES = 48 << 10
"""The same without window scaling (RFC 7323, 2): the camera then sends at most 64 KiB ahead."""
_OPTIONS_AT, _HAS_WINDOW_SCALING = 5, 4
"""The byte of the options in `struct tcp_info`, and the bit of window scaling in it."""


def most_waiting_bytes(connection: socket.socket) -> int:
    """Return how many bytes of a connected camera may wait between two reads."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _OPTIONS_AT + 1)
    return MOST_WAITING_BYTES if info[_OPTIONS_AT] & _HAS_WINDOW_SCALING else _MOST_UNSCALED_BYTES


def enlarge(connection: socket.socket, size_bytes: int) -> None:
    """Let the queue hold at least `size_bytes`, within the kernel's limit (half of `tcp_rmem`).

    The kernel enlarges a queue for the low-water mark of a read, and does not shrink it when the
    mark is reset. Otherwise it would grow only with the size of the reads, and a camera that fills
    it must wait. `SO_RCVBUF` has a lower limit, and would end the growth.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size_bytes)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
