"""A film as the recording of a camera: finished segments that begin at keyframes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
from av.video.stream import VideoStream

from domain.clock import NS_PER_MS
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName

LEAST_S = 4.0


def record_film(
    recordings: Path, camera: str, film: Path, start_ns: int
) -> list[tuple[Path, SegmentName]]:
    """Write the film as segments of at least `LEAST_S`, and return them by start."""
    with av.open(str(film)) as source:
        stream = source.streams.video[0]
        base = stream.time_base
        assert base is not None
        packets = [packet for packet in source.demux(stream) if packet.size]
        first = packets[0].pts or 0
        cuts = [0]
        for at, packet in enumerate(packets):
            seconds = float(((packet.pts or 0) - (packets[cuts[-1]].pts or 0)) * base)
            if packet.is_keyframe and seconds >= LEAST_S:
                cuts.append(at)
        segments = []
        for begin, end in pairwise([*cuts, len(packets)]):
            part = packets[begin:end]
            from_ms = round(((part[0].pts or 0) - first) * base * 1000)
            to_ms = round(((part[-1].pts or 0) + (part[-1].duration or 0) - first) * base * 1000)
            name = SegmentName(camera, start_ns // NS_PER_MS + from_ms, to_ms - from_ms, 1)
            path = recordings / camera / day_of(name.start_ns) / name.file_name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, stream, part)
            segments.append((path, name))
    return segments


def _write(path: Path, stream: VideoStream, packets: list[av.Packet[VideoStream]]) -> None:
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        out = container.add_stream_from_template(stream)
        offset = packets[0].dts or 0
        for packet in packets:
            copy = av.Packet(bytes(packet))
            copy.pts, copy.dts = (packet.pts or 0) - offset, (packet.dts or 0) - offset
            copy.duration, copy.time_base = packet.duration, packet.time_base
            copy.is_keyframe = packet.is_keyframe
            copy.stream = out
            container.mux(copy)
