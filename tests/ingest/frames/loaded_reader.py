"""What the tests of the frame reader share."""

from __future__ import annotations

from collections.abc import Callable

from domain.clock import NS_PER_S
from domain.media.fanout import Tap
from domain.media.packets import Frame, Packet
from ingest.frames.decoder import FrameReader

START_NS = 1_760_000_000 * NS_PER_S
FRAME_NS = NS_PER_S // 25
Load = Callable[..., list[Packet]]


def drain(reader: FrameReader, tap: Tap) -> list[Frame]:
    return [frame for packet in tap.take(0) for frame in reader._frames(packet)]
