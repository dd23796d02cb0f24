"""A camera's packets into segments, one file after the other: `SegmentBoundaries` says where,
`OpenSegment` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from domain.clock import NS_PER_MS
from domain.errors import DataLoss, StoreError
from domain.media.packet_batch import PacketBatch, PacketOrBatch, count_packets, single_packets
from domain.media.packets import AudioPacket, Packet
from domain.metrics import SEGMENT_BYTES, SEGMENTS
from domain.recordings.gaps import GapCause
from ingest.recording.open_segment import OpenSegment
from ingest.recording.segment_boundaries import BoundaryDecision, SegmentBoundaries
from storage.recordings.packet_coverage import HOLE_NS

_MAX_EARLY_SOUND = 256
"""Pieces of sound that came before their session's first picture; more are older than any
picture that could follow.
"""


class OnHole(Protocol):
    """Told when recording goes on after a stretch of more than a second (UTC ns) of which
    nothing is in any file.
    """

    def __call__(self, start_ns: int, end_ns: int, recorder_cause: GapCause | None, /) -> None: ...


class Segments:
    """Writes the segments of one camera under `folder`. Not thread-safe.

    Never raises for a disk that refuses or video that no file can hold: `tell` gets the sentence,
    `lost_packets` counts what is in no file, and the next keyframe starts anew.
    """

    def __init__(
        self,
        camera_id: str,
        folder: Path,
        fence: Callable[[], int],
        segment_s: float,
        tell: Callable[[str], None],
        on_hole: OnHole,
        spare_bytes: int = 0,
    ) -> None:
        """`spare_bytes`: free space that is left to others, as if the disk were full there."""
        self.lost_packets = 0
        self.recorded_until_ns = 0
        """Wall time up to which others can read what was put; 0 before the first fragment."""
        self._camera_id = camera_id
        self._folder = folder
        self._fence = fence
        self._spare_bytes = spare_bytes
        self._cuts = SegmentBoundaries(segment_s)
        self._tell = tell
        self._holes = _Holes(on_hole)
        self._open: OpenSegment | None = None
        self._closing: OpenSegment | None = None
        """Has its last picture, and waits for the sound that belongs to it: sound comes a
        little later than the picture beside it.
        """
        self._sound: list[AudioPacket] = []
        self._latest_start_ms: int | None = None
        self._last_start_ms = 0
        self._setbacks = 0
        """How often time went back from a segment to the next. Each raises the fence, so that
        what is recorded again lies over what was.
        """

    def write(self, received: Sequence[PacketOrBatch], sound: Sequence[AudioPacket] = ()) -> None:
        """Take what came, in order: one fragment, or one for each segment where it is cut in
        between.
        """
        self._sound += sound
        self._close(self._closing)
        fitting: list[PacketOrBatch] = []
        for one in received:
            if isinstance(one, PacketBatch) and self._open is not None and self._cuts.goes_on(one):
                fitting.append(one)
            else:
                for packet in single_packets((one,)):
                    fitting = self._placed(packet, fitting)
        if not self._flush(fitting, None):
            self._cuts.forget()
        if self._open is None:
            self._sound = self._sound[-_MAX_EARLY_SOUND:]

    def _placed(self, packet: Packet, fitting: list[PacketOrBatch]) -> list[PacketOrBatch]:
        """What is to be written to the open segment, `packet` with it: that which was `fitting`
        before, unless another begins here.
        """
        verdict = self._cuts.place(packet)
        if verdict.place is BoundaryDecision.APPEND and self._open is not None:
            fitting.append(packet)
            return fitting
        self._flush(fitting, packet.wall_ns)
        self._finish(packet.wall_ns, verdict.joins)
        if verdict.place is BoundaryDecision.START and self._start(packet):
            return [packet]
        self.lost_packets += 1
        self._holes.waits(packet.wall_ns)
        return []

    def refused(self, wall_ns: int) -> None:
        """The last time (0: never) from when on packets were lost on the way here, as the disk
        did not take those before them in time.
        """
        self._holes.refused_ns = wall_ns

    def close(self) -> None:
        """Finish the open segment, if any; packets may still be written, from a keyframe on."""
        self._cuts.forget()
        self._finish(None, joins=False)
        self._close(self._closing)

    def _start(self, packet: Packet) -> bool:
        start_ms = packet.wall_ns // NS_PER_MS
        is_free = self._latest_start_ms is not None and start_ms > self._latest_start_ms
        if start_ms < self._last_start_ms:
            self._setbacks += 1
        self._last_start_ms = start_ms
        try:
            segment = OpenSegment(
                self._folder,
                self._camera_id,
                self._fence() + self._setbacks,
                packet,
                is_free,
                self._spare_bytes,
            )
        except StoreError as error:
            self._cuts.forget()
            self._failed(error)
            return False
        self._latest_start_ms = max(self._latest_start_ms or 0, segment.start_ms)
        self._open = segment
        return True

    def _flush(self, fitting: Sequence[PacketOrBatch], until_ns: int | None) -> bool:
        """Write `fitting`, with the sound that came for it, to the open segment; False where the
        disk refuses: the segment is over then.

        `until_ns`: where the next segment begins.
        """
        segment = self._open
        if segment is None:
            return True
        try:
            segment.write(fitting, self._sound_of(segment, until_ns))
        except StoreError as error:
            self.lost_packets += count_packets(fitting)
            self._finish(None, joins=False)
            self._holes.waits(fitting[0].wall_ns if fitting else segment.readable_until_ns)
            self._failed(error)
            return False
        if fitting:
            self._holes.goes_on(segment.start_ns)
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
            self._holes.ends(end_ns)
        self._closing = segment
        if not segment.stream.audio:
            self._close(segment)

    def _close(self, segment: OpenSegment | None) -> None:
        self._closing = None
        if segment is None:
            return
        try:
            if segment.size_bytes and not segment.is_broken:
                segment.write((), self._sound_of(segment, segment.readable_until_ns))
            name = segment.close()
        except StoreError as error:
            self._failed(error)
            return
        if name is not None:
            SEGMENTS.labels(self._camera_id).inc()
            SEGMENT_BYTES.labels(self._camera_id).inc(segment.size_bytes)

    def _sound_of(self, segment: OpenSegment, until_ns: int | None) -> list[AudioPacket]:
        """Take out the sound of the segment's session from its start until `until_ns`; what is
        older than that belongs to no file.
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
        self._tell(str(error))


