"""Fragmented MP4 as bytes: the end of its head, and shifted times, without a demuxer (ISO/IEC
14496-12, 8.8). Pure. `fragment_samples.py` reads the samples.

The times of a recorded segment begin at 0. A player of many segments needs each at its place on one
timeline. That is one field of each fragment (`tfdt`), and nothing else is changed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from domain.clock import NS_PER_S
from domain.errors import DataLoss

FULL_BOX_BYTES = 4


@dataclass(frozen=True, slots=True)
class BoxRange:
    """A box, and where it, its content and its end are in some data."""

    type: bytes
    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Head:
    """The start of a file, `ftyp` and `moov`, and the fields of it that are needed to read the
    rest.
    """

    data: bytes
    timescales: dict[int, int]
    """The ticks a second, by track."""
    video_track: int
    defaults: dict[int, tuple[int, int, int]]
    """Duration, size and flags of the samples of a track if a fragment does not have them."""


def head_of(data: bytes) -> Head:
    """Return the head of a file that begins with `data`. Raises DataLoss if it is incomplete, or
    has no video.
    """
    moov = next((box for box in boxes_in(data, 0, len(data)) if box.type == b"moov"), None)
    if moov is None:
        raise DataLoss("a segment does not begin as one")
    try:
        return _read_head(data[: moov.end], moov)
    except (struct.error, LookupError) as error:
        raise DataLoss("the head of a segment is damaged: {error}", error=error) from error


def moved(media: bytes, head: Head, by_ns: int) -> bytes:
    """Return `media` (whole fragments) with all its times later by `by_ns`, none before 0. Raises
    DataLoss if they are not fragments of `head`.
    """
    data = bytearray(media)
    try:
        for traf in trafs_in(data):
            parts = {box.type: box for box in boxes_in(data, traf.body, traf.end)}
            scale = head.timescales[u32(data, parts[b"tfhd"].body + FULL_BOX_BYTES)]
            times = parts[b"tfdt"].body
            form = ">Q" if data[times] else ">I"
            (at,) = struct.unpack_from(form, data, times + FULL_BOX_BYTES)
            struct.pack_into(
                form, data, times + FULL_BOX_BYTES, max(0, at + by_ns * scale // NS_PER_S)
            )
    except (struct.error, KeyError, IndexError) as error:
        raise DataLoss("a fragment of a segment is damaged: {error}", error=error) from error
    return bytes(data)


def _read_head(data: bytes, moov: BoxRange) -> Head:
    timescales, video_track, defaults = {}, 0, {}
    for box in boxes_in(data, moov.body, moov.end):
        if box.type == b"trak":
            track, scale, is_video = _track(data, box)
            timescales[track] = scale
            video_track = track if is_video and not video_track else video_track
        elif box.type == b"mvex":
            for trex in (one for one in boxes_in(data, box.body, box.end) if one.type == b"trex"):
                track, _, duration, size, flags = struct.unpack_from(
                    ">5I", data, trex.body + FULL_BOX_BYTES
                )
                defaults[track] = (duration, size, flags)
    if not video_track:
        raise DataLoss("a segment has no video")
    return Head(data, timescales, video_track, defaults)


def _track(data: bytes, trak: BoxRange) -> tuple[int, int, bool]:
    parts = {box.type: box for box in boxes_in(data, trak.body, trak.end)}
    media = {box.type: box for box in boxes_in(data, parts[b"mdia"].body, parts[b"mdia"].end)}
    header, track_header = media[b"mdhd"].body, parts[b"tkhd"].body
    scale = u32(data, header + (20 if data[header] else 12))
    track = u32(data, track_header + (20 if data[track_header] else 12))
    handler = media[b"hdlr"].body + 8
    return track, scale, data[handler : handler + 4] == b"vide"


def trafs_in(data: bytes | bytearray) -> Iterator[BoxRange]:
    """Yield the `traf` boxes of all fragments in `data`."""
    for moof in boxes_in(data, 0, len(data)):
        if moof.type == b"moof":
            yield from (box for box in boxes_in(data, moof.body, moof.end) if box.type == b"traf")


def boxes_in(data: bytes | bytearray, start: int, end: int) -> Iterator[BoxRange]:
    """Yield the whole boxes of a range, in order."""
    while start + 8 <= end:
        size, body = u32(data, start), start + 8
        if size == 1 and start + 16 <= end:
            size, body = int.from_bytes(data[start + 8 : start + 16], "big"), start + 16
        if size < body - start or start + size > end:
            return
        yield BoxRange(bytes(data[start + 4 : start + 8]), start, body, start + size)
        start += size


def u32(data: bytes | bytearray, at: int) -> int:
    """Return the number of four bytes at `at`. Raises struct.error beyond the end."""
    return int(struct.unpack_from(">I", data, at)[0])
