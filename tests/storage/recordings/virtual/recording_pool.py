"""Recorded segments of many kinds, and the virtual files that tests make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from domain.clock import NS_PER_HOUR
from domain.errors import DataLoss
from storage.recordings.cut_plan import plan
from storage.recordings.file_reader import FilePart
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual.layout_records import read_record
from storage.recordings.virtual.layouts import Layouts, RecordingIndex
from storage.recordings.virtual.reader import OpenPart, read_bytes
from storage.recordings.virtual.timeline import LaidOutPiece
from storage.recordings.virtual.virtual_file import VirtualFile, make_virtual_file
from tests.recorded import (
    B_FRAMES,
    HEVC,
    LONG_GOP,
    PLAIN,
    START_NS,
    Material,
    packets_of,
    record,
    sound_of,
    with_sound,
)

SLOW = Material(gop=4, length=24, fps=2)
EVER = (0, START_NS * 2)


@dataclass(frozen=True)
class Pool:
    """Recorded segments, and the folder of their index."""

    segments: tuple[Segment, ...]
    folder: Path

    @property
    def layouts(self) -> Layouts:
        return Layouts(RecordingIndex(self.folder / "index"))

    def file(
        self,
        segments: Sequence[Segment],
        from_ns: int,
        to_ns: int,
        damaged: Mapping[Path, frozenset[int]] = MappingProxyType({}),
    ) -> VirtualFile:
        return make_virtual_file(self.pieces(segments, from_ns, to_ns, damaged), from_ns, to_ns)

    def pieces(
        self,
        segments: Sequence[Segment],
        from_ns: int,
        to_ns: int,
        damaged: Mapping[Path, frozenset[int]] = MappingProxyType({}),
    ) -> list[LaidOutPiece]:
        records = {
            one.path: next(self.layouts.records([one]), None) for one in dict.fromkeys(segments)
        }
        return [
            LaidOutPiece(
                piece,
                record.layout,
                record.hashes,
                damaged.get(piece.segment.path, frozenset()),
            )
            for piece in plan(segments, from_ns, to_ns)
            if (known := records[piece.segment.path]) is not None and (record := read_record(known))
        ]


@dataclass
class Checks:
    """Compares fragments, each once, and notes which were compared."""

    compared: list[tuple[int, int]] = field(default_factory=list)

    def is_verified(self, segment: int, fragment: int) -> bool:
        return (segment, fragment) in self.compared

    def check(self, segment: int, fragment: int, found: bytes, sha256: bytes) -> None:
        if found != sha256:
            raise DataLoss(f"fragment {fragment} of segment {segment}")
        self.compared.append((segment, fragment))


def read(
    file: VirtualFile,
    first: int = 0,
    length_bytes: int | None = None,
    checks: Checks | None = None,
) -> bytes:
    length_bytes = file.size_bytes if length_bytes is None else length_bytes
    return b"".join(read_bytes(file, first, length_bytes, open_part(file), checks or Checks()))


def open_part(file: VirtualFile) -> OpenPart:
    def opened(number: int, offset: int, length: int) -> FilePart:
        return FilePart(file.segments[number].segment.path, offset, length)

    return opened


def record_pool(folder: Path) -> Pool:
    """Record segments of about 2 s: plain, with B-frames, H.265, long GOPs, two kinds of sound, and
    a camera that sends two pictures a second.
    """
    plain = packets_of(PLAIN)
    aac, alaw = sound_of("aac", plain[0], 11.9), sound_of("pcm_alaw", plain[0], 11.9)
    record(plain, folder / "plain")
    record(packets_of(B_FRAMES), folder / "b_frames")
    record(packets_of(HEVC)[:100], folder / "hevc")
    record(packets_of(LONG_GOP)[:250], folder / "long_gop")
    record(packets_of(SLOW), folder / "slow")
    record(with_sound(plain, aac), folder / "aac", sound=aac)
    record(with_sound(plain, alaw), folder / "alaw", sound=alaw)
    names = ("plain", "b_frames", "hevc", "long_gop", "slow", "aac", "alaw")
    found = [
        segment for name in names for segment in Ledger(folder / name).segments("cam-1", *EVER)
    ]
    return Pool(tuple(found), folder)


def delayed(segment: Segment, hours: int) -> Segment:
    """Return the segment as if it had been recorded later."""
    assert segment.end_ns is not None
    by_ns = hours * NS_PER_HOUR
    return replace(segment, start_ns=segment.start_ns + by_ns, end_ns=segment.end_ns + by_ns)
