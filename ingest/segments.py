"""A camera's packets into segments, one file after the other: `Cuts` says where, `OpenSegment` writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from domain.errors import StoreError
from domain.media import Packet
from domain.metrics import SEGMENT_BYTES, SEGMENTS
from ingest.cuts import Cuts, Place
from ingest.open_segment import OpenSegment
from ingest.parameter_sets import parameter_sets
from storage.mp4 import VideoParameters, picture_size_px


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
        self._sets = b""

    def put(self, packet: Packet) -> None:
        sets = _sets_of(packet)
        verdict = self._cuts.place(packet, has_new_sets=bool(sets) and sets != self._sets)
        if verdict.place is Place.APPEND and self._open is not None:
            self._append(self._open, packet)
            return
        try:
            self._finish(packet.wall_ns, verdict.joins)
            if verdict.place is Place.START:
                self._start(packet, sets)
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

    def _start(self, packet: Packet, sets: bytes) -> None:
        segment = OpenSegment(self._folder, self._camera_id, self._fence(), packet, _parameters(packet, sets))
        self._open, self._sets = segment, sets
        self._append(segment, packet)

    def _append(self, segment: OpenSegment, packet: Packet) -> None:
        try:
            segment.append(packet)
        except StoreError:
            self._cuts.forget()
            self._finish(None, joins=False)
            self.lost_packets += 1
            raise
        if segment.readable_until_ns != self.recorded_until_ns:
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


def _sets_of(packet: Packet) -> bytes:
    """The parameter sets in a keyframe of Annex B; in the length-prefixed form they are in the stream's extradata alone."""
    is_annex_b = packet.stream.extradata[:1] != b"\1"
    return parameter_sets(packet.stream.codec, packet.data) if packet.is_keyframe and is_annex_b else b""


def _parameters(packet: Packet, sets: bytes) -> VideoParameters:
    stream = packet.stream
    extradata = sets or stream.extradata
    if not extradata:
        raise StoreError(f"camera {stream.camera_id} sends no parameter sets, so that its video can be neither recorded nor decoded")
    size_px = (stream.width_px, stream.height_px)
    width_px, height_px = size_px if all(size_px) else picture_size_px(stream.codec, extradata + packet.data)
    return VideoParameters(stream.codec, width_px, height_px, extradata, stream.time_base)
