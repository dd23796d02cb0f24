"""Single segments and their keyframes for players. Fragments are compared with their SHA-256 before
any of their bytes are sent, as those of a recording are.

A damaged fragment is left out, and the fragments after it up to the next one with a keyframe.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from api.access.api_context import ApiContext
from api.cameras.fragment_check import FragmentVerification
from api.cameras.layout_reader import LayoutReader
from api.cameras.recording_blocks import Damaged
from api.cameras.segment_files import LocalSegments
from api.cameras.segment_locator import Located, open_segment_part
from domain.clock import NS_PER_S
from domain.errors import DataLoss, NotFound
from storage.mp4.fragment_samples import IntArray, Keyframe, picture_fragment
from storage.mp4.fragment_times import Head, head_of
from storage.mp4.segment_layout import SegmentLayout, TrackLayout, fragments_at
from storage.recordings.cut_plan import CutPiece
from storage.recordings.served_segments import describe_head
from storage.recordings.virtual.layout_records import LayoutRecord, StoredRecord, read_record
from storage.recordings.virtual.timeline import LaidOutPiece, damaged_span

MOST_RECORDS = 2000
"""The layouts of segments that are remembered; each has about 3 kB."""
MOST_HEADS = 1000
Key = TypeVar("Key")
Value = TypeVar("Value")
_NO_DAMAGE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class VerifiedSegment:
    """The intact part of a segment."""

    head: Head
    media: bytes
    """Its fragments, as they are stored."""
    damaged_ns: tuple[tuple[int, int], ...]
    """The times (UTC ns) that it cannot show because fragments are damaged."""
    first_shown: int
    """The presentation time of the picture at the segment's start, in ticks of its track."""


@dataclass(frozen=True, slots=True)
class Keyframes:
    """Keyframes of a segment as fragments, with the times of the file; `last_ns` is the wall time
    of the last, None if there is none.
    """

    data: bytes
    last_ns: int | None


class VerifiedSegments:
    """Reads segments, wherever they are. Thread-safe.

    Every call raises NotFound for a segment that was deleted since it was listed, DataLoss for one
    that was changed or of which nothing is intact, and what its source raises.
    """

    def __init__(
        self,
        context: ApiContext,
        local: LocalSegments,
        layouts: LayoutReader,
        verification: FragmentVerification,
    ) -> None:
        self._context = context
        self._local = local
        self._layouts = layouts
        self._verification = verification
        self._lock = threading.Lock()
        self._records: OrderedDict[tuple[object, ...], StoredRecord] = OrderedDict()
        self._heads: OrderedDict[str, Head] = OrderedDict()

    def head(self, one: Located) -> Head:
        """Return the head of a segment."""
        return self._head(one, self._record(one).layout)

    def read(self, one: Located) -> VerifiedSegment:
        """Return the intact part of a segment."""
        record = self._record(one)
        layout, hashes = record.layout, record.hashes or ()
        damaged = set(self.damaged([one]).get(one.key, _NO_DAMAGE))
        data = self._bytes(one, 0, layout.end)
        for number, sha256 in enumerate(hashes):
            start, end = layout.fragments[number].tolist()
            if number not in damaged and not self._is_intact(one, number, data[start:end], sha256):
                damaged.add(number)
        parts = _intact_parts(layout, damaged)
        if not parts:
            raise DataLoss("{segment} is damaged and is not sent", segment=one.name)
        piece = CutPiece(one.segment, one.segment.start_ns, one.end_ns)
        laid_out = LaidOutPiece(piece, layout)
        return VerifiedSegment(
            self._head(one, layout),
            b"".join(data[start:end] for start, end in parts),
            tuple(damaged_span(laid_out, number) for number in sorted(damaged)),
            layout.video.first_shown,
        )

    def damaged(self, segments: Sequence[Located]) -> Damaged:
        """Return the fragments of segments that are known to be damaged."""
        return self._verification.damaged(segments)

    def keyframes(
        self, one: Located, within: tuple[int, int], every_ns: int, known: Collection[int]
    ) -> tuple[Head, Keyframes]:
        """Return the head of a segment and its keyframes shown within [from, to), at least
        `every_ns` apart. Those in damaged fragments are left out: `known`, and others that are
        found.
        """
        record, damaged = self._record(one), set(known)
        video, head = record.layout.video, self._head(one, record.layout)
        places = fragments_at(record.layout.fragments, record.layout.video.offsets)
        walls_ns = one.segment.start_ns + _after_first_ns(video)
        while True:
            usable = video.are_keyframes & ~np.isin(places, sorted(damaged))
            usable &= (walls_ns >= within[0]) & (walls_ns < within[1])
            chosen = list(_apart(np.flatnonzero(usable), walls_ns, every_ns))
            pictures: list[bytes] = []
            for sample in chosen:
                data = self._picture(one, record, sample, int(places[sample]))
                if data is None:
                    damaged.add(int(places[sample]))
                    break
                pictures.append(data)
            else:
                last_ns = int(walls_ns[chosen[-1]]) if chosen else None
                return head, Keyframes(_fragments(video, head, chosen, pictures), last_ns)

    def _picture(
        self, one: Located, record: LayoutRecord, sample: int, fragment: int
    ) -> bytes | None:
        """Return the bytes of a picture; None if its fragment is damaged."""
        video, hashes = record.layout.video, record.hashes
        offset, size_bytes = int(video.offsets[sample]), int(video.sizes[sample])
        if hashes is None or self._verification.is_verified(one, fragment):
            return self._bytes(one, offset, size_bytes)
        start, end = record.layout.fragments[fragment].tolist()
        data = self._bytes(one, start, end - start)
        if not self._is_intact(one, fragment, data, hashes[fragment]):
            return None
        return data[offset - start : offset - start + size_bytes]

    def _is_intact(self, one: Located, fragment: int, data: bytes, sha256: bytes) -> bool:
        """Compare a fragment, once for each version of its file. Damage is recorded."""
        if self._verification.is_verified(one, fragment):
            return True
        try:
            self._verification.check(one, fragment, hashlib.sha256(data).digest(), sha256)
        except DataLoss:  # it is recorded, and the fragment is left out
            return False
        return True

    def _record(self, one: Located) -> LayoutRecord:
        key = (one.segment.camera_id, one.name, one.version)
        with self._lock:
            known = self._records.get(key)
        if known is None:
            known = self._layouts.read([one]).get(one.key)
            if known is None:
                raise NotFound("{segment} was deleted, or it cannot be read", segment=one.name)
            if not one.is_open:
                _remember(self._lock, self._records, key, known, MOST_RECORDS)
        return read_record(known)

    def _head(self, one: Located, layout: SegmentLayout) -> Head:
        """Return the head of a segment, which is that of its listing."""
        with self._lock:
            known = self._heads.get(one.head) if one.head else None
        if known is not None:
            return known
        found = head_of(self._bytes(one, 0, int(layout.fragments[0, 0])))
        if one.head and describe_head(found.data)[0] != one.head:
            raise DataLoss(
                "the head of {segment} was changed since it was listed", segment=one.name
            )
        if one.head:
            _remember(self._lock, self._heads, one.head, found, MOST_HEADS)
        return found

    def _bytes(self, one: Located, offset: int, length_bytes: int) -> bytes:
        here = self._local.open_part(one, offset, length_bytes)
        with closing(here or open_segment_part(self._context, one, offset, length_bytes)) as stream:
            data = b"".join(stream)
        if len(data) != length_bytes:
            raise DataLoss("{segment} is shorter than when it was listed", segment=one.name)
        return data


