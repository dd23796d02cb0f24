"""A camera's packets into segments, one file after the other: `Cuts` says where, `OpenSegment` writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from domain.errors import StoreError
from domain.media import Packet
from domain.metrics import SEGMENT_BYTES, SEGMENTS
from ingest import nal
from ingest.cuts import Cuts, Place
from ingest.open_segment import OpenSegment
from storage.mp4 import VideoParameters


class Segments:
    """Writes the segments of one camera under `folder`. Not thread-safe.

    `put` and `close` raise StoreError where the disk refuses; the next keyframe then starts anew. `lost_packets` counts what is in no file.
    """

    def __init__(self, camera_id: str, folder: Path, fence: Callable[[], int], segment_s: float) -> None:
        self.lost_packets = 0
        self.recorded_until_ns = 0
        """Wall time up to which others can read what was put; 0 before the first fragment."""
        self._camera_id = camera_id
        self._folder = folder
        self._fence = fence
        self._cuts = Cuts(segment_s)
        self._open: OpenSegment | None = None

    def put(self, packet: Packet) -> None:
        verdict = self._cuts.place(packet)
        if verdict.place is Place.APPEND and self._open is not None:
            self._append(self._open, packet)
            return
        try:
            self._finish(packet.wall_ns, verdict.joins)
            if verdict.place is Place.START:
                self._start(packet)
        except StoreError:
            self.lost_packets += 1
            self._cuts.forget()
            raise
        if verdict.place is Place.WAIT:
            self.lost_packets += 1

    def close(self) -> None:
        """Finish the open segment, if any; packets may still be put, from a keyframe on."""
        self._cuts.forget()
        self._finish(None, joins=False)

    def _start(self, packet: Packet) -> None:
        segment = self._open = OpenSegment(self._folder, self._camera_id, self._fence(), packet, _parameters(packet))
        self._append(segment, packet)

    def _append(self, segment: OpenSegment, packet: Packet) -> None:
        try:
            segment.append(packet)
        except StoreError:
            self._cuts.forget()
            self._finish(None, joins=False)
            self.lost_packets += 1
            raise
        self.recorded_until_ns = segment.readable_until_ns

    def _finish(self, next_wall_ns: int | None, joins: bool) -> None:
        if self._open is None:
            return
        segment, self._open = self._open, None
        try:
            name = segment.finish(next_wall_ns, joins)
        finally:
            self.lost_packets += segment.pending_packets
        if name is not None:
            self.recorded_until_ns = segment.readable_until_ns
            SEGMENTS.labels(self._camera_id).inc()
            SEGMENT_BYTES.labels(self._camera_id).inc(segment.size_bytes)


def _parameters(packet: Packet) -> VideoParameters:
    """A session has one set of parameters: those of its description, or where that has none, of its keyframes."""
    stream = packet.stream
    extradata = stream.extradata or nal.annex_b(nal.parameter_sets(stream.codec, packet.data))
    if not extradata:
        raise StoreError(f"camera {stream.camera_id} sends no parameter sets, so that its video can be neither recorded nor decoded")
    return VideoParameters(stream.codec, stream.width_px, stream.height_px, extradata, stream.time_base)
