"""The packets of a clip, as a session of a camera gives them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from domain.clock import NS_PER_S
from domain.media.packets import Packet, StreamInfo, WallSource
from tests.ingest.frames.loaded_reader import START_NS, Load


@pytest.fixture
def load(clips: dict[str, Path]) -> Load:
    """The packets of a file as a camera's session would give them: Annex B, pts from 0 in
    1/90000, wall time by pts.
    """

    def read(name: str, session: int = 1, start_ns: int = START_NS) -> list[Packet]:
        with av.open(str(clips[name])) as container:
            stream = container.streams.video[0]
            codec = "h264" if stream.codec_context.name == "h264" else "hevc"
            to_annex_b = av.BitStreamFilterContext(f"{codec}_mp4toannexb", stream)
            raws = [
                raw
                for packet in container.demux(stream)
                if packet.size
                for raw in to_annex_b.filter(packet)
            ]
            ticks = (stream.time_base or Fraction(1)) * 90_000
            info = StreamInfo(
                "gate", codec, stream.width, stream.height, Fraction(1, 90_000), b"", session
            )
            found = []
            for raw in raws:
                pts = round((raw.pts or 0) * ticks)
                dts = round((raw.dts or 0) * ticks)
                wall_ns = start_ns + pts * NS_PER_S // 90_000
                found.append(
                    Packet(
                        info,
                        bytes(raw),
                        pts,
                        dts,
                        3600,
                        raw.is_keyframe,
                        wall_ns,
                        WallSource.RECEIVER,
                        wall_ns,
                    )
                )
            return found

    return read
