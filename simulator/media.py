"""A file's video, prepared once: every access unit as ready RTP packets, in which only four
fields change at play time.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from domain.errors import BadInput
from simulator.rtp import CLOCK_HZ, Codec, nal_type, nal_units, payloads

PAYLOAD_TYPE = 96
MAX_FILE_BYTES = 1 << 30
_FRAMED_HEADER = struct.Struct(">BBHBBHII")
"""An RTP packet's head over TCP: `$`, channel, length (RFC 2326, 10.12); then flags, marker and
type, sequence, timestamp, SSRC.
"""
_STAMP = struct.Struct(">HII")
FRAMING_BYTES = 4
_PARAMETER_SETS = {Codec.H264: (7, 8), Codec.HEVC: (32, 33, 34)}


@dataclass(frozen=True, slots=True)
class PreparedUnit:
    """One access unit. `due` is when it is sent and `pts` what it stands for, both in ticks of
    the media's clock from the file's start.
    """

    due: int
    pts: int
    is_keyframe: bool
    template: bytes
    """Its RTP packets one behind the other, each as it goes over TCP."""
    offsets: tuple[int, ...]
    """Where each packet's framing begins in `template`."""

    def stamped(self, channel: int, sequence: int, timestamp: int, ssrc: int) -> bytearray:
        """The packets ready to send over TCP, numbered from `sequence`."""
        packets = bytearray(self.template)
        for offset in self.offsets:
            packets[offset + 1] = channel
            _STAMP.pack_into(packets, offset + 6, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
            sequence += 1
        return packets

    def pieces(self, packets: bytearray) -> list[memoryview]:
        """`packets` (of `stamped`) one by one, framing included."""
        view = memoryview(packets)
        ends = (*self.offsets[1:], len(packets))
        return [view[start:end] for start, end in zip(self.offsets, ends, strict=True)]


@dataclass(frozen=True, slots=True)
class PreparedMedia:
    """A stream of prepared units. `duration` is what one lap of a loop takes, in ticks of
    `clock_hz`.
    """

    codec: Codec
    clock_hz: int
    units: tuple[PreparedUnit, ...]
    duration: int
    sdp: tuple[str, ...]
    """Its lines in a session description, from `m=` on, without `a=control`."""

    @property
    def duration_s(self) -> float:
        return self.duration / self.clock_hz


def prepare(file: Path) -> PreparedMedia:
    """Read and packetise the H.264 or H.265 video of an MP4 or Matroska file; raises BadInput
    where that cannot be done.
    """
    if not file.is_file():
        raise BadInput(
            "{file}: no such file; a simulated camera plays an MP4 or MKV file", file=file
        )
    if file.stat().st_size > MAX_FILE_BYTES:
        raise BadInput(
            "{file}: over {max_file_bytes} MiB, and a camera's file is held in "
            "memory; give a shorter one",
            file=file,
            max_file_bytes=MAX_FILE_BYTES >> 20,
        )
    try:
        with av.open(str(file)) as container:
            if not container.streams.video:
                raise BadInput("{file}: has no video", file=file)
            return _prepared(file, container, container.streams.video[0])
    except (av.FFmpegError, ValueError) as error:
        raise BadInput(
            "{file}: cannot be read as video: {error}", file=file, error=error
        ) from error


def _prepared(file: Path, container: InputContainer, stream: VideoStream) -> PreparedMedia:
    codec = _codec(file, stream)
    length_size, sets = _parameter_sets(file, codec, stream.codec_context.extradata or b"")
    ticks = float(stream.time_base or 0) * CLOCK_HZ
    samples = [
        (round(packet.pts * ticks), packet.is_keyframe, bytes(packet))
        for packet in container.demux(stream)
        if packet.size and packet.pts is not None
    ]
    while samples and not samples[0][1]:
        samples.pop(0)
    if not samples:
        raise BadInput("{file}: has no keyframe", file=file)
    units = tuple(
        _unit(
            codec,
            due,
            pts,
            is_keyframe,
            _with_sets(codec, nal_units(data, length_size), sets if is_keyframe else ()),
        )
        for (due, pts), (_, is_keyframe, data) in zip(
            _times([pts for pts, _, _ in samples]), samples, strict=True
        )
    )
    frame = round(CLOCK_HZ / float(stream.average_rate or 25))
    return PreparedMedia(codec, CLOCK_HZ, units, units[-1].due + frame, _video_sdp(codec, sets))


def _times(pts: list[int]) -> list[tuple[int, int]]:
    """When each unit is sent, from 0 on, and what it stands for: never later than that, as no
    camera sends what it has not seen.
    """
    shown = sorted(pts)
    delay = max(own - turn for own, turn in zip(pts, shown, strict=True))
    return [(turn - shown[0], own - shown[0] - delay) for own, turn in zip(pts, shown, strict=True)]


def _codec(file: Path, stream: VideoStream) -> Codec:
    try:
        return Codec(stream.codec_context.name)
    except ValueError:
        raise BadInput(
            "{file}: its video is {codec_context}; a simulated camera plays H.264 and H.265",
            file=file,
            codec_context=stream.codec_context.name,
        ) from None


def _parameter_sets(file: Path, codec: Codec, extradata: bytes) -> tuple[int, tuple[bytes, ...]]:
    """The size of NAL lengths and the parameter sets of an avcC or hvcC record (ISO/IEC
    14496-15, 5.3.3 and 8.3.3).
    """
    if len(extradata) < 7 or extradata[0] != 1:
        raise BadInput("{file}: has no avcC or hvcC record; give an MP4 or MKV file", file=file)
    record = _Reader(extradata)
    if codec is Codec.H264:
        record.skip(4)
        length_size = (record.byte() & 3) + 1
        sps = [record.sized() for _ in range(record.byte() & 31)]
        return length_size, (*sps, *[record.sized() for _ in range(record.byte())])
    record.skip(21)
    length_size = (record.byte() & 3) + 1
    sets: list[bytes] = []
    for _ in range(record.byte()):
        kind = record.byte() & 63
        found = [record.sized() for _ in range(record.short())]
        sets += found if kind in _PARAMETER_SETS[codec] else []
    return length_size, tuple(sets)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def skip(self, size: int) -> None:
        self._at += size

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def short(self) -> int:
        return self.byte() << 8 | self.byte()

    def sized(self) -> bytes:
        size = self.short()
        self._at += size
        return self._data[self._at - size : self._at]


def _with_sets(codec: Codec, nals: list[bytes], sets: tuple[bytes, ...]) -> list[bytes]:
    """`nals` with the parameter sets before them, unless they bring their own."""
    own = any(nal_type(codec, nal) in _PARAMETER_SETS[codec] for nal in nals)
    return nals if own else [*sets, *nals]


def _unit(codec: Codec, due: int, pts: int, is_keyframe: bool, nals: list[bytes]) -> PreparedUnit:
    return unit_of(payloads(codec, nals), PAYLOAD_TYPE, due, pts, is_keyframe)


def unit_of(
    parts: list[bytes], payload_type: int, due: int, pts: int, is_keyframe: bool
) -> PreparedUnit:
    """RTP payloads as a unit; the last one carries the marker."""
    template = bytearray()
    offsets: list[int] = []
    for index, payload in enumerate(parts):
        marker = 0x80 if index == len(parts) - 1 else 0
        offsets.append(len(template))
        template += (
            _FRAMED_HEADER.pack(0x24, 0, 12 + len(payload), 0x80, marker | payload_type, 0, 0, 0)
            + payload
        )
    return PreparedUnit(due, pts, is_keyframe, bytes(template), tuple(offsets))


def _video_sdp(codec: Codec, sets: tuple[bytes, ...]) -> tuple[str, ...]:
    texts = [(nal_type(codec, nal), b64encode(nal).decode()) for nal in sets]
    head = f"m=video 0 RTP/AVP {PAYLOAD_TYPE}"
    if codec is Codec.H264:
        sps = next((nal for nal in sets if nal_type(codec, nal) == 7), b"\0\x42\0\x1e")
        profile, encoded = sps[1:4].hex(), ",".join(text for _, text in texts)
        fmtp = f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={encoded}"
        return (head, f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}", f"a=fmtp:{PAYLOAD_TYPE} {fmtp}")
    names = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
    fmtp = ";".join(
        f"{names[kind]}={','.join(text for other, text in texts if other == kind)}"
        for kind in names
    )
    return (head, f"a=rtpmap:{PAYLOAD_TYPE} H265/{CLOCK_HZ}", f"a=fmtp:{PAYLOAD_TYPE} {fmtp}")


def silence() -> PreparedMedia:
    """Sound without video: a second of PCMU silence, 40 ms a packet."""
    units = tuple(unit_of([b"\xff" * 320], 0, at, at, True) for at in range(0, 8000, 320))
    return PreparedMedia(
        Codec.PCMU, 8000, units, 8000, ("m=audio 0 RTP/AVP 0", "a=rtpmap:0 PCMU/8000")
    )
