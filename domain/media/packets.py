"""The units of video in a node: streams, packets and frames.

Every unit carries a relative time (`pts` in its stream's `time_base`) and an absolute one
(`wall_ns`, UTC).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.clock import NS_PER_S


class WallSource(StrEnum):
    SENDER = "sender"  # the camera's clock, by RTCP sender reports
    RECEIVER = "receiver"  # this node's clock


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The audio of a camera. `extradata` is the AudioSpecificConfig of AAC, and empty for G.711."""

    codec: str  # "aac", "pcm_alaw" or "pcm_mulaw"
    clock_hz: int
    channels: int
    extradata: bytes = b""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """The parameters of one session of a camera. `extradata` holds the parameter sets, as Annex B
    or as the avcC or hvcC of libavformat.
    """

    camera_id: str
    codec: str  # "h264" or "hevc"
    width_px: int
    height_px: int
    time_base: Fraction
    extradata: bytes
    session: int
    """A number that rises by one with every connection or codec change. Packets of two sessions
    never share a segment.
    """
    audio: AudioInfo | None = None
    """The audio of the session; None if there is none, or none that can be recorded."""


@dataclass(slots=True)
class Packet:
    """One encoded access unit as the camera sent it (Annex B for RTSP sources). It must not be
    modified, because several consumers share it.

    It is not `frozen`, because that makes its creation seven times slower, which is a tenth of the
    cost of pulling a camera.
    """

    stream: StreamInfo
    data: bytes
    pts: int
    dts: int
    duration: int
    """The duration in `stream.time_base`; 0 if the source does not state it."""
    is_keyframe: bool
    wall_ns: int
    """The time of this packet's picture: monotonic within a session, from `wall_source`."""
    wall_source: WallSource
    received_ns: int
    """The time at which this node received it."""
    sender_wall_ns: int | None = None
    """The camera's own time of it, if its sender reports gave one, trusted or not."""
    starts: Sequence[int] = ()
    """The positions in `data` of the four-byte start codes of all NAL units, which are then written
    to a file unchanged. It is empty if the source does not know all of them; then `data` is
    searched.
    """

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    @property
    def pts_ns(self) -> int:
        return ticks_to_ns(self.pts, self.stream.time_base)


@dataclass(slots=True)
class AudioPacket:
    """One encoded unit of audio: a whole AAC frame, or the G.711 samples of one RTP packet. Each
    can be played on its own.

    Like a `Packet`, it must not be modified.
    """

    stream: StreamInfo
    data: bytes
    pts: int
    """The time in units of 1 / `stream.audio.clock_hz` seconds."""
    duration: int
    wall_ns: int
    """The wall time, on the clock of the video packets of its session."""
    received_ns: int

    is_keyframe = True

    @property
    def size_bytes(self) -> int:
        return len(self.data)


def ticks_to_ns(ticks: int, time_base: Fraction) -> int:
    """Convert ticks to nanoseconds, rounded down. The arithmetic uses integers, because fractions
    needed half of the time of recording a packet.
    """
    return ticks * time_base.numerator * NS_PER_S // time_base.denominator


class Pixels(Protocol):
    """A picture. Its arrays must not be modified; they may be views of a buffer with a shorter
    life.
    """

    @property
    def bgr(self) -> NDArray[np.uint8]:
        """The colours as an array (height, width, 3) in the order blue, green, red."""

    @property
    def grey(self) -> NDArray[np.uint8]:
        """The brightness as an array (height, width), in an unspecified range. It is cheaper than
        the colours if those were not requested.
        """


@dataclass(frozen=True, slots=True)
class ColorPixels:
    """Pixels that are already available in colour."""

    bgr: NDArray[np.uint8]

    @property
    def grey(self) -> NDArray[np.uint8]:
        """The green channel, which contributes most to the brightness."""
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
