"""One segment file while it is being written: fragmented MP4 with unchanged packets, which others
can read fragment by fragment.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from operator import sub
from pathlib import Path

from domain.clock import NS_PER_MS, NS_PER_S
from domain.errors import StoreError
from domain.media.packet_batch import PacketBatch, PacketOrBatch
from domain.media.packets import AudioPacket, Packet, ticks_to_ns
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from ingest.packets import length_prefix as lengths
from ingest.packets.sample_entry import video_sample_entry
from ingest.recording.layout_builder import LayoutBuilder
from ingest.recording.segment_boundaries import DRIFT_NS
from storage.mp4.fragments import DELTA, KEYFRAME, AudioRun, VideoRun, fragment, head
from storage.mp4.sample_entries import VideoSampleEntry
from storage.recordings.free_space_reserve import free_bytes
from storage.recordings.ledger import open_name
from storage.recordings.virtual.layout_records import FileVersion, StoredRecord
from storage.recordings.virtual.layouts import version_of

_MAX_PIECES = 512
"""The number of buffers in one write; the kernel's limit is 1024."""
LONGEST_JOIN_NS = NS_PER_S
"""The longest gap that joins two segments of a continuous stream. A step of the wall clock does not
join them, because nothing was recorded of it.
"""


class OpenSegment:
    """Writes whole fragments until `finish`. After `write` raises StoreError only `finish` may
    follow; the fragments so far remain.
    """

    def __init__(
        self,
        folder: Path,
        camera_id: str,
        fence: int,
        first: Packet,
        is_start_unique: bool,
        spare_bytes: int,
    ) -> None:
        """Create the file; `first` is the first packet of the segment. `is_start_unique` says that
        no other file has its start. `spare_bytes` of free space are never used.

        Raises StoreError, or DataLoss if the camera sends nothing that a file could declare.
        """
        self.readable_until_ns = 0
        """The wall time up to which others can read every picture; 0 before the first fragment."""
        self.start_ns = first.wall_ns
        self.stream = first.stream
        self.size_bytes = 0
        """The size of the whole fragments."""
        self.is_broken = False
        """Whether the disk refused a fragment, so that a partial one follows the whole ones."""
        self._camera_id, self._fence = camera_id, fence
        self._spare_bytes = spare_bytes
        self._first = first
        self._usual_ticks = 1
        self._last_dts: int | None = None
        """The `dts` of the last packet of the previous fragment."""
        self._end_ns = first.wall_ns
        self._sequence = 0
        self._sound = (
            _SoundTimes(first.wall_ns, self.stream.audio.clock_hz) if self.stream.audio else None
        )
        self._head = head(_sample_entry(first), self.stream.audio)
        self._layout = LayoutBuilder(self._head)
        self._version = FileVersion(0, 0, 0)
        with _disk():
            folder.mkdir(parents=True, exist_ok=True)
            _check_free_space(spare_bytes, folder, len(first.data))
            self.start_ms, self._path = _path(
                folder, camera_id, fence, first.wall_ns, is_start_unique
            )
            self._file = self._path.open("xb", buffering=0)

    def write(self, received: Sequence[PacketOrBatch], sound: Sequence[AudioPacket]) -> None:
        """Write one fragment in one write. Raises StoreError if the disk refuses; the file then
        contains nothing of it.
        """
        video = self._video(received) if received else None
        audio = self._sound.run(sound) if self._sound and sound else None
        if video is None and audio is None:
            return
        data = fragment(self._sequence + 1, video, audio)
        before_samples = data[0]
        data[0] = self._head + before_samples
        size_bytes = sum(map(len, data))
        self.is_broken = True  # until all of it is written
        try:
            _check_free_space(self._spare_bytes, self._file.fileno(), size_bytes)
            _write_all(self._file.fileno(), data)
        except OSError as error:
            raise _store_error(error) from error
        self.is_broken = False
        offset = self.size_bytes + len(self._head)
        self._layout.add(offset, (before_samples, *data[1:]), video, audio)
        self._sequence += 1
        self._head = b""
        self.size_bytes += size_bytes
        if received:
            self._advance_readable(received)

    def finish(self, next_wall_ns: int | None, joins: bool) -> int:
        """End the pictures, and return the end of the segment, which is `readable_until_ns` from
        now on.

        The segment ends with its last picture. It ends at the next packet if that `joins` it or is
        earlier.
        """
        if self.readable_until_ns:
            self.readable_until_ns = self._end_before(next_wall_ns, joins)
        return self.readable_until_ns

    def close(self) -> SegmentName | None:
        """Sync the file to disk and give it its final name; call it after `finish`.

        Return None if the disk never accepted a whole fragment; the file is then deleted. Raises
        StoreError if the disk refuses even this; recovery then handles the file.
        """
        with _disk():
            with self._file:
                if self.is_broken:
                    self._file.truncate(self.size_bytes)
                os.fsync(self._file.fileno())
                self._version = version_of(self._file)
            return self._rename()

    def record(self, name: SegmentName) -> StoredRecord:
        """Return the layout of the closed file, which is called `name`, with the hashes of what was
        written.
        """
        return self._layout.record(name.file_name, self._version)

    def _video(self, received: Sequence[PacketOrBatch]) -> VideoRun:
        scale = self.stream.time_base.numerator
        decoded = _dts(received)
        times = list(map(sub, decoded[1:], decoded))
        if times:
            self._usual_ticks = times[-1]
        elif self._last_dts is not None:  # at a low frame rate each picture is a fragment
            self._usual_ticks = decoded[0] - self._last_dts
        self._last_dts = decoded[-1]
        times.append(self._length_ticks(received[-1]))
        self._usual_ticks = times[-1]
        data: list[bytes | bytearray] = []
        table = [0, 0, DELTA, 0] * len(decoded)
        table[0::4] = [ticks * scale for ticks in times]
        table[1::4] = lengths.append_prefixed(self.stream.codec, received, data)
        row = 0
        for one in received:
            if isinstance(one, PacketBatch):
                row += one.count
                continue
            table[4 * row + 2 : 4 * row + 4] = (
                KEYFRAME if one.is_keyframe else DELTA,
                (one.pts - one.dts) * scale,
            )
            row += 1
        return VideoRun((decoded[0] - self._first.dts) * scale, table, data)

    def _advance_readable(self, received: Sequence[PacketOrBatch]) -> None:
        last_dts = _dts(received[-1:])[-1]
        length = self._length_ticks(received[-1])
        newest_pts = max(
            [one.pts[-1] if isinstance(one, PacketBatch) else one.pts for one in received]
        )
        self._end_ns = max(self._end_ns, self._wall_ns(newest_pts + length))
        self.readable_until_ns = self._wall_ns(last_dts + length)

    def _wall_ns(self, ticks: int) -> int:
        """Convert ticks to the wall time that a reader of the file computes from the camera's own
        time. A step of the wall clock does not affect an open file.
        """
        return self.start_ns + ticks_to_ns(ticks - self._first.pts, self.stream.time_base)

    def _length_ticks(self, last: PacketOrBatch) -> int:
        """Return the likely duration of the newest packet; the next packet, and its fragment, will
        give the true one.
        """
        return last.duration or self._usual_ticks

    def _end_before(self, next_wall_ns: int | None, joins: bool) -> int:
        if next_wall_ns is None or next_wall_ns <= self.start_ns:
            return self._end_ns
        if joins and next_wall_ns - self._end_ns <= LONGEST_JOIN_NS:
            return next_wall_ns
        return min(self._end_ns, next_wall_ns)

    def _rename(self) -> SegmentName | None:
        if not self.readable_until_ns:
            self._path.unlink()
            return None
        # The duration of a single picture is unknown: it gets the shortest time that a name can
        # hold.
        duration_ms = max(1, self.readable_until_ns // NS_PER_MS - self.start_ms)
        name = SegmentName(self._camera_id, self.start_ms, duration_ms, self._fence)
        self._path.rename(self._path.with_name(name.file_name))
        return name


class _SoundTimes:
    """Places audio on a segment's time: by wall time at first, then by its own sample count as long
    as both agree.
    """

    def __init__(self, start_ns: int, clock_hz: int) -> None:
        self._start_ns = start_ns
        self._clock_hz = clock_hz
        self._offset: int | None = None
        self._end = 0

    def run(self, sound: Sequence[AudioPacket]) -> AudioRun | None:
        placed: list[tuple[int, AudioPacket]] = []
        for packet in sound:
            at = self._place(packet)
            if at >= self._end:  # audio that goes back in time cannot be written
                placed.append((at, packet))
                self._end = at + packet.duration
        if not placed:
            return None
        table: list[int] = []
        for (at, packet), (after, _) in pairwise((*placed, (self._end, placed[-1][1]))):
            table += (after - at, len(packet.data))
        return AudioRun(placed[0][0], table, [packet.data for _, packet in placed])

    def _place(self, packet: AudioPacket) -> int:
        by_wall = (packet.wall_ns - self._start_ns) * self._clock_hz // NS_PER_S
        if (
            self._offset is None
            or abs(packet.pts + self._offset - by_wall) * NS_PER_S > DRIFT_NS * self._clock_hz
        ):
            self._offset = max(by_wall, self._end) - packet.pts
        return packet.pts + self._offset


def _sample_entry(first: Packet) -> VideoSampleEntry:
    """Return the sample entry of a segment, which moves its first shown picture to 0."""
    delay = (first.pts - first.dts) * first.stream.time_base.numerator
    return video_sample_entry(first, delay)


def _dts(received: Sequence[PacketOrBatch]) -> list[int]:
    """Return the `dts` of each packet; those of a batch equal their `pts`."""
    return [
        dts for one in received for dts in (one.pts if isinstance(one, PacketBatch) else (one.dts,))
    ]


def _path(
    folder: Path, camera_id: str, fence: int, wall_ns: int, is_start_unique: bool
) -> tuple[int, Path]:
    """Return an unused start in UTC ms, and the path of the open file. The start is the packet's
    own, unless the clock was set back.
    """
    day = folder / day_of(wall_ns)
    day.mkdir(parents=True, exist_ok=True)
    start_ms = wall_ns // NS_PER_MS
    while not is_start_unique and any(day.glob(f"{camera_id}_{start_ms}_*_{fence}.mp4")):
        start_ms += 1
    return start_ms, day / open_name(camera_id, start_ms, fence)


def _check_free_space(spare_bytes: int, place: Path | int, size_bytes: int) -> None:
    """Raise OSError if less than `spare_bytes` would be free after `size_bytes` more."""
    if spare_bytes and free_bytes(place) - size_bytes < spare_bytes:
        raise OSError(errno.ENOSPC, "what is left of the disk is for events")


def _write_all(file: int, data: list[bytes | bytearray]) -> None:
    if len(data) > _MAX_PIECES:
        data = [b"".join(data)]
    written = os.writev(file, data)
    if written < sum(map(len, data)):
        left = memoryview(b"".join(data))[written:]
        while left:
            left = left[os.write(file, left) :]


def _store_error(error: OSError) -> StoreError:
    return StoreError("a recording cannot be written: {error}", error=error)


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _store_error(error) from error
