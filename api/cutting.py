"""Recordings cut on demand at the node: a bounded number at once, each a file without a name once it is open, gone when it is closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from domain.clock import NS_PER_MS, NS_PER_S, rfc3339
from domain.errors import NotFound, StoreError
from storage.clips import Cut, cut
from storage.ledger import Ledger, Segment

MOST_AT_ONCE = 2
WAIT_FOR_TURN_S = 5.0
CHUNK_BYTES = 256 << 10
_NEAR_NS = (3_600 * NS_PER_S, 86_400 * NS_PER_S)
"""How far around an empty range to look for what is nearest."""


class CutStream:
    """A finished cut: its bytes in chunks, and the headers that tell of it. Close it, or its turn is never given back."""

    def __init__(self, file: BinaryIO, made: Cut, give_back: threading.Semaphore) -> None:
        self._file = file
        self._turn: threading.Semaphore | None = give_back
        self.headers = {
            "Content-Length": str(made.size_bytes),
            "ETag": f'"{made.sha256}"',
            "Sightline-Start": rfc3339(made.start_ns),
            "Sightline-End": rfc3339(made.end_ns),
            "Sightline-Gaps": gaps_header(made.gaps_ms),
            "Sightline-Apart": gaps_header(made.apart_ms),
        }

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk

    def close(self) -> None:
        self._file.close()
        turn, self._turn = self._turn, None
        if turn is not None:
            turn.release()


def gaps_header(gaps_ms: tuple[tuple[int, int], ...]) -> str:
    """`2026-…Z/2026-…Z, …`: ranges, or `none`."""
    return ", ".join(f"{rfc3339(start * NS_PER_MS)}/{rfc3339(end * NS_PER_MS)}" for start, end in gaps_ms) or "none"


class Cutting:
    """Cuts for this node; thread-safe. A cut of an hour takes as much disk as the hour did, so few are made at once."""

    def __init__(self, ledger: Ledger, scratch: Path) -> None:
        self._ledger = ledger
        self._scratch = scratch
        self._turns = threading.BoundedSemaphore(MOST_AT_ONCE)
        scratch.mkdir(parents=True, exist_ok=True)
        for left_over in scratch.glob("*.mp4"):  # by a process that was killed while it cut
            left_over.unlink()

    def cut(self, camera_id: str, from_ns: int, to_ns: int) -> CutStream:
        """Raises NotFound saying what is nearest, StoreError where too many are being cut."""
        segments = self._ledger.segments(camera_id, from_ns, to_ns)
        if not self._turns.acquire(timeout=WAIT_FOR_TURN_S):
            raise StoreError(f"{MOST_AT_ONCE} recordings are being cut on this node already; try again in a moment")
        try:
            return self._cut(segments, from_ns, to_ns)
        except NotFound as error:
            self._turns.release()
            raise NotFound(f"{error}; {self._nearest(camera_id, from_ns, to_ns)}") from error
        except BaseException:
            self._turns.release()
            raise

    def _cut(self, segments: tuple[Segment, ...], from_ns: int, to_ns: int) -> CutStream:
        path = self._scratch / f"{uuid4().hex}.mp4"
        try:
            made = cut(segments, from_ns, to_ns, path)
            return CutStream(path.open("rb"), made, self._turns)
        finally:
            path.unlink(missing_ok=True)

    def _nearest(self, camera_id: str, from_ns: int, to_ns: int) -> str:
        for around_ns in _NEAR_NS:
            found = self._ledger.segments(camera_id, max(0, from_ns - around_ns), to_ns + around_ns)
            # An open segment's end is not known by its name; it lasts at least to its start.
            before = max((s.end_ns or s.start_ns for s in found if s.start_ns < from_ns), default=None)
            after = min((s.start_ns for s in found if s.start_ns >= from_ns), default=None)
            if before is not None or after is not None:
                ends = "" if before is None else f" what comes before ends at {rfc3339(before)}"
                begins = "" if after is None else f" what comes after begins at {rfc3339(after)}"
                return " and".join(part for part in (ends, begins) if part).strip()
        return "nor is anything within a day of it"
