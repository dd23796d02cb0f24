"""Reads chunks ahead of their sending, in bounded memory, where each waits for a network."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator

from storage.recordings.file_reader import Chunk

MOST_BYTES = 4 << 20
"""The most bytes of a response that wait to be sent, unless they are one chunk."""


def read_ahead(chunks: Generator[Chunk], most_bytes: int = MOST_BYTES) -> Generator[Chunk]:
    """Yield `chunks`, which a thread of its own reads while earlier ones are sent.

    It raises what `chunks` raises, after the chunks before. The thread has ended and `chunks` is
    closed when it ends: if it is closed early, it waits for the present read, for which the source
    has a time limit.
    """
    buffer = _Buffer(most_bytes)
    reading = threading.Thread(target=_fill, args=(chunks, buffer), name="read-ahead", daemon=True)
    reading.start()
    try:
        while (chunk := buffer.take()) is not None:
            yield chunk
    finally:
        buffer.close()
        reading.join()


def _fill(chunks: Generator[Chunk], buffer: _Buffer) -> None:
    try:
        for chunk in chunks:
            if not buffer.put(chunk):
                return
        buffer.end(None)
    except Exception as error:  # noqa: BLE001 - it is raised where the chunks are used
        buffer.end(error)
    finally:
        chunks.close()


class _Buffer:
    """Chunks between the thread that reads them and the one that sends them."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._chunks: deque[Chunk] = deque()
        self._size_bytes = 0
        self._is_ended = self._is_closed = False
        self._error: Exception | None = None

    def put(self, chunk: Chunk) -> bool:
        """Add a chunk when there is room for it; return False if no further one is used."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._has_room(len(chunk)))
            if self._is_closed:
                return False
            self._chunks.append(chunk)
            self._size_bytes += len(chunk)
            self._changed.notify_all()
            return True

    def end(self, error: Exception | None) -> None:
        """Note that no chunk follows, or the error after the last one."""
        with self._changed:
            self._is_ended, self._error = True, error
            self._changed.notify_all()

    def take(self) -> Chunk | None:
        """Return the next chunk, or None after the last one. Raises the error that follows."""
        with self._changed:
            self._changed.wait_for(lambda: self._chunks or self._is_ended)
            if self._chunks:
                chunk = self._chunks.popleft()
                self._size_bytes -= len(chunk)
                self._changed.notify_all()
                return chunk
            if self._error is not None:
                raise self._error
            return None

    def close(self) -> None:
        """Let the thread that reads end."""
        with self._changed:
            self._is_closed = True
            self._chunks.clear()
            self._changed.notify_all()

    def _has_room(self, size_bytes: int) -> bool:
        return not self._chunks or self._size_bytes + size_bytes <= self._most_bytes
