"""Reads chunks ahead of their sending, in bounded memory, where each waits for a network."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator

from api.limits.byte_budget import ByteBudget
from storage.recordings.file_reader import Chunk

MOST_BYTES = 4 << 20
"""The most bytes of a response that wait to be sent, unless they are one chunk."""


def read_ahead(
    chunks: Generator[Chunk], budget: ByteBudget, most_bytes: int = MOST_BYTES
) -> Generator[Chunk]:
    """Yield `chunks`, which a thread of its own reads while earlier ones are sent. Those that wait
    use the budget; without it, one waits.

    It raises what `chunks` raises, after the chunks before. The thread has ended and `chunks` is
    closed when it ends: if it is closed early, it waits for the present read, for which the source
    has a time limit.
    """
    buffer = _Buffer(budget, most_bytes)
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

    def __init__(self, budget: ByteBudget, most_bytes: int) -> None:
        self._budget = budget
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._chunks: deque[Chunk] = deque()
        """All but the first use the budget."""
        self._size_bytes = 0
        self._is_ended = self._is_closed = False
        self._error: Exception | None = None

    def put(self, chunk: Chunk) -> bool:
        """Add a chunk when there is room for it; return False if no further one is used."""
        with self._changed:
            while not (self._is_closed or self._is_accepted(len(chunk))):
                self._changed.wait()
            if self._is_closed:
                return False
            self._chunks.append(chunk)
            self._size_bytes += len(chunk)
            self._changed.notify_all()
            return True

    def _is_accepted(self, size_bytes: int) -> bool:
        """Return whether there is room for a chunk, for which the budget is then used."""
        if not self._chunks:
            return True
        is_small = self._size_bytes + size_bytes <= self._most_bytes
        return is_small and self._budget.take_all(size_bytes)

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
                self._budget.give(len(self._chunks[0]) if self._chunks else 0)
                self._changed.notify_all()
                return chunk
            if self._error is not None:
                raise self._error
            return None

    def close(self) -> None:
        """Let the thread that reads end."""
        with self._changed:
            self._is_closed = True
            if self._chunks:
                self._budget.give(self._size_bytes - len(self._chunks[0]))
            self._chunks.clear()
            self._changed.notify_all()
