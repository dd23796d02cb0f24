"""Recordings cut on demand: few at once, of bounded size, each a file without a name once it is
open, gone when it is closed.

A cut has a turn only while it is made. While it is sent, which takes as long as its reader does, it
is one of the open files, whose number and size have bounds of their own.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from uuid import uuid4

from api.requests.byte_ranges import ByteRange
from domain.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MS, rfc3339
from domain.errors import BadInput, NotFound, StoreError
from storage.recordings.clips import Cut, cut
from storage.recordings.ledger import Segment
from storage.recordings.recorded_ranges import holds_pictures

MAX_RUNNING = 2
MOST_OPEN = 16
MOST_BYTES = 4 << 30
"""Of the segments of one cut: what it takes of the disk, once where they lie here, twice where
they are gathered.
"""
MOST_OPEN_BYTES = 4 * MOST_BYTES
"""Of the segments of all cuts that are being made or sent."""
_GATHERED = "gathered-"
WAIT_FOR_TURN_S = 5.0
CHUNK_BYTES = 256 << 10
_NEAR_NS = (NS_PER_HOUR, NS_PER_DAY)
"""How far around an empty range to look for what is nearest."""


Find = Callable[[int, int], Sequence[Segment]]
"""The segments of a camera within a range."""


@dataclass(frozen=True, slots=True)
class RemoteSegment:
    """A segment that lies elsewhere, and how its bytes are had."""

    segment: Segment
    size_bytes: int
    fetch: Callable[[], bytes]


class CutStream:
    """A finished cut: its bytes in chunks, and the headers that tell of it. Close it, or its
    place is never given back.
    """

    def __init__(self, file: BinaryIO, made: Cut, give_back: Callable[[], None]) -> None:
        self._file = file
        self._left_bytes = self.size_bytes = made.size_bytes
        self.etag = f'"{made.sha256}"'
        self._give_back: Callable[[], None] | None = give_back
        self.headers = {
            "ETag": self.etag,
            "Accept-Ranges": "bytes",
            "Sightline-Start": rfc3339(made.start_ns),
            "Sightline-End": rfc3339(made.end_ns),
            "Sightline-Gaps": gaps_header(made.gaps_ms),
            "Sightline-Apart": gaps_header(made.apart_ms),
        }

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(min(CHUNK_BYTES, self._left_bytes)):
            self._left_bytes -= len(chunk)
            yield chunk

    def only(self, part: ByteRange) -> None:
        """Give that part of the file alone."""
        self._file.seek(part.first)
        self._left_bytes = part.length_bytes

    def close(self) -> None:
        self._file.close()
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


def gaps_header(gaps_ms: tuple[tuple[int, int], ...]) -> str:
    """`2026-…Z/2026-…Z, …`: ranges, or `none`."""
    return (
        ", ".join(
            f"{rfc3339(start * NS_PER_MS)}/{rfc3339(end * NS_PER_MS)}" for start, end in gaps_ms
        )
        or "none"
    )


class Cutting:
    """Cuts for a process; thread-safe. A cut of an hour takes as much disk as the hour did, so
    few are made at once.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._turns = threading.BoundedSemaphore(MAX_RUNNING)
        self._open = _OpenFiles()
        scratch.mkdir(parents=True, exist_ok=True)
        for left_over in scratch.glob("*.mp4"):  # by a process that was killed while it cut
            left_over.unlink()
        for left_over in scratch.glob(f"{_GATHERED}*"):
            shutil.rmtree(left_over, ignore_errors=True)

    def cut(self, find: Find, from_ns: int, to_ns: int) -> CutStream:
        """Raises NotFound saying what is nearest, BadInput where it is too much, StoreError
        where too many are being cut.
        """
        segments = find(from_ns, to_ns)
        size_bytes = sum(
            segment.path.stat().st_size for segment in segments if segment.path.exists()
        )
        _check_size(size_bytes)
        with self._open.place(size_bytes) as give_back, self._turn():
            try:
                return self._cut(segments, from_ns, to_ns, give_back)
            except NotFound as error:
                raise NotFound(f"{error}; {_nearest(find, from_ns, to_ns)}") from error

    def cut_remote(self, wanted: Sequence[RemoteSegment], from_ns: int, to_ns: int) -> CutStream:
        """Of segments that lie elsewhere: each is copied here first, and gone again once it is
        cut.
        """
        size_bytes = sum(one.size_bytes for one in wanted)
        _check_size(size_bytes)
        with (
            self._open.place(size_bytes) as give_back,
            self._turn(),
            TemporaryDirectory(prefix=_GATHERED, dir=self._scratch) as folder,
        ):
            segments = [replace(one.segment, path=_copied(one, Path(folder))) for one in wanted]
            return self._cut(segments, from_ns, to_ns, give_back)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """While a cut is made, and no longer."""
        if not self._turns.acquire(timeout=WAIT_FOR_TURN_S):
            raise StoreError(
                f"{MAX_RUNNING} recordings are being cut here already; try again in a moment"
            )
        try:
            yield
        finally:
            self._turns.release()

    def _cut(
        self, segments: Sequence[Segment], from_ns: int, to_ns: int, give_back: Callable[[], None]
    ) -> CutStream:
        path = self._scratch / f"{uuid4().hex}.mp4"
        try:
            made = cut(segments, from_ns, to_ns, path)
            return CutStream(path.open("rb"), made, give_back)
        finally:
            path.unlink(missing_ok=True)


class _OpenFiles:
    """The cuts that are being made or sent. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._size_bytes = 0

    @contextmanager
    def place(self, size_bytes: int) -> Iterator[Callable[[], None]]:
        """A place for a cut, and what gives it back: called here only where nothing comes of the
        cut.

        Raises StoreError where too many are open, or too much.
        """
        with self._lock:
            if self._count >= MOST_OPEN or self._size_bytes + size_bytes > MOST_OPEN_BYTES:
                said = (
                    f"{self._count} recordings of {self._size_bytes / 1e9:.1f} GB are being "
                    "cut or sent here already"
                )
                raise StoreError(f"{said}; try again in a moment")
            self._count += 1
            self._size_bytes += size_bytes
        give_back = partial(self._give_back, size_bytes)
        try:
            yield give_back
        except BaseException:
            give_back()
            raise

    def _give_back(self, size_bytes: int) -> None:
        with self._lock:
            self._count -= 1
            self._size_bytes -= size_bytes


def _check_size(size_bytes: int) -> None:
    if size_bytes > MOST_BYTES:
        said = (
            f"this is {size_bytes / 1e9:.1f} GB, and at most {MOST_BYTES / 1e9:.1f} are cut at once"
        )
        raise BadInput(f"{said}; ask in parts")


def _copied(one: RemoteSegment, folder: Path) -> Path:
    path = folder / one.segment.path.name
    path.write_bytes(one.fetch())
    return path


def _nearest(find: Find, from_ns: int, to_ns: int) -> str:
    for around_ns in _NEAR_NS:
        found = [
            one
            for one in find(max(0, from_ns - around_ns), to_ns + around_ns)
            if holds_pictures(one.path)
        ]
        # An open segment's end is not known by its name; it lasts at least to its start.
        before = max((s.end_ns or s.start_ns for s in found if s.start_ns < from_ns), default=None)
        after = min((s.start_ns for s in found if s.start_ns >= from_ns), default=None)
        if before is not None or after is not None:
            ends = "" if before is None else f" what comes before ends at {rfc3339(before)}"
            begins = "" if after is None else f" what comes after begins at {rfc3339(after)}"
            return " and".join(part for part in (ends, begins) if part).strip()
    return "nor is anything within a day of it"
