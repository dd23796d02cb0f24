"""Writes a camera's packets into segments: `SegmentBoundaries` decides where to cut, `OpenSegment`
writes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from domain.clock import NS_PER_MS
from domain.errors import DataLoss, StoreError
from domain.media.packet_batch import PacketBatch, PacketOrBatch, count_packets, single_packets
from domain.media.packets import AudioPacket, Packet
from domain.paths.segment_name import SegmentName
from domain.recordings.gaps import GapCause
from domain.recordings.recording_metrics import SEGMENT_BYTES, SEGMENTS
from ingest.recording.open_segment import OpenSegment
from ingest.recording.segment_boundaries import BoundaryDecision, SegmentBoundaries
from storage.recordings.packet_coverage import HOLE_NS
from storage.recordings.virtual.layouts import RecordingIndex

_log = logging.getLogger(__name__)
_MAX_EARLY_SOUND = 256
"""The number of audio units kept before their session's first picture; older ones precede any
picture that could follow.
"""


class OnHole(Protocol):
    """Called when recording resumes after a hole of more than a second, with its range in UTC ns.
    The cause is None if the recorder does not know it.
    """

    def __call__(self, start_ns: int, end_ns: int, recorder_cause: GapCause | None, /) -> None: ...


class Segments:
    """Writes the segments of one camera under `folder`. It is not thread-safe.

    It never raises if the disk refuses or no file can hold the video. It then calls `on_failure`
    with a sentence, counts the packets in `lost_packets`, and starts again at the next keyframe.
    """

    def __init__(
        self,
        camera_id: str,
        folder: Path,
        fence: Callable[[], int],
        segment_s: float,
        on_failure: Callable[[str], None],
        on_hole: OnHole,
        spare_bytes: int = 0,
        index: RecordingIndex | None = None,
    ) -> None:
        """`spare_bytes` of free space are never used; the disk counts as full below them. The
        layouts of finished segments are added to `index`.
        """
        self.lost_packets = 0
        self.recorded_until_ns = 0
        """The wall time up to which others can read the recording; 0 before the first fragment."""
        self._camera_id = camera_id
        self._folder = folder
        self._fence = fence
        self._spare_bytes = spare_bytes
        self._index = index
        self._boundaries = SegmentBoundaries(segment_s)
        self._on_failure = on_failure
        self._holes = _HoleDetector(on_hole)
        self._open: OpenSegment | None = None
        self._closing: OpenSegment | None = None
        """The segment that has its last picture and waits for its audio, which arrives a little
        later than the video.
        """
        self._sound: list[AudioPacket] = []
        self._highest_start_ms: int | None = None
        self._last_start_ms = 0
        self._setbacks = 0
        """The number of times that time went back between two segments. Each raises the fence, so
        that the later recording has precedence.
        """

    def write(self, received: Sequence[PacketOrBatch], sound: Sequence[AudioPacket] = ()) -> None:
        """Write the packets in order: one fragment, or one for each segment if they are cut in
        between.
        """
        self._sound += sound
        self._close(self._closing)
        fitting: list[PacketOrBatch] = []
        for one in received:
            if (
                isinstance(one, PacketBatch)
                and self._open is not None
                and self._boundaries.append_batch(one)
            ):
                fitting.append(one)
            else:
                for packet in single_packets((one,)):
                    fitting = self._place(packet, fitting)
        if not self._flush(fitting, None):
            self._boundaries.reset()
        if self._open is None:
            self._sound = self._sound[-_MAX_EARLY_SOUND:]

    def _place(self, packet: Packet, fitting: list[PacketOrBatch]) -> list[PacketOrBatch]:
        """Return the packets that are still to be written to the open segment, `packet` included.
        If another segment begins here, those before it are written.
        """
        verdict = self._boundaries.place(packet)
        if verdict.place is BoundaryDecision.APPEND and self._open is not None:
            fitting.append(packet)
            return fitting
        self._flush(fitting, packet.wall_ns)
        self._finish(packet.wall_ns, verdict.joins)
        if verdict.place is BoundaryDecision.START and self._start(packet):
            return [packet]
        self.lost_packets += 1
        self._holes.packet_lost(packet.wall_ns)
        return []

    def refused(self, wall_ns: int) -> None:
        """Note when packets were last refused before they got here, because the disk was too slow;
        0 means never.
        """
        self._holes.refused_ns = wall_ns

    def close(self) -> None:
        """Finish the open segment, if any; packets from a keyframe on may still follow."""
        self._boundaries.reset()
        self._finish(None, joins=False)
        self._close(self._closing)

    def _start(self, packet: Packet) -> bool:
        start_ms = packet.wall_ns // NS_PER_MS
        is_start_unique = self._highest_start_ms is not None and start_ms > self._highest_start_ms
        if start_ms < self._last_start_ms:
            self._setbacks += 1
        self._last_start_ms = start_ms
        try:
            segment = OpenSegment(
                self._folder,
                self._camera_id,
                self._fence() + self._setbacks,
                packet,
                is_start_unique,
                self._spare_bytes,
            )
        except StoreError as error:
            self._boundaries.reset()
            self._failed(error)
            return False
        self._highest_start_ms = max(self._highest_start_ms or 0, segment.start_ms)
        self._open = segment
        return True

    def _flush(self, fitting: Sequence[PacketOrBatch], until_ns: int | None) -> bool:
        """Write `fitting`, with its audio, to the open segment. Return False if the disk refuses,
        which ends the segment.

        `until_ns` is the start of the next segment.
        """
        segment = self._open
        if segment is None:
            return True
        try:
            segment.write(fitting, self._sound_of(segment, until_ns))
        except StoreError as error:
            self.lost_packets += count_packets(fitting)
            self._finish(None, joins=False)
            self._holes.packet_lost(fitting[0].wall_ns if fitting else segment.readable_until_ns)
            self._failed(error)
            return False
        if fitting:
            self._holes.resumed(segment.start_ns)
            self.recorded_until_ns = segment.readable_until_ns
        return True

    def _finish(self, next_wall_ns: int | None, joins: bool) -> None:
        segment, self._open = self._open, None
        if segment is None:
            return
        self._close(self._closing)
        end_ns = segment.finish(next_wall_ns, joins)
        if end_ns:
            self.recorded_until_ns = end_ns
            self._holes.file_ended(end_ns)
        self._closing = segment
        if not segment.stream.audio:
            self._close(segment)

    def _close(self, segment: OpenSegment | None) -> None:
        self._closing = None
        if segment is None:
            return
        self._write_last_sound(segment)
        try:
            name = segment.close()
        except StoreError as error:
            self._failed(error)
            return
        if name is not None:
            SEGMENTS.labels(self._camera_id).inc()
            SEGMENT_BYTES.labels(self._camera_id).inc(segment.size_bytes)
            self._add_to_index(segment, name)

    def _write_last_sound(self, segment: OpenSegment) -> None:
        """Write the sound of the last pictures. If the disk refuses, the segment lacks it."""
        if not segment.size_bytes or segment.is_broken:
            return
        try:
            segment.write((), self._sound_of(segment, segment.readable_until_ns))
        except StoreError as error:
            self._on_failure(str(error))

    def _add_to_index(self, segment: OpenSegment, name: SegmentName) -> None:
        """Add a finished segment to the index, which is derived: the segment is complete without
        it.
        """
        if self._index is None:
            return
        try:
            self._index.add(self._camera_id, name.start_ns, segment.record(name))
        except OSError as error:
            _log.warning("%s is not in the recording index: %s", name.file_name, error)

    def _sound_of(self, segment: OpenSegment, until_ns: int | None) -> list[AudioPacket]:
        """Remove and return the audio of the segment's session from its start until `until_ns`.
        Older audio belongs to no file and is dropped.
        """
        if not self._sound:
            return []
        mine: list[AudioPacket] = []
        others: list[AudioPacket] = []
        session = segment.stream.session
        for packet in self._sound:
            if packet.stream.session == session and (until_ns is None or packet.wall_ns < until_ns):
                mine.append(packet)
            elif packet.stream.session >= session:
                others.append(packet)
        self._sound = others
        return [packet for packet in mine if packet.wall_ns >= segment.start_ns]

    def _failed(self, error: StoreError) -> None:
        self._holes.cause = GapCause.DECODER if isinstance(error, DataLoss) else GapCause.DISK
        self._on_failure(str(error))


class _HoleDetector:
    """Detects holes in the recording, and their causes as far as the recorder knows them."""

    def __init__(self, on_hole: OnHole) -> None:
        self.cause: GapCause | None = None
        """Why the last file ended, or why the next one did not start."""
        self.refused_ns = 0
        """When packets were refused before they got here."""
        self._on_hole = on_hole
        self._end_ns: int | None = None
        self._lost_since_ns: int | None = None

    def file_ended(self, end_ns: int) -> None:
        """Note the end of a file."""
        self._end_ns, self._lost_since_ns = end_ns, None

    def packet_lost(self, wall_ns: int) -> None:
        """Note that a packet of this time is in no file."""
        if self._lost_since_ns is None:
            self._lost_since_ns = wall_ns

    def resumed(self, start_ns: int) -> None:
        """Report the hole before `start_ns`, if any, because a file with this start has a fragment
        on disk.
        """
        begin_ns = self._lost_since_ns if self._end_ns is None else self._end_ns
        if begin_ns is None:
            return
        if start_ns - begin_ns > HOLE_NS:
            self._on_hole(begin_ns, start_ns, self._why(begin_ns, start_ns))
        self._end_ns = self._lost_since_ns = self.cause = None

    def _why(self, begin_ns: int, start_ns: int) -> GapCause | None:
        if self.cause is None and begin_ns - HOLE_NS <= self.refused_ns <= start_ns:
            return GapCause.DISK
        # If packets without a keyframe arrived for most of the time, the video cannot be recorded.
        is_most = (
            self._lost_since_ns is not None
            and start_ns - self._lost_since_ns > (start_ns - begin_ns) // 2
        )
        return self.cause or (GapCause.DECODER if is_most else None)
