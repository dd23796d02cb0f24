"""Writes fragmented MP4: the head of a file and its fragments as bytes (ISO/IEC 14496-12, 8.8; -15
for avc1 and hvc1). Pure.

A file is one `head`, then any number of `fragment`s. Each is a whole `moof` with its `mdat`, so
that a file is readable up to its last whole fragment whatever follows. docs/recording.md has the
layout.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from domain.clock import NS_PER_S
from domain.media.packets import AudioInfo
from storage.mp4.sample_entries import (
    MATRIX,
    VideoSampleEntry,
    audio_entry,
    box,
    full_box,
    video_entry,
)

VIDEO_ID, AUDIO_ID = 1, 2
KEYFRAME, DELTA = 0x02000000, 0x01010000
"""Sample flags: the sample depends on no other, or it depends on others and decoding cannot start
at it.
"""
_VIDEO_RUN, _AUDIO_RUN = 0xF01, 0x301
_BASE_IS_MOOF = 0x020000
_MOVIE_SCALE = 1000
_MOOF = struct.Struct(">I4s I4sII")
"""The bytes of a moof before its runs, mfhd included."""
_NTP_EPOCH_S = 2_208_988_800
"""The seconds from 1900, the epoch of NTP, to 1970."""
_TRAF = struct.Struct(">I4s I4sII I4sIQ I4sIIi")
"""The bytes of a traf before the rows of its trun: tfhd, tfdt and the trun's head included."""


@dataclass(frozen=True, slots=True)
class VideoRun:
    """Consecutive pictures, in ticks of the track. `table` has (duration, size in bytes, flags, pts
    - dts) of each in sequence; `data` is all their bytes, in any number of pieces.
    """

    decode_time: int
    table: Sequence[int]
    data: Sequence[bytes | bytearray]


@dataclass(frozen=True, slots=True)
class AudioRun:
    """Consecutive pieces of sound, in samples. `table` has (duration, size in bytes) of each in
    sequence.
    """

    decode_time: int
    table: Sequence[int]
    data: Sequence[bytes | bytearray]


def head(video: VideoSampleEntry, audio: AudioInfo | None) -> bytes:
    """Return the head of a file. Raises DataLoss if the video's parameter sets are incomplete."""
    tracks = {
        VIDEO_ID: _track(VIDEO_ID, video.timescale, _visual(video), video_entry(video), video.delay)
    }
    if audio is not None:
        tracks[AUDIO_ID] = _audio_track(audio)
    return _head(tracks)


def sound_head(audio: AudioInfo) -> bytes:
    """Return the head of a file with sound only. Raises DataLoss for AAC without a known
    configuration.
    """
    return _head({AUDIO_ID: _audio_track(audio)})


def _head(tracks: dict[int, bytes]) -> bytes:
    extends = b"".join(
        full_box(b"trex", 0, 0, struct.pack(">5I", number, 1, 0, 0, 0)) for number in tracks
    )
    header = _movie_header(max(tracks) + 1)
    moov = box(b"moov", header + b"".join(tracks.values()) + box(b"mvex", extends))
    return box(b"ftyp", b"iso6\0\0\0\0iso6iso5mp41") + moov


def _audio_track(audio: AudioInfo) -> bytes:
    return _track(AUDIO_ID, audio.clock_hz, _sound(), audio_entry(audio), 0)


