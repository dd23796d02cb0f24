"""Servers of an attacker: they store what they receive, and answer with fixed bytes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Listener:
    """A server on loopback."""

    def __init__(self, answer: bytes, address: str, times: int) -> None:
        self.answer = answer
        self.received = b""
        self.connections = 0
        self._times = times
        self._server = socket.create_server((address, 0))
        self.port = int(self._server.getsockname()[1])
        self.url = f"http://{address}:{self.port}/"
        self._thread = threading.Thread(target=self._serve, name="listener")
        self._thread.start()

    def _serve(self) -> None:
        for _ in range(self._times):
            with suppress(OSError):  # The client or the test has ended the connection.
                connection, _ = self._server.accept()
                self.connections += 1
                with connection:
                    self.received += connection.recv(1 << 16)
                    connection.sendall(self.answer)
            if self._server.fileno() < 0:
                return

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


@contextmanager
def listening(answer: bytes = OK, address: str = "127.0.0.1", times: int = 1) -> Iterator[Listener]:
    """Run a server for `times` connections."""
    listener = Listener(answer, address, times)
    try:
        yield listener
    finally:
        listener.close()