def _remember(
    lock: threading.Lock, known: OrderedDict[Key, Value], key: Key, value: Value, most: int
) -> None:
    with lock:
        known[key] = value
        if len(known) > most:
            known.popitem(last=False)


def _intact_parts(layout: SegmentLayout, damaged: Collection[int]) -> list[tuple[int, int]]:
    """Return the offset and the end of the fragments that a player can use."""
    keyframes = layout.video.offsets[layout.video.are_keyframes]
    with_keyframe = set(fragments_at(layout.fragments, keyframes).tolist())
    parts, is_usable = list[tuple[int, int]](), True
    for number, (start, end) in enumerate(layout.fragments.tolist()):
        is_usable = number not in damaged and (is_usable or number in with_keyframe)
        if is_usable:
            parts.append((start, end))
    return parts


def _after_first_ns(video: TrackLayout) -> IntArray:
    shown = video.decode_times + video.shown_after
    after: IntArray = (shown - video.first_shown) * NS_PER_S // video.header.timescale
    return after


def _apart(samples: IntArray, walls_ns: IntArray, every_ns: int) -> Iterator[int]:
    """Yield the samples that are at least `every_ns` after the last one that was yielded."""
    last_ns: int | None = None
    for sample in samples.tolist():
        wall_ns = int(walls_ns[sample])
        if last_ns is None or wall_ns - last_ns >= every_ns:
            last_ns = wall_ns
            yield sample


def _fragments(
    video: TrackLayout, head: Head, chosen: Sequence[int], pictures: Sequence[bytes]
) -> bytes:
    """Return a fragment for each keyframe, which lasts until the next one."""
    starts = [int(video.decode_times[sample]) for sample in chosen]
    ends = [*starts[1:], int(video.decode_times[-1] + video.durations[-1])]
    shown_after = [int(video.shown_after[sample]) for sample in chosen]
    rows = zip(pictures, starts, ends, shown_after, strict=True)
    return b"".join(
        picture_fragment(number, Keyframe(data, start, max(1, end - start), after), head)
        for number, (data, start, end, after) in enumerate(rows, 1)
    )
