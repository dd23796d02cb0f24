"""How an MP4 file declares its samples: avc1, hvc1, mp4a, alaw and ulaw (ISO/IEC 14496-12, 12.1.3
and 12.2.3; -14). Pure.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from domain.errors import DataLoss
from domain.media.packets import AudioInfo
from storage.mp4.parameter_sets import sample_entry_box

_VIDEO_TAGS = {
    "h264": (b"avc1", b"avcC"),
    "hevc": (b"hvc1", b"hvcC"),
}  # players of Apple's refuse hev1
_AUDIO_TAGS = {"aac": b"mp4a", "pcm_alaw": b"alaw", "pcm_mulaw": b"ulaw"}
_SAMPLE_BITS = 16
"""The sample size of decoded sound, which the standard also requires for coded sound."""
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""The matrix without rotation or scaling."""
_DPI_72 = 0x00480000
_AAC_OBJECT, _AUDIO_STREAM = 0x40, 0x15


@dataclass(frozen=True, slots=True)
class VideoSampleEntry:
    """The video to declare: `sets` are its SPS and PPS (and VPS), without start codes; `delay` is
    pts - dts of the first picture, in 1 / `timescale` s.
    """

    codec: str
    width_px: int
    height_px: int
    sets: tuple[bytes, ...]
    timescale: int
    delay: int = 0


def box(name: bytes, payload: bytes) -> bytes:
    return (8 + len(payload)).to_bytes(4, "big") + name + payload


def full_box(name: bytes, version: int, flags: int, payload: bytes) -> bytes:
    return box(name, (version << 24 | flags).to_bytes(4, "big") + payload)


def video_entry(track: VideoSampleEntry) -> bytes:
    """Return the entry of a video. Raises DataLoss if the parameter sets are incomplete."""
    tag, config = _VIDEO_TAGS[track.codec]
    shape = struct.pack(
        ">6xH16xHHIII H32xHh", 1, track.width_px, track.height_px, _DPI_72, _DPI_72, 0, 1, 24, -1
    )
    return box(tag, shape + box(config, sample_entry_box(track.codec, track.sets)))


def audio_entry(audio: AudioInfo) -> bytes:
    """Return the entry of sound. Raises DataLoss for AAC without a known configuration."""
    shape = struct.pack(
        ">6xH8xHHII", 1, audio.channels, _SAMPLE_BITS, 0, min(audio.clock_hz, 0xFFFF) << 16
    )
    return box(
        _AUDIO_TAGS[audio.codec], shape + (_esds(audio.extradata) if audio.codec == "aac" else b"")
    )


def _esds(config: bytes) -> bytes:
    """Return the elementary stream descriptor (ISO/IEC 14496-1, 7.2.6.5) around an
    AudioSpecificConfig.
    """
    if not config:
        raise DataLoss("AAC without its configuration")
    decoder = struct.pack(">BBxxxII", _AAC_OBJECT, _AUDIO_STREAM, 0, 0) + _descriptor(5, config)
    return full_box(
        b"esds", 0, 0, _descriptor(3, bytes(3) + _descriptor(4, decoder) + _descriptor(6, b"\x02"))
    )


def _descriptor(tag: int, payload: bytes) -> bytes:
    return bytes((tag, len(payload))) + payload
