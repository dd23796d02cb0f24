"""One segment file while it is written: fragmented MP4, packets untouched, readable by others a fragment at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from domain.clock import NS_PER_MS, NS_PER_S
from domain.errors import StoreError
from domain.keys import day_of
from domain.media import Packet, SegmentName, ticks_to_ns
from ingest.cuts import decode_wall_ns
from storage.ledger import open_name
from storage.mp4 import Sample, VideoParameters, fragmented

FRAGMENT_MS = 700
"""With the recorder's pause between batches, at most a second is lost to `kill -9`."""


LONGEST_JOIN_NS = NS_PER_S
"""A stream that goes on joins its segments, but not over the hour by which the wall clock was set: nothing was recorded of that."""


class OpenSegment:
    """Takes packets until `finish`. After a StoreError of `append` only `finish` may follow; the whole fragments so far stay."""

    def __init__(self, folder: Path, camera_id: str, fence: int, first: Packet, parameters: VideoParameters) -> None:
        """Creates the file; `first` is the packet that is appended first. Raises StoreError."""
        self.readable_until_ns = 0
        """Wall time up to which others can read every picture; 0 before the first fragment."""
        self.pending_packets = 0
        """Packets taken that are not in the file yet."""
        self.size_bytes = 0
        """What of the file is whole fragments."""
        self._camera_id, self._fence = camera_id, fence
        self._first = self._last = first
        self._end_ns = first.wall_ns
        with _disk():
            self._start_ms, self._path = _free_path(folder, camera_id, fence, first.wall_ns)
            self._sink = _Sink(self._path)
        self._writer = fragmented(self._sink, parameters, FRAGMENT_MS)

    def append(self, packet: Packet) -> None:
        """Take the next packet. Raises StoreError where the disk refuses."""
        pts, dts = packet.pts - self._first.pts, packet.dts - self._first.pts
        self._writer.write(Sample(packet.data, pts, dts, packet.duration, packet.is_keyframe))
        self.pending_packets += 1
        if self._sink.written_bytes > self.size_bytes:
            self._count_whole(pending_packets=1, until_ns=decode_wall_ns(packet))
        self._end_ns = max(self._end_ns, packet.wall_ns + self._length_ns(packet))
        self._last = packet

    def finish(self, next_wall_ns: int | None = None, joins: bool = False) -> SegmentName | None:
        """Close the file, bring it to disk and name it.

        It ends with its last picture, or where the next packet begins if that `joins` it or is earlier. None where the disk never took a
        whole fragment: the file is then gone. Raises StoreError where the disk refuses even this: the file is then left to `salvage`.
        """
        with suppress(StoreError):
            self._writer.close()
        if not self._sink.is_broken:
            self._count_whole(pending_packets=0, until_ns=self._end_before(next_wall_ns, joins))
        with _disk():
            self._sink.close(self.size_bytes)
            return self._rename()

    def _end_before(self, next_wall_ns: int | None, joins: bool) -> int:
        if next_wall_ns is None or next_wall_ns <= self._first.wall_ns:
            return self._end_ns
        if joins and next_wall_ns - self._end_ns <= LONGEST_JOIN_NS:
            return next_wall_ns
        return min(self._end_ns, next_wall_ns)

    def _count_whole(self, pending_packets: int, until_ns: int) -> None:
        self.size_bytes = self._sink.written_bytes
        self.pending_packets = pending_packets
        self.readable_until_ns = until_ns

    def _rename(self) -> SegmentName | None:
        duration_ms = self.readable_until_ns // NS_PER_MS - self._start_ms
        if duration_ms <= 0:
            self._path.unlink()
            return None
        name = SegmentName(self._camera_id, self._start_ms, duration_ms, self._fence)
        self._path.rename(self._path.with_name(name.file_name))
        return name

    def _length_ns(self, packet: Packet) -> int:
        return ticks_to_ns(packet.duration or packet.dts - self._last.dts, packet.stream.time_base)


class _Sink:
    """The muxer's way to the file. Once the disk has refused, nothing more is tried, so that the muxer can be closed in peace."""

    def __init__(self, path: Path) -> None:
        self.written_bytes = 0
        self.is_broken = False
        self._file = path.open("xb", buffering=0)

    def write(self, data: bytes, /) -> int:
        if not self.is_broken:
            self._write_all(data)
        return len(data)

    def close(self, keep_bytes: int) -> None:
        """Bring the first `keep_bytes` to disk, and nothing after them."""
        with self._file:
            self._file.truncate(keep_bytes)
            os.fsync(self._file.fileno())

    def _write_all(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self.is_broken = True
            raise
        self.written_bytes += len(data)


def _free_path(folder: Path, camera_id: str, fence: int, wall_ns: int) -> tuple[int, Path]:
    """A start in UTC ms that no file here has, the packet's own but for a clock that was set back, and the open file's path."""
    day = folder / day_of(wall_ns)
    day.mkdir(parents=True, exist_ok=True)
    start_ms = wall_ns // NS_PER_MS
    while any(day.glob(f"{camera_id}_{start_ms}_*_{fence}.mp4")):
        start_ms += 1
    return start_ms, day / open_name(camera_id, start_ms, fence)


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"a recording cannot be written: {error}") from error
