"""Sockets that the supervisor opens for a child process, and keeps when that ends.

The child learns from a variable which descriptors it has besides the standard ones.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

_VARIABLE = "INHERITED_DESCRIPTORS"


@dataclass(frozen=True, slots=True)
class ServedSockets:
    """A listening socket, whose first connection starts the process, and the others."""

    listener: socket.socket
    others: tuple[socket.socket, ...] = ()

    @property
    def descriptors(self) -> tuple[int, ...]:
        return tuple(one.fileno() for one in (self.listener, *self.others))

    def has_connection(self) -> bool:
        """Return whether a connection waits for a process."""
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        return bool(poll.poll(0))

    def refuse_waiting(self) -> None:
        """Close the connections that wait for a process, which does not start."""
        while self.has_connection():
            with suppress(BlockingIOError):  # The process accepted it meanwhile.
                connection, _ = self.listener.accept()
                connection.close()


def naming(descriptors: Sequence[int]) -> dict[str, str]:
    """Return the variable that tells a child the numbers of its descriptors; none without any."""
    return {_VARIABLE: ",".join(map(str, descriptors))} if descriptors else {}


def inherited() -> list[int]:
    """Return the numbers in the order in which the parent gave them."""
    return [int(number) for number in os.environ.get(_VARIABLE, "").split(",") if number]
