"""Sends messages to a child process through its standard input, so that no file contains them.

The child needs only the newest message. A child that is started again receives it first.
"""

from __future__ import annotations

import os
import threading

_READ_BYTES = 64 << 10
_END = b"\n"
_STANDARD_INPUT = 0


class MessagePipe:
    """The parent's side. A message is a line. Thread-safe, and no call waits for the child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writer: int | None = None
        self._newest = b""
        self._is_sent = True
        self._unsent = b""
        """The rest of a message that the child has received in part."""

    def open(self) -> int:
        """Open a pipe for the next child process, and return the end that the child reads.

        The caller closes it after the child has inherited it.
        """
        with self._lock:
            self._close()
            reader, self._writer = os.pipe()
            os.set_blocking(self._writer, False)
            self._unsent, self._is_sent = b"", not self._newest
            self._write()
        return reader

    def send(self, message: bytes) -> None:
        """Send a message if it differs from the last one, and what the pipe had no room for."""
        with self._lock:
            line = message + _END
            if line != self._newest:
                self._newest, self._is_sent = line, False
            self._write()

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def _write(self) -> None:
        while self._writer is not None and not (self._is_sent and not self._unsent):
            if not self._unsent:
                self._unsent, self._is_sent = self._newest, True
            try:
                self._unsent = self._unsent[os.write(self._writer, self._unsent) :]
            except BlockingIOError:
                return  # the child does not read at the moment; the next call continues
            except BrokenPipeError:
                self._close()  # the child has ended; the next one gets a pipe of its own


class MessageReader:
    """The child's side: it reads the messages from a descriptor without waiting."""

    def __init__(self, descriptor: int = _STANDARD_INPUT) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._buffer = b""

    def newest(self) -> bytes | None:
        """Return the newest complete message that arrived since the last call, otherwise None."""
        while True:
            try:
                received = os.read(self._descriptor, _READ_BYTES)
            except BlockingIOError:
                break
            if not received:
                break
            self._buffer += received
        complete, end, self._buffer = self._buffer.rpartition(_END)
        return complete.rpartition(_END)[2] if end else None
