"""Reads the pictures of H.264 from the fragments of a live stream, for the packetiser. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.clock import NS_PER_S
from domain.errors import DataLoss, SourceUnsupported
from domain.media.live_stream import LiveFragment, LiveInit
from storage.mp4.codec_strings import h264_parameter_sets
from storage.mp4.fragment_times import boxes_in

CLOCK_HZ = 90_000
_SPS, _PPS = 7, 8


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its NAL units, and its time in ticks of 1/90,000 s since 1970."""

    units: tuple[bytes, ...]
    ticks: int
    wall_ns: int
    is_keyframe: bool


class PictureReader:
    """Reads the pictures of one stream in order."""

    def __init__(self, camera_id: str) -> None:
        self._camera_id = camera_id
        self._init: LiveInit | None = None
        self._sets: tuple[bytes, ...] = ()
        self._shown_ns = 0

    def read(self, fragment: LiveFragment) -> Picture:
        """Return the picture of a fragment. Each keyframe begins with its parameter sets.

        Raises SourceUnsupported if WebRTC cannot show the stream, and DataLoss for a fragment that
        is damaged.
        """
        if fragment.init is not self._init:
            self._begin(fragment.init)
        if not fragment.is_keyframe and fragment.media_ns < self._shown_ns:
            raise SourceUnsupported(
                "camera {camera} sends B-frames, which WebRTC cannot show; "
                "switch off B-frames in the video settings of the camera, or "
                "choose its Baseline profile",
                camera=self._camera_id,
            )
        self._shown_ns = fragment.media_ns
        units = tuple(_units(fragment.data))
        if not units:
            raise DataLoss("a picture of camera {camera} is empty", camera=self._camera_id)
        if fragment.is_keyframe and not {_SPS, _PPS} <= {unit[0] & 0x1F for unit in units}:
            units = (*self._sets, *units)
        return Picture(
            units,
            fragment.media_ns * CLOCK_HZ // NS_PER_S,
            fragment.wall_ns,
            fragment.is_keyframe,
        )

    def _begin(self, init: LiveInit) -> None:
        if init.codec != "h264":
            name = "H.265" if init.codec == "hevc" else init.codec
            raise SourceUnsupported(
                "camera {camera} sends {codec}, and browsers receive only H.264 "
                "by WebRTC; set the video codec of the camera, or of its "
                "sub-stream, to H.264",
                camera=self._camera_id,
                codec=name,
            )
        self._sets = h264_parameter_sets(init.data)
        self._init = init


def _units(fragment: bytes) -> Iterator[bytes]:
    """Yield the NAL units of the only sample of a fragment, without their lengths."""
    for box in boxes_in(fragment, 0, len(fragment)):
        if box.type != b"mdat":
            continue
        at = box.body
        while at + 4 <= box.end:
            begin = at + 4
            at = begin + int.from_bytes(fragment[begin - 4 : begin], "big")
            if at > box.end:
                raise DataLoss("a NAL unit of a live picture is cut off")
            if at > begin:
                yield fragment[begin:at]
