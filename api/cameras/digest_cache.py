"""The SHA-256 of recordings that requests ask for. All of a file is read for it."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from domain.errors import Cancelled, RateLimited, StoreError
from domain.metrics import REQUESTS_LIMITED
from storage.recordings.file_reader import Chunk

MOST_KNOWN = 1000
"""The files of which a process remembers the SHA-256, by their ETags."""
MOST_REQUESTS = 4
"""The requests that compute a digest or wait for it. They use half of the threads of recordings, so
requests without a digest are not delayed by them.
"""
RETRY_AFTER_S = 2.0


@dataclass(frozen=True, eq=False)
class DigestRequest:
    """A request for the digest of the file with an ETag."""

    etag: str
    person: str
    disconnected: Future[None] = field(default_factory=Future)
    """Complete once the client has disconnected."""

    @property
    def is_open(self) -> bool:
        return not self.disconnected.done()


class RecordingDigests:
    """Computes one digest at a time, as long as a client waits for it, and remembers the last ones.
    Thread-safe.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._requests: list[DigestRequest] = []
        self._is_computing = False

    def sha256(self, request: DigestRequest, content: Generator[Chunk]) -> bytes:
        """Return the SHA-256 of the requested file, whose bytes are `content`.

        They are read unless the digest is known; `content` is closed in each case. Raises what it
        raises, RateLimited if the person has another request, StoreError if too many requests
        wait, and Cancelled if the client has disconnected and no other one waits for this file.
        """
        with closing(content):
            known = self._get(request.etag)
            if known is not None:
                return known
            with self._listed(request):
                known = self._known_at_turn(request)
                return self._compute(request.etag, content) if known is None else known

    def _get(self, etag: str) -> bytes | None:
        with self._changed:
            known = self._known.get(etag)
            if known is not None:
                self._known.move_to_end(etag)
            return known

    @contextmanager
    def _listed(self, request: DigestRequest) -> Iterator[None]:
        with self._changed:
            self._check_room(request.person)
            self._requests.append(request)
        request.disconnected.add_done_callback(self._wake)
        try:
            yield
        finally:
            with self._changed:
                self._requests.remove(request)

    def _check_room(self, person: str) -> None:
        waiting = [one for one in self._requests if one.is_open]
        if any(one.person == person for one in waiting):
            REQUESTS_LIMITED.labels("digests").inc()
            raise RateLimited(
                "{person} waits for the SHA-256 of a recording here already; wait for it, or "
                "request the recording without it",
                retry_after_s=RETRY_AFTER_S,
                person=person,
            )
        if len(waiting) >= MOST_REQUESTS:
            raise StoreError(
                "{most} requests wait for the SHA-256 of recordings here already; try again "
                "in a moment, or request the recording without it",
                most=MOST_REQUESTS,
            )

    def _wake(self, _: Future[None]) -> None:
        with self._changed:
            self._changed.notify_all()

    def _known_at_turn(self, request: DigestRequest) -> bytes | None:
        """Return the digest once it is known, and None when this thread has to compute it.

        Raises Cancelled once the client has disconnected.
        """
        with self._changed:
            while request.is_open:
                known = self._get(request.etag)
                if known is not None:
                    return known
                if not self._is_computing:
                    self._is_computing = True
                    return None
                self._changed.wait()
        raise _cancelled()

    def _compute(self, etag: str, content: Generator[Chunk]) -> bytes:
        try:
            digest = hashlib.sha256()
            for chunk in content:
                if not self._is_awaited(etag):
                    raise _cancelled()
                digest.update(chunk)
            with self._changed:
                self._known[etag] = digest.digest()
                if len(self._known) > MOST_KNOWN:
                    self._known.popitem(last=False)
            return digest.digest()
        finally:
            with self._changed:
                self._is_computing = False
                self._changed.notify_all()

    def _is_awaited(self, etag: str) -> bool:
        with self._changed:
            return any(one.etag == etag and one.is_open for one in self._requests)


def _cancelled() -> Cancelled:
    return Cancelled("no client waits for the SHA-256 of this recording any more")
