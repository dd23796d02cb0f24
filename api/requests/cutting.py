"""Recordings that are cut on demand, with bounds on their number and size.

A cut is a file without a name: it is unlinked after it is opened, so it disappears when it is
closed. The bound on running cuts applies only while a cut is made. While a cut is sent, which takes
as long as its reader needs, the bounds on open files apply.
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
MAX_OPEN = 16
MAX_BYTES = 4 << 30
"""The largest size of the segments of one cut.

A cut uses that much of the disk if its segments are local, and twice as much if they are copied.
"""
MAX_OPEN_BYTES = 4 * MAX_BYTES
"""The largest size of the segments of all cuts that are being made or sent."""
_COPIES_PREFIX = "gathered-"
TURN_TIMEOUT_S = 5.0
CHUNK_BYTES = 256 << 10
_NEAR_NS = (NS_PER_HOUR, NS_PER_DAY)
"""The distances around an empty range in which the nearest recording is searched."""


Find = Callable[[int, int], Sequence[Segment]]
"""Returns the segments of a camera within a range."""


@dataclass(frozen=True, slots=True)
class RemoteSegment:
    """A segment in another place, with the function that fetches its bytes."""

    segment: Segment
    size_bytes: int
    fetch: Callable[[], bytes]


class CutStream:
    """A finished cut: its bytes in chunks, and the headers that describe it.

    The caller must close it; that releases its reservation.
    """

    def __init__(self, file: BinaryIO, result: Cut, release: Callable[[], None]) -> None:
        self._file = file
        self._left_bytes = self.size_bytes = result.size_bytes
        self.etag = f'"{result.sha256}"'
        self._release: Callable[[], None] | None = release
        self.headers = {
            "ETag": self.etag,
            "Accept-Ranges": "bytes",
            "Sightline-Start": rfc3339(result.start_ns),
            "Sightline-End": rfc3339(result.end_ns),
            "Sightline-Gaps": gaps_header(result.gaps_ms),
            "Sightline-Apart": gaps_header(result.apart_ms),
        }

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(min(CHUNK_BYTES, self._left_bytes)):
            self._left_bytes -= len(chunk)
            yield chunk

    def select(self, part: ByteRange) -> None:
        """Restrict the stream to a part of the file."""
        self._file.seek(part.first)
        self._left_bytes = part.length_bytes

    def close(self) -> None:
        self._file.close()
        release, self._release = self._release, None
        if release is not None:
            release()


def gaps_header(gaps_ms: tuple[tuple[int, int], ...]) -> str:
    """Return the ranges as `2026-…Z/2026-…Z, …`, or `none`."""
    return (
        ", ".join(
            f"{rfc3339(start * NS_PER_MS)}/{rfc3339(end * NS_PER_MS)}" for start, end in gaps_ms
        )
        or "none"
    )


class Cutting:
    """Makes the cuts of a process. Thread-safe.

    A cut uses as much disk as its range, so few of them run concurrently.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        """The folder of this process for files that last as long as their answer."""
        self._turns = threading.BoundedSemaphore(MAX_RUNNING)
        self._open = _OpenFiles()
        scratch.mkdir(parents=True, exist_ok=True)
        for left_over in scratch.glob("*.mp4"):  # from a process that was killed during a cut
            left_over.unlink()
        for left_over in scratch.glob(f"{_COPIES_PREFIX}*"):
            shutil.rmtree(left_over, ignore_errors=True)

    def cut(self, find: Find, from_ns: int, to_ns: int) -> CutStream:
        """Cut a range from local segments.

        Raises NotFound, which names the nearest recordings; BadInput for a range that is too large;
        StoreError while too many cuts run or are open.
        """
        segments = find(from_ns, to_ns)
        size_bytes = sum(
            segment.path.stat().st_size for segment in segments if segment.path.exists()
        )
        _check_size(size_bytes)
        with self._open.reserve(size_bytes) as release, self._turn():
            try:
                return self._cut(segments, from_ns, to_ns, release)
            except NotFound as error:
                raise NotFound(f"{error}; {_nearest(find, from_ns, to_ns)}") from error

    def cut_remote(self, remote: Sequence[RemoteSegment], from_ns: int, to_ns: int) -> CutStream:
        """Cut a range from segments in other places, which are copied here for the cut.

        Raises BadInput and StoreError as `cut` does.
        """
        size_bytes = sum(segment.size_bytes for segment in remote)
        _check_size(size_bytes)
        with (
            self._open.reserve(size_bytes) as release,
            self._turn(),
            TemporaryDirectory(prefix=_COPIES_PREFIX, dir=self.scratch) as folder,
        ):
            segments = [replace(one.segment, path=_copied(one, Path(folder))) for one in remote]
            return self._cut(segments, from_ns, to_ns, release)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold one of the slots for running cuts."""
        if not self._turns.acquire(timeout=TURN_TIMEOUT_S):
            raise StoreError(
                f"{MAX_RUNNING} recordings are being cut here already; try again in a moment"
            )
        try:
            yield
        finally:
            self._turns.release()

    def _cut(
        self, segments: Sequence[Segment], from_ns: int, to_ns: int, release: Callable[[], None]
    ) -> CutStream:
        path = self.scratch / f"{uuid4().hex}.mp4"
        try:
            result = cut(segments, from_ns, to_ns, path)
            return CutStream(path.open("rb"), result, release)
        finally:
            path.unlink(missing_ok=True)


class _OpenFiles:
    """Counts the cuts that are being made or sent, and their size. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._size_bytes = 0

    @contextmanager
    def reserve(self, size_bytes: int) -> Iterator[Callable[[], None]]:
        """Reserve room for a cut and yield the function that releases it.

        The reservation is released here only if the cut fails. Raises StoreError where the number
        or the size of open cuts exceeds its bound.
        """
        with self._lock:
            if self._count >= MAX_OPEN or self._size_bytes + size_bytes > MAX_OPEN_BYTES:
                raise StoreError(
                    f"{self._count} recordings of {self._size_bytes / 1e9:.1f} GB are being "
                    "cut or sent here already; try again in a moment"
                )
            self._count += 1
            self._size_bytes += size_bytes
        release = partial(self._release, size_bytes)
        try:
            yield release
        except BaseException:
            release()
            raise

    def _release(self, size_bytes: int) -> None:
        with self._lock:
            self._count -= 1
            self._size_bytes -= size_bytes


def _check_size(size_bytes: int) -> None:
    if size_bytes > MAX_BYTES:
        raise BadInput(
            f"the range has {size_bytes / 1e9:.1f} GB of recordings, and a cut holds at most "
            f"{MAX_BYTES / 1e9:.1f} GB; request it in parts"
        )


def _copied(remote: RemoteSegment, folder: Path) -> Path:
    path = folder / remote.segment.path.name
    path.write_bytes(remote.fetch())
    return path


def _nearest(find: Find, from_ns: int, to_ns: int) -> str:
    for around_ns in _NEAR_NS:
        found = [
            one
            for one in find(max(0, from_ns - around_ns), to_ns + around_ns)
            if holds_pictures(one.path)
        ]
        # The name of an open segment has no end; it ends at its start or later.
        before = max((s.end_ns or s.start_ns for s in found if s.start_ns < from_ns), default=None)
        after = min((s.start_ns for s in found if s.start_ns >= from_ns), default=None)
        if before is not None or after is not None:
            ends = "" if before is None else f" what comes before ends at {rfc3339(before)}"
            begins = "" if after is None else f" what comes after begins at {rfc3339(after)}"
            return " and".join(part for part in (ends, begins) if part).strip()
    return "nor is anything within a day of it"
