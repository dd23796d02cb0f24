"""Reads what the head of an MP4 file declares of its tracks, without a demuxer (ISO/IEC 14496-12,
8.3 to 8.5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.mp4.boxes import movie_head

_NESTS = frozenset({b"mdia", b"minf", b"stbl"})


@dataclass(frozen=True, slots=True)
class TrackHeader:
    """One track; `description` is its `stsd` box: codec, size and parameters. Two tracks with equal
    ones can be joined seamlessly.
    """

    is_sound: bool
    timescale: int
    shown_size: bytes
    """Width and height as `tkhd` has them: 16.16 fixed point, eight bytes."""
    description: bytes


def tracks(path: Path) -> tuple[TrackHeader, ...]:
    """Return the video and sound tracks of a file, in order; none if its head is incomplete."""
    return tuple(track for _, track in tracks_of(movie_head(path)))


def tracks_of(moov: bytes) -> tuple[tuple[int, TrackHeader], ...]:
    """Return the number and the header of each video and sound track in the content of a `moov`."""
    found = []
    for name, trak in _children(moov):
        inner = dict(_leaves(trak)) if name == b"trak" else {}
        if (
            inner.get(b"hdlr", b"")[8:12] in (b"vide", b"soun")
            and {b"tkhd", b"mdhd", b"stsd"} <= inner.keys()
        ):
            found.append((_number(inner[b"tkhd"]), _track(inner)))
    return tuple(found)


def _number(tkhd: bytes) -> int:
    at = 20 if tkhd[0] == 1 else 12
    return int.from_bytes(tkhd[at : at + 4], "big")


def _track(inner: dict[bytes, bytes]) -> TrackHeader:
    media = inner[b"mdhd"]
    at = 20 if media[0] == 1 else 12
    stsd = inner[b"stsd"]
    description = struct.pack(">I4s", 8 + len(stsd), b"stsd") + stsd
    return TrackHeader(
        inner[b"hdlr"][8:12] == b"soun",
        int.from_bytes(media[at : at + 4], "big"),
        inner[b"tkhd"][-8:],
        description,
    )


def _leaves(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for name, payload in _children(data):
        if name in _NESTS:
            yield from _leaves(payload)
        else:
            yield name, payload


def _children(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8 or at + size > len(data):
            return
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size
