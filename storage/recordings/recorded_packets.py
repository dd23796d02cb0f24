"""Reads the recording of a camera as the packets that its worker received, from this disk, or from
the object store where the disk has no copy any more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction

from domain.clock import rfc3339
from domain.errors import DataLoss, NotFound
from domain.media.packets import Packet, StreamInfo, WallSource
from storage.mp4.boxes import whole_bytes
from storage.mp4.demuxer import Mp4Reader, VideoParameters
from storage.recordings.cut_plan import CutPiece, plan
from storage.recordings.ledger import Segment
from storage.recordings.segment_files import SegmentFiles
from storage.recordings.timed_samples import from_keyframe

_TIME_BASE = Fraction(1, 1_000_000)
_NS_PER_TICK = 1_000
_log = logging.getLogger(__name__)


class RecordedPackets:
    """The recordings of a node and of the object store. One thread uses it."""

    def __init__(self, files: SegmentFiles) -> None:
        self._files = files

    def between(self, camera_id: str, from_ns: int, to_ns: int) -> Iterator[Packet]:
        """Yield the packets of [from_ns, to_ns), from the keyframe at or before `from_ns` on.

        A segment that is missing or damaged is logged and left out from there on. Raises
        ObjectsUnavailable, and OSError if the disk refuses a copy.
        """
        stream: StreamInfo | None = None
        for piece in plan(self._files.segments(camera_id, from_ns, to_ns), from_ns, to_ns):
            try:
                with self._files.opened(piece.segment) as segment:
                    here = piece._replace(segment=segment)
                    stream = _next_stream(camera_id, segment, stream)
                    yield from _packets(here, stream, piece.from_ns == from_ns)
            except (DataLoss, NotFound) as error:
                _log.warning(
                    "%s: its recording from %s on cannot be read: %s",
                    camera_id,
                    rfc3339(piece.segment.start_ns),
                    error,
                )


def _next_stream(camera_id: str, segment: Segment, before: StreamInfo | None) -> StreamInfo:
    """Return the stream of a segment: the same as before, unless its parameters differ."""
    try:
        with Mp4Reader(segment.path, whole_bytes(segment.path)) as reader:
            found = reader.parameters
    except FileNotFoundError as error:
        raise NotFound("{path} was deleted", path=segment.path.name) from error
    if before is not None and _is_same(before, found):
        return before
    codec = "h264" if found.codec == "h264" else "hevc"
    session = 0 if before is None else before.session + 1
    size_px = found.width_px, found.height_px
    return StreamInfo(camera_id, codec, *size_px, _TIME_BASE, found.extradata, session)


def _is_same(stream: StreamInfo, found: VideoParameters) -> bool:
    return (stream.codec, stream.width_px, stream.height_px, stream.extradata) == (
        found.codec,
        found.width_px,
        found.height_px,
        found.extradata,
    )


def _packets(piece: CutPiece, stream: StreamInfo, is_first: bool) -> Iterator[Packet]:
    try:
        for timed in from_keyframe(piece, is_first):
            yield Packet(
                stream,
                timed.sample.data,
                timed.wall_ns // _NS_PER_TICK,
                timed.decode_ns // _NS_PER_TICK,
                timed.duration_ns // _NS_PER_TICK,
                timed.sample.is_keyframe,
                timed.wall_ns,
                WallSource.RECEIVER,
                timed.wall_ns,
            )
    except FileNotFoundError as error:
        raise NotFound("{path} was deleted", path=piece.segment.path.name) from error