def fragment(
    sequence: int, video: VideoRun | None, audio: AudioRun | None
) -> list[bytes | bytearray]:
    """Return one `moof` with its `mdat`, in pieces; `sequence` rises from 1 within a file."""
    runs: list[tuple[int, int, int, VideoRun | AudioRun]] = []
    if video is not None:
        runs.append((VIDEO_ID, _VIDEO_RUN, 4, video))
    if audio is not None:
        runs.append((AUDIO_ID, _AUDIO_RUN, 2, audio))
    # All boxes are of known length, so the offsets of the data are known before they are built.
    size = _MOOF.size + sum([_TRAF.size + 4 * len(run.table) for _, _, _, run in runs])
    moof, at = [_MOOF.pack(size, b"moof", 16, b"mfhd", 0, sequence)], size + 8
    for number, flags, columns, run in runs:
        moof.append(_track_run(number, flags | 1 << 24, len(run.table) // columns, at, run))
        at += sum(run.table[1::columns])
    return [
        b"".join((*moof, (at - size).to_bytes(4, "big"), b"mdat")),
        *chain.from_iterable([run.data for _, _, _, run in runs]),
    ]


def producer_time(wall_ns: int, media_time: int) -> bytes:
    """Return a `prft` box (8.16.5), which stands before a fragment: the picture that is shown at
    `media_time`, in ticks of the video, was encoded at `wall_ns` (UTC).
    """
    seconds, rest_ns = divmod(wall_ns, NS_PER_S)
    ntp = seconds + _NTP_EPOCH_S << 32 | (rest_ns << 32) // NS_PER_S
    return full_box(
        b"prft", 1, 0, struct.pack(">IQQ", VIDEO_ID, ntp & 0xFFFFFFFFFFFFFFFF, media_time)
    )


def _track_run(
    track: int, version_and_flags: int, count: int, offset: int, run: VideoRun | AudioRun
) -> bytes:
    rows = struct.pack(f">{len(run.table)}i", *run.table)
    size = _TRAF.size + len(rows)
    ids = (size, b"traf", 16, b"tfhd", _BASE_IS_MOOF, track, 20, b"tfdt", 1 << 24, run.decode_time)
    return _TRAF.pack(*ids, size - 44, b"trun", version_and_flags, count, offset) + rows


def _movie_header(next_track: int) -> bytes:
    head_part = struct.pack(">4I I H 10x", 0, 0, _MOVIE_SCALE, 0, 0x10000, 0x100)
    return full_box(b"mvhd", 0, 0, head_part + MATRIX + bytes(24) + next_track.to_bytes(4, "big"))


def _visual(video: VideoSampleEntry) -> tuple[bytes, bytes, bytes]:
    size = struct.pack(">II", video.width_px << 16, video.height_px << 16)
    return b"vide", full_box(b"vmhd", 0, 1, bytes(8)), bytes(2) + bytes(2) + MATRIX + size


def _sound() -> tuple[bytes, bytes, bytes]:
    return b"soun", full_box(b"smhd", 0, 0, bytes(4)), b"\x01\0" + bytes(2) + MATRIX + bytes(8)


def _track(
    number: int, timescale: int, kind: tuple[bytes, bytes, bytes], entry: bytes, delay: int
) -> bytes:
    handler, media_head, shown = kind
    track_head = full_box(b"tkhd", 0, 3, struct.pack(">5I", 0, 0, number, 0, 0) + bytes(12) + shown)
    edits = (
        box(b"edts", full_box(b"elst", 0, 0, struct.pack(">IIiI", 1, 0, delay, 0x10000)))
        if delay
        else b""
    )
    media = full_box(b"mdhd", 0, 0, struct.pack(">4IHH", 0, 0, timescale, 0, 0x55C4, 0))
    media += full_box(b"hdlr", 0, 0, bytes(4) + handler + bytes(12) + b"Sightline\0")
    return box(b"trak", track_head + edits + box(b"mdia", media + _media_info(media_head, entry)))


def _media_info(media_head: bytes, entry: bytes) -> bytes:
    here = box(
        b"dinf", full_box(b"dref", 0, 0, (1).to_bytes(4, "big") + full_box(b"url ", 0, 1, b""))
    )
    tables = full_box(b"stsd", 0, 0, (1).to_bytes(4, "big") + entry)
    tables += b"".join(
        full_box(name, 0, 0, bytes(4)) for name in (b"stts", b"stsc", b"stco")
    ) + full_box(b"stsz", 0, 0, bytes(8))
    return box(b"minf", media_head + here + box(b"stbl", tables))
