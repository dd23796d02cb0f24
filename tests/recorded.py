"""Synthetic material for tests of recording: short encoded streams as packets, what NAL units
they hold, and recordings made of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from domain.clock import NS_PER_S
from domain.media.packet_batch import PacketBatch, PacketOrBatch
from domain.media.packets import AudioInfo, AudioPacket, Packet, StreamInfo, WallSource
from domain.recordings.gaps import GapCause
from ingest.recording.segments import Segments
from storage.mp4.demuxer import Mp4Reader

START_NS = 1_760_000_000 * NS_PER_S + 123_000_000
WIDTH_PX, HEIGHT_PX = 128, 96
_TIME_BASE = Fraction(1, 90_000)
_TICKS = 90_000
PER_FRAGMENT = 21


@dataclass(frozen=True)
class Material:
    """A kind of stream. `gop` and `length` are in frames."""

    codec: str = "h264"
    gop: int = 25
    length: int = 300
    b_frames: int = 0
    fps: int = 25

    @property
    def frame_ns(self) -> int:
        return NS_PER_S // self.fps


PLAIN = Material()
LONG_GOP = Material(gop=200)
B_FRAMES = Material(b_frames=3)
HEVC = Material(codec="hevc")
HEVC_B_FRAMES = Material(codec="hevc", b_frames=3)
KINDS = {
    "plain": PLAIN,
    "long_gop": LONG_GOP,
    "b_frames": B_FRAMES,
    "hevc": HEVC,
    "hevc_b_frames": HEVC_B_FRAMES,
}


def packets_of(
    material: Material, start_ns: int = START_NS, session: int = 1, in_band: bool = True
) -> list[Packet]:
    """The stream as a camera would send it, its first picture at `start_ns`. Frame n shows its
    number in `number_in`'s way.
    """
    encoded, extradata = _encoded(material)
    stream = StreamInfo(
        "cam-1",
        material.codec,
        WIDTH_PX,
        HEIGHT_PX,
        _TIME_BASE,
        b"" if in_band else extradata,
        session,
    )
    first_pts = encoded[0].pts
    return [
        replace(
            packet, stream=stream, wall_ns=start_ns + (packet.pts - first_pts) * NS_PER_S // _TICKS
        )
        for packet in encoded
    ]


def sound_of(codec: str, video: Packet, seconds: float, delay_ns: int = 0) -> list[AudioPacket]:
    """Sound that begins with the picture `video` and comes `delay_ns` after the pictures of its
    time: 16 kHz AAC, or 8 kHz G.711.
    """
    data, info, samples = _sound(codec)
    stream = replace(video.stream, audio=info)
    length_ns = samples * NS_PER_S // info.clock_hz
    pieces = []
    for number in range(int(seconds * info.clock_hz / samples)):
        wall_ns = video.wall_ns + number * samples * NS_PER_S // info.clock_hz
        come_ns = wall_ns + length_ns + delay_ns
        pieces.append(
            AudioPacket(
                stream, data[number % len(data)], 777 + number * samples, samples, wall_ns, come_ns
            )
        )
    return pieces


def with_sound(packets: Sequence[Packet], sound: Sequence[AudioPacket]) -> list[Packet]:
    stream = replace(packets[0].stream, audio=sound[0].stream.audio)
    return [replace(packet, stream=stream) for packet in packets]


@cache
def _sound(codec: str) -> tuple[list[bytes], AudioInfo, int]:
    if codec != "aac":
        random = np.random.default_rng(1)
        return [random.bytes(160) for _ in range(64)], AudioInfo(codec, 8000, 1), 160
    encoder = AudioCodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 16_000, "mono", "fltp"
    made: list[bytes] = []
    for number in range(40):
        wave = np.sin(
            np.arange(number * 1024, number * 1024 + 1024) * (0.05 + number / 1000)
        ).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave[None], "fltp", "mono")
        frame.sample_rate = 16_000
        made += [bytes(packet) for packet in encoder.encode(frame)]
    return made, AudioInfo("aac", 16_000, 1, bytes(encoder.extradata or b"")), 1024


@dataclass
class Recording:
    """Segments with what they said."""

    segments: Segments
    failures: list[str]
    holes: list[tuple[int, int, GapCause | None]]


def recording(folder: Path, fence: int = 1, segment_s: float = 2.0) -> Recording:
    """Segments of "cam-1" under `folder`, a `recordings` folder."""
    failures: list[str] = []
    holes: list[tuple[int, int, GapCause | None]] = []
    segments = Segments(
        "cam-1",
        folder / "cam-1",
        lambda: fence,
        segment_s,
        failures.append,
        lambda *hole: holes.append(hole),
    )
    return Recording(segments, failures, holes)


def record(
    packets: Sequence[Packet],
    folder: Path,
    fence: int = 1,
    segment_s: float = 2.0,
    sound: Sequence[AudioPacket] = (),
) -> Recording:
    """Put packets into segments under `folder`, a fragment of about a second at a time, with
    the sound that has come; and finish them.
    """
    made = recording(folder, fence, segment_s)
    for at in range(0, len(packets), PER_FRAGMENT):
        run = packets[at : at + PER_FRAGMENT]
        come = [piece for piece in sound if piece.received_ns <= run[-1].wall_ns]
        sound = sound[len(come) :]
        made.segments.write(run, come)
    made.segments.write((), sound)
    made.segments.close()
    return made


def number_in(picture: av.VideoFrame) -> int:
    """The frame number that a picture shows: 12 bits as black and white columns."""
    luma = picture.to_ndarray(format="gray")
    columns = luma[:, : 12 * 10].reshape(HEIGHT_PX, 12, 10).mean(axis=(0, 2))
    return int(sum(1 << bit for bit in range(12) if columns[bit] > 128))


def nals(access_unit: bytes, is_annex_b: bool) -> list[str]:
    """SHA-256 of each slice and SEI of an access unit, without parameter sets and delimiters
    (which MP4 keeps apart).
    """
    return [
        hashlib.sha256(nal).hexdigest()
        for nal in (_annex_b(access_unit) if is_annex_b else _prefixed(access_unit))
        if nal
    ]


def nals_of_file(path: Path) -> list[list[str]]:
    with Mp4Reader(path) as reader:
        return [nals(sample.data, is_annex_b=False) for sample in reader]


def _annex_b(data: bytes) -> Iterator[bytes]:
    for part in data.split(b"\0\0\1")[1:]:
        yield part.rstrip(b"\0")


def _prefixed(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


@cache
def _encoded(material: Material) -> tuple[list[Packet], bytes]:
    context = _encoder(material)
    raw = [
        packet
        for number in range(material.length)
        for packet in context.encode(numbered_picture(number))
    ] + context.encode(None)
    ticks = _TICKS // material.fps
    stream = StreamInfo("cam-1", material.codec, WIDTH_PX, HEIGHT_PX, _TIME_BASE, b"", 1)
    packets = [
        Packet(
            stream,
            bytes(p),
            (p.pts or 0) * ticks,
            (p.dts or 0) * ticks,
            0,
            p.is_keyframe,
            0,
            WallSource.RECEIVER,
            START_NS,
        )
        for p in raw
    ]
    return packets, bytes(context.extradata or b"")


def _encoder(material: Material) -> VideoCodecContext:
    is_h264 = material.codec == "h264"
    context = VideoCodecContext.create("libx264" if is_h264 else "libx265", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
    context.time_base, context.framerate = Fraction(1, material.fps), Fraction(material.fps)
    context.gop_size, context.max_b_frames = material.gop, material.b_frames
    interval = f"keyint={material.gop}:min-keyint={material.gop}"
    gop = f"{interval}:scenecut=0:open-gop=0:bframes={material.b_frames}:b-adapt=0"
    quiet = "" if is_h264 else ":log-level=none:pools=1:frame-threads=1"
    context.options = {
        "preset": "ultrafast",
        "x264-params" if is_h264 else "x265-params": gop + quiet,
    }
    return context


def numbered_picture(number: int) -> av.VideoFrame:
    """Draw a picture that shows its number, as `number_in` reads it."""
    grey = np.full((HEIGHT_PX, WIDTH_PX), 16, np.uint8)
    for bit in range(12):
        grey[:, bit * 10 : bit * 10 + 10] = 235 if number >> bit & 1 else 16
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    picture = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
    picture.pts = number
    return picture


def run_of(packets: Sequence[Packet]) -> PacketBatch:
    """These, which are no keyframes and in order of display, as one thing."""
    first, ends, starts = packets[0], [0], list[int]()
    for packet in packets:
        starts += [ends[-1] + start for start in packet.starts]
        ends.append(ends[-1] + len(packet.data))
    pts_ns = [packet.pts_ns for packet in packets]
    return PacketBatch(
        first.stream,
        b"".join(packet.data for packet in packets),
        ends[1:],
        [packet.pts for packet in packets],
        [packet.wall_ns for packet in packets],
        first.duration,
        first.wall_source,
        first.received_ns,
        None if first.sender_wall_ns is None else first.sender_wall_ns - pts_ns[0],
        pts_ns,
        starts if all(packet.starts for packet in packets) else (),
    )


def as_read(packets: Sequence[Packet], most: int = 12) -> list[PacketOrBatch]:
    """As a reader hands them on: what is no keyframe together, up to so many."""
    received: list[PacketOrBatch] = []
    waiting: list[Packet] = []
    for packet in packets:
        if waiting and (
            packet.is_keyframe or packet.stream is not waiting[0].stream or len(waiting) == most
        ):
            received.append(run_of(waiting))
            waiting = []
        if packet.is_keyframe:
            received.append(packet)
        else:
            waiting.append(packet)
    return [*received, *([run_of(waiting)] if waiting else [])]
