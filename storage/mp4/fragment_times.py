"""Fragmented MP4 as bytes: the end of its head, its samples, and shifted times, without a demuxer
(ISO/IEC 14496-12, 8.8). Pure.

The times of a recorded segment begin at 0. A player of many segments needs each at its place on one
timeline. That is one field of each fragment (`tfdt`), and nothing else is changed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from domain.clock import NS_PER_S
from domain.errors import DataLoss

_NOT_SYNC = 0x10000
_FULL_BOX_BYTES = 4


@dataclass(frozen=True, slots=True)
class _Box:
    type: bytes
    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class FragmentSample:
    """One video sample: its range in the file, its times in ticks of its track, and whether
    decoding can begin with it.
    """

    offset: int
    size_bytes: int
    decode_time: int
    duration: int
    shown_after: int
    """Presentation time minus decoding time."""
    is_keyframe: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The start of a file, `ftyp` and `moov`, and the fields of it that are needed to read the
    rest.
    """

    data: bytes
    timescales: dict[int, int]
    """The ticks a second, by track."""
    video_track: int
    defaults: tuple[int, int, int]
    """Duration, size and flags of the video's samples if a fragment does not have them."""


def head_of(data: bytes) -> Head:
    """Return the head of a file that begins with `data`. Raises DataLoss if it is incomplete, or
    has no video.
    """
    moov = next((box for box in boxes_in(data, 0, len(data)) if box.type == b"moov"), None)
    if moov is None:
        raise DataLoss("a segment does not begin as one")
    try:
        return _read_head(data[: moov.end], moov)
    except (struct.error, IndexError) as error:
        raise DataLoss(f"the head of a segment is damaged: {error}") from error


