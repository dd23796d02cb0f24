"""The MIME type of a file for players (RFC 6381), such as `avc1.64001f,mp4a.40.2`, from the sample
entries of its head. Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from domain.errors import DataLoss
from storage.mp4.fragment_times import boxes_in

_TO_CONFIG = {b"avc1": 78, b"hvc1": 78, b"mp4a": 28}
"""The bytes of a sample entry before its inner boxes."""
_PATH = (b"mdia", b"minf", b"stbl", b"stsd")
_SPACES = ("", "A", "B", "C")


def mime_of(head: bytes, kind: Literal["video", "audio"] = "video") -> str:
    """Return the type for `MediaSource.addSourceBuffer`. Raises DataLoss if the head is damaged."""
    try:
        return f'{kind}/mp4; codecs="{",".join(_codecs(head))}"'
    except (struct.error, IndexError) as error:
        raise DataLoss("the head of a segment is damaged: {error}", error=error) from error


def h264_parameter_sets(head: bytes) -> tuple[bytes, ...]:
    """Return the parameter sets that a head declares for H.264, without start codes. Raises
    DataLoss if it declares none.
    """
    config = next((config for tag, config in _entries(head) if tag == b"avc1"), b"")
    try:
        sets, at = [], 5
        for mask in (0x1F, 0xFF):
            count, at = config[at] & mask, at + 1
            for _ in range(count):
                size_bytes = int.from_bytes(config[at : at + 2], "big")
                sets.append(config[at + 2 : at + 2 + size_bytes])
                at += 2 + size_bytes
    except IndexError as error:
        raise DataLoss("the head of a stream declares no parameter sets") from error
    if at > len(config) or not all(sets):
        raise DataLoss("the head of a stream is damaged: its parameter sets are cut off")
    return tuple(sets)


def _codecs(head: bytes) -> Iterator[str]:
    return (_codec(tag, config) for tag, config in _entries(head))


def _entries(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the tag of each track's sample entry, and the content of its configuration box."""
    for moov in (box for box in boxes_in(head, 0, len(head)) if box.type == b"moov"):
        for trak in (box for box in boxes_in(head, moov.body, moov.end) if box.type == b"trak"):
            place = trak
            for name in _PATH:
                place = next(
                    (box for box in boxes_in(head, place.body, place.end) if box.type == name),
                    place,
                )
            for entry in list(boxes_in(head, place.body + 8, place.end))[:1]:
                skip = _TO_CONFIG.get(entry.type, entry.end - entry.body)
                config = next(boxes_in(head, entry.body + skip, entry.end), None)
                yield entry.type, b"" if config is None else head[config.body : config.end]


def _codec(tag: bytes, config: bytes) -> str:
    if not tag.isalnum():
        raise DataLoss("the head of a segment is damaged: what it holds has no name")
    name = tag.decode()
    if tag == b"avc1":
        return f"{name}.{config[1:4].hex()}"
    if tag == b"hvc1":
        return f"{name}.{_hevc(config)}"
    return f"{name}.40.{_aac_object(config)}" if tag == b"mp4a" else name


def _hevc(config: bytes) -> str:
    """ISO/IEC 14496-15, annex E.3."""
    space, tier, profile = config[1] >> 6, "H" if config[1] >> 5 & 1 else "L", config[1] & 0x1F
    compatible = int(f"{int.from_bytes(config[2:6], 'big'):032b}"[::-1], 2)
    constraints = [f"{byte:X}" for byte in config[6:12].rstrip(b"\0")]
    return ".".join(
        [f"{_SPACES[space]}{profile}", f"{compatible:X}", f"{tier}{config[12]}", *constraints]
    )


def _aac_object(config: bytes) -> int:
    """Return the first five bits of the AudioSpecificConfig, which is in nested descriptors."""
    at = 4
    for body in (
        3,
        13,
        0,
    ):  # of an ES_Descriptor and a DecoderConfigDescriptor, before those within them
        at += 1
        while config[at] & 0x80:
            at += 1
        at += 1 + body
    return config[at] >> 3