class _Holes:
    """Notices what is in no file, and why, as far as the recorder knows."""

    def __init__(self, on_hole: OnHole) -> None:
        self.cause: GapCause | None = None
        """Why the last file ended, or the next did not begin."""
        self.refused_ns = 0
        """From when on packets were lost before they came here."""
        self._on_hole = on_hole
        self._end_ns: int | None = None
        self._waits_ns: int | None = None

    def ends(self, end_ns: int) -> None:
        """A file ended then."""
        self._end_ns, self._waits_ns = end_ns, None

    def waits(self, wall_ns: int) -> None:
        """A packet of then is in no file."""
        if self._waits_ns is None:
            self._waits_ns = wall_ns

    def goes_on(self, start_ns: int) -> None:
        """The disk took a fragment of a file that starts then."""
        begin_ns = self._waits_ns if self._end_ns is None else self._end_ns
        if begin_ns is None:
            return
        if start_ns - begin_ns > HOLE_NS:
            self._on_hole(begin_ns, start_ns, self._why(begin_ns, start_ns))
        self._end_ns = self._waits_ns = self.cause = None

    def _why(self, begin_ns: int, start_ns: int) -> GapCause | None:
        if self.cause is None and begin_ns - HOLE_NS <= self.refused_ns <= start_ns:
            return GapCause.DISK
        # Packets that came for most of the time, and none of them a keyframe, are video that cannot
        # be recorded.
        is_most = (
            self._waits_ns is not None and start_ns - self._waits_ns > (start_ns - begin_ns) // 2
        )
        return self.cause or (GapCause.DECODER if is_most else None)