def moved(media: bytes, head: Head, by_ns: int) -> bytes:
    """Return `media` (whole fragments) with all its times later by `by_ns`, none before 0. Raises
    DataLoss if they are not fragments of `head`.
    """
    data = bytearray(media)
    try:
        for traf in _trafs(data):
            parts = {box.type: box for box in boxes_in(data, traf.body, traf.end)}
            scale = head.timescales[_u32(data, parts[b"tfhd"].body + _FULL_BOX_BYTES)]
            times = parts[b"tfdt"].body
            form = ">Q" if data[times] else ">I"
            (at,) = struct.unpack_from(form, data, times + _FULL_BOX_BYTES)
            struct.pack_into(
                form, data, times + _FULL_BOX_BYTES, max(0, at + by_ns * scale // NS_PER_S)
            )
    except (struct.error, KeyError, IndexError) as error:
        raise DataLoss(f"a fragment of a segment is damaged: {error}") from error
    return bytes(data)


def samples_of(fragment: bytes, offset: int, head: Head) -> Iterator[FragmentSample]:
    """Return the video samples of a `moof` (at `offset` of its file). Raises DataLoss."""
    try:
        for traf in _trafs(fragment):
            parts = {box.type: box for box in boxes_in(fragment, traf.body, traf.end)}
            if _u32(fragment, parts[b"tfhd"].body + _FULL_BOX_BYTES) == head.video_track:
                runs = [
                    box for box in boxes_in(fragment, traf.body, traf.end) if box.type == b"trun"
                ]
                yield from _samples(fragment, offset, parts, runs, head)
    except (struct.error, KeyError, IndexError) as error:
        raise DataLoss(f"a fragment of a segment is damaged: {error}") from error


def picture_fragment(
    sequence: int, sample: FragmentSample, head: Head, duration: int, data: bytes
) -> bytes:
    """Return a fragment with only one keyframe, shown at its own time for `duration` ticks."""
    tfhd = _full(b"tfhd", 0x020000, struct.pack(">I", head.video_track))
    tfdt = _full(b"tfdt", 1 << 24, struct.pack(">Q", sample.decode_time))
    row = struct.pack(">IIIi", duration, sample.size_bytes, 0x02000000, sample.shown_after)
    size = 8 + 16 + 8 + len(tfhd) + len(tfdt) + 20 + len(row)
    trun = _full(b"trun", 1 << 24 | 0xF01, struct.pack(">Ii", 1, size + 8) + row)
    moof = _plain(
        b"moof",
        _full(b"mfhd", 0, struct.pack(">I", sequence)) + _plain(b"traf", tfhd + tfdt + trun),
    )
    return moof + _plain(b"mdat", data)


def _samples(
    data: bytes, offset: int, parts: dict[bytes, _Box], runs: list[_Box], head: Head
) -> Iterator[FragmentSample]:
    duration, size, flags = _defaults(data, parts[b"tfhd"], head)
    times = parts[b"tfdt"].body
    (decode_time,) = struct.unpack_from(
        ">Q" if data[times] else ">I", data, times + _FULL_BOX_BYTES
    )
    at_byte = offset
    for run in runs:
        said, count = _u32(data, run.body) & 0xFFFFFF, _u32(data, run.body + 4)
        at = run.body + 8
        if said & 1:
            at_byte, at = offset + _u32(data, at), at + 4
        first_flags, at = (_u32(data, at), at + 4) if said & 4 else (None, at)
        for number in range(count):
            row = [duration, size, flags, 0]
            for column, bit in enumerate((0x100, 0x200, 0x400, 0x800)):
                if said & bit:
                    row[column], at = _u32(data, at), at + 4
            if number == 0 and first_flags is not None:
                row[2] = first_flags
            after = row[3] - (1 << 32) if row[3] >> 31 else row[3]
            yield FragmentSample(
                at_byte, row[1], decode_time, row[0], after, not row[2] & _NOT_SYNC
            )
            decode_time, at_byte = decode_time + row[0], at_byte + row[1]


def _defaults(data: bytes, tfhd: _Box, head: Head) -> tuple[int, int, int]:
    said, at = _u32(data, tfhd.body) & 0xFFFFFF, tfhd.body + 8
    at += (8 if said & 1 else 0) + (4 if said & 2 else 0)
    found = list(head.defaults)
    for column, bit in enumerate((8, 0x10, 0x20)):
        if said & bit:
            found[column], at = _u32(data, at), at + 4
    return found[0], found[1], found[2]


def _read_head(data: bytes, moov: _Box) -> Head:
    timescales, video_track, defaults = {}, 0, {}
    for box in boxes_in(data, moov.body, moov.end):
        if box.type == b"trak":
            track, scale, is_video = _track(data, box)
            timescales[track] = scale
            video_track = track if is_video and not video_track else video_track
        elif box.type == b"mvex":
            for trex in (one for one in boxes_in(data, box.body, box.end) if one.type == b"trex"):
                track, _, duration, size, flags = struct.unpack_from(
                    ">5I", data, trex.body + _FULL_BOX_BYTES
                )
                defaults[track] = (duration, size, flags)
    if not video_track:
        raise DataLoss("a segment has no video")
    return Head(data, timescales, video_track, defaults.get(video_track, (0, 0, 0)))


def _track(data: bytes, trak: _Box) -> tuple[int, int, bool]:
    parts = {box.type: box for box in boxes_in(data, trak.body, trak.end)}
    media = {box.type: box for box in boxes_in(data, parts[b"mdia"].body, parts[b"mdia"].end)}
    header, track_header = media[b"mdhd"].body, parts[b"tkhd"].body
    scale = _u32(data, header + (20 if data[header] else 12))
    track = _u32(data, track_header + (20 if data[track_header] else 12))
    handler = media[b"hdlr"].body + 8
    return track, scale, data[handler : handler + 4] == b"vide"


def _trafs(data: bytes | bytearray) -> Iterator[_Box]:
    for moof in boxes_in(data, 0, len(data)):
        if moof.type == b"moof":
            yield from (box for box in boxes_in(data, moof.body, moof.end) if box.type == b"traf")


def boxes_in(data: bytes | bytearray, start: int, end: int) -> Iterator[_Box]:
    """Yield the whole boxes of a range, in order."""
    while start + 8 <= end:
        size, body = _u32(data, start), start + 8
        if size == 1 and start + 16 <= end:
            size, body = int.from_bytes(data[start + 8 : start + 16], "big"), start + 16
        if size < body - start or start + size > end:
            return
        yield _Box(bytes(data[start + 4 : start + 8]), start, body, start + size)
        start += size


def _u32(data: bytes | bytearray, at: int) -> int:
    return int(struct.unpack_from(">I", data, at)[0])


def _plain(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


def _full(name: bytes, version_and_flags: int, body: bytes) -> bytes:
    return _plain(name, struct.pack(">I", version_and_flags) + body)
