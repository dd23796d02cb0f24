"""The video's way through a node: streams, packets, frames, segments.

Every media unit carries a relative time (`pts` in its stream's `time_base`) and an absolute one
(`wall_ns`, UTC).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.clock import LATEST_NS, NS_PER_MS, NS_PER_S


class WallSource(StrEnum):
    SENDER = "sender"  # the camera's clock, by RTCP sender reports
    RECEIVER = "receiver"  # this node's clock


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The sound that comes beside a camera's video. `extradata`: the AudioSpecificConfig of
    AAC, empty for G.711.
    """

    codec: str  # "aac", "pcm_alaw" or "pcm_mulaw"
    clock_hz: int
    channels: int
    extradata: bytes = b""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What one session of a camera sends. `extradata` holds the parameter sets (Annex B or
    avcC/hvcC, as libavformat gave them).
    """

    camera_id: str
    codec: str  # "h264" or "hevc"
    width_px: int
    height_px: int
    time_base: Fraction
    extradata: bytes
    session: int
    """Rises by one with every connection or codec change; packets of two sessions never share a
    segment.
    """
    audio: AudioInfo | None = None
    """The sound beside it; None where there is none, or none that can be kept."""


@dataclass(slots=True)
class Packet:
    """One encoded access unit (Annex B for RTSP sources), as the camera sent it. Nobody writes to
    it: many hold the same.

    Not `frozen`, which makes it seven times as dear to make: a tenth of what pulling a camera
    costs.
    """

    stream: StreamInfo
    data: bytes
    pts: int
    dts: int
    duration: int
    """In `stream.time_base`; 0 when the source does not say."""
    is_keyframe: bool
    wall_ns: int
    """The moment that this packet's picture stands for: monotonic within a session, from
    `wall_source`.
    """
    wall_source: WallSource
    received_ns: int
    """When it arrived here."""
    sender_wall_ns: int | None = None
    """The camera's own time of it, where its sender reports gave one, trusted or not."""
    starts: Sequence[int] = ()
    """Where in `data` the start codes (of four bytes) of its NAL units lie, where the source knows
    it: each unit goes into a file as it is. Empty where it does not, or some do not: then `data`
    has to be searched.
    """

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    @property
    def pts_ns(self) -> int:
        return ticks_to_ns(self.pts, self.stream.time_base)


@dataclass(slots=True)
class AudioPacket:
    """One encoded piece of sound: a whole AAC frame, or the G.711 samples of one RTP packet. Every
    one can be played on its own.

    As with `Packet`, nobody writes to it.
    """

    stream: StreamInfo
    data: bytes
    pts: int
    """In 1 / `stream.audio.clock_hz` seconds."""
    duration: int
    wall_ns: int
    """On the same clock as the video's packets of its session."""
    received_ns: int


def ticks_to_ns(ticks: int, time_base: Fraction) -> int:
    """A time in nanoseconds, rounded down. In integers: products of fractions were half of what
    recording a packet cost.
    """
    return ticks * time_base.numerator * NS_PER_S // time_base.denominator


class Pixels(Protocol):
    """A picture. Nobody writes to its arrays; they may be views of what ends with it."""

    @property
    def bgr(self) -> NDArray[np.uint8]:
        """(height, width, 3)."""

    @property
    def grey(self) -> NDArray[np.uint8]:
        """(height, width) brightness, cheaper than colours where they were not asked for: of
        some range or other.
        """


@dataclass(frozen=True, slots=True)
class Drawn:
    """Pixels that are there in colour."""

    bgr: NDArray[np.uint8]

    @property
    def grey(self) -> NDArray[np.uint8]:
        """Green, which is most of brightness."""
        green: NDArray[np.uint8] = self.bgr[..., 1]
        return green


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture of a camera."""

    camera_id: str
    pixels: Pixels
    pts: int
    session: int
    wall_ns: int
    wall_source: WallSource

    @property
    def bgr(self) -> NDArray[np.uint8]:
        return self.pixels.bgr

    @property
    def width_px(self) -> int:
        return int(self.pixels.grey.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.pixels.grey.shape[0])


MOST_FENCE = (1 << 63) - 1
"""Redis counts no further."""
_MOST_DIGITS = 19
_CAMERA = r"(?P<camera>[A-Za-z0-9][A-Za-z0-9._-]*)"
_SEGMENT = re.compile(
    _CAMERA + r"_(?P<start>[0-9]{1,19})_(?P<duration>[0-9]{1,19}|open)_(?P<fence>[0-9]{1,19})\.mp4"
)


def segment_number(text: str) -> int | None:
    """A number in a segment's name; None where it is none, or is longer than any in a name."""
    if len(text) > _MOST_DIGITS or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """A segment's name, from which the ledger is rebuilt: `<camera>_<start ms>_<duration
    ms>_<fence>.mp4`.
    """

    camera_id: str
    start_ms: int
    duration_ms: int
    fence: int

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.duration_ms

    @property
    def start_ns(self) -> int:
        return self.start_ms * NS_PER_MS

    @property
    def end_ns(self) -> int:
        return self.end_ms * NS_PER_MS

    @property
    def file_name(self) -> str:
        return f"{self.camera_id}_{self.start_ms}_{self.duration_ms}_{self.fence}.mp4"

    @classmethod
    def parse(cls, file_name: str) -> SegmentName | None:
        """The name that `file_name` is, or None where it is no finished segment.

        The segment ends before the year 10000, so that it has a day and its times can be written.
        """
        match = _SEGMENT.fullmatch(file_name)
        if match is None or match["duration"] == "open":
            return None
        name = cls(
            match["camera"], int(match["start"]), int(match["duration"]), int(match["fence"])
        )
        return name if name.end_ns < LATEST_NS and name.fence <= MOST_FENCE else None


def parse_open_name(file_name: str) -> tuple[str, int, int] | None:
    """Camera, start (ms) and fence of a segment that is being written, or None for other names."""
    match = _SEGMENT.fullmatch(file_name)
    if match is None or match["duration"] != "open":
        return None
    start_ms, fence = int(match["start"]), int(match["fence"])
    is_bounded = start_ms * NS_PER_MS < LATEST_NS and fence <= MOST_FENCE
    return (match["camera"], start_ms, fence) if is_bounded else None
