"""The SHA-256 of recordings that requests ask for. All of a file is read for it."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from domain.errors import StoreError
from storage.recordings.file_reader import Chunk

MOST_KNOWN = 1000
"""The files of which a process remembers the SHA-256, by their ETags."""
MOST_REQUESTS = 4
"""The requests that compute a digest or wait for it. They use half of the threads of recordings, so
requests without a digest are not delayed by them.
"""


class RecordingDigests:
    """Computes one digest at a time, and remembers the last ones. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._requests = 0
        self._computing = threading.Lock()

    def sha256(self, etag: str, content: Generator[Chunk]) -> bytes:
        """Return the SHA-256 of the file with an ETag, whose bytes are `content`.

        They are read unless the digest is known; `content` is closed in each case. Raises what it
        raises, and StoreError if too many requests wait.
        """
        with closing(content):
            known = self._get(etag)
            if known is not None:
                return known
            with self._counted(), self._computing:
                return self._get(etag) or self._compute(etag, content)

    def _get(self, etag: str) -> bytes | None:
        with self._lock:
            known = self._known.get(etag)
            if known is not None:
                self._known.move_to_end(etag)
            return known

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            if self._requests >= MOST_REQUESTS:
                raise StoreError(
                    "{most} requests wait for the SHA-256 of recordings here already; try again "
                    "in a moment, or request the recording without it",
                    most=MOST_REQUESTS,
                )
            self._requests += 1
        try:
            yield
        finally:
            with self._lock:
                self._requests -= 1

    def _compute(self, etag: str, content: Generator[Chunk]) -> bytes:
        digest = hashlib.sha256()
        for chunk in content:
            digest.update(chunk)
        with self._lock:
            self._known[etag] = digest.digest()
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return digest.digest()
