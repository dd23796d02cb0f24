"""Where the samples of a segment are in its file, and their times: read from the head and from the
`moof` boxes, without the media data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

import numpy as np

from domain.errors import DataLoss
from storage.mp4.boxes import Box, boxes
from storage.mp4.fragment_samples import BoolArray, IntArray, TrackRun, runs_of
from storage.mp4.fragment_times import Head, boxes_in, head_of
from storage.mp4.tracks import TrackHeader, tracks_of

MOST_HEAD_BYTES = 1 << 20
MOST_MOOF_BYTES = 1 << 20
_FIRST_BYTES = 16 << 10
"""Most heads are shorter, so that one read is enough."""


@dataclass(frozen=True, eq=False)
class TrackLayout:
    """The samples of one track of a segment, in decoding order."""

    header: TrackHeader
    offsets: IntArray
    """The offset of each sample in the file."""
    sizes: IntArray
    decode_times: IntArray
    """In ticks of the track."""
    durations: IntArray
    shown_after: IntArray
    """Presentation times minus decoding times."""
    are_keyframes: BoolArray

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def first_shown(self) -> int:
        """The presentation time of the first sample, in ticks of the track."""
        return int(self.decode_times[0] + self.shown_after[0])


@dataclass(frozen=True, eq=False)
class SegmentLayout:
    """The whole fragments of a segment. `sound` is None if it has none."""

    video: TrackLayout
    sound: TrackLayout | None
    fragments: IntArray
    """For each fragment the offset of its `moof` and the end of its `mdat`: n rows of 2."""
    is_whole: bool
    """Whether nothing follows the last fragment."""

    @property
    def end(self) -> int:
        """The end of the last fragment in the file."""
        return int(self.fragments[-1, 1])


def fragments_at(fragments: IntArray, offsets: IntArray | Sequence[int]) -> IntArray:
    """Return the number of the fragment that has the byte at each offset. `fragments` are those of
    a `SegmentLayout`.
    """
    numbers: IntArray = np.searchsorted(fragments[:, 0], offsets, "right") - 1
    return numbers


def read_layout(file: BinaryIO) -> SegmentLayout:
    """Read the layout of a segment, up to the first damaged fragment.

    Raises DataLoss if the head is damaged, or no fragment with a picture is whole.
    """
    head = _read_head(file)
    runs: list[TrackRun] = []
    fragments: list[tuple[int, int]] = []
    end = file.seek(0, 2)
    for moof, mdat in _fragments(file):
        if moof.size_bytes > MOST_MOOF_BYTES:
            break
        file.seek(moof.offset)
        try:
            found = runs_of(file.read(moof.size_bytes), moof.offset, head)
        except DataLoss:
            break
        if not _are_within(found, mdat):
            break
        runs += found
        fragments.append((moof.offset, mdat.end))
    declared = tracks_of(content_of_moov(head.data))
    video = next((number for number, track in declared if not track.is_sound), 0)
    sound = next((number for number, track in declared if track.is_sound), 0)
    headers = dict(declared)
    pictures = _track_layout(headers.get(video), [run for run in runs if run.track == video])
    if pictures is None:
        raise DataLoss("a segment has no whole fragment with a picture")
    return SegmentLayout(
        pictures,
        _track_layout(headers.get(sound), [run for run in runs if run.track == sound]),
        np.array(fragments, np.int64).reshape(-1, 2),
        fragments[-1][1] == end,
    )


def _read_head(file: BinaryIO) -> Head:
    file.seek(0)
    data = file.read(_FIRST_BYTES)
    try:
        return head_of(data)
    except DataLoss:
        return head_of(data + file.read(MOST_HEAD_BYTES))


def content_of_moov(head: bytes) -> bytes:
    """Return the content of the `moov` of a segment's head."""
    moov = next(box for box in boxes_in(head, 0, len(head)) if box.type == b"moov")
    return head[moov.body : moov.end]


def _fragments(file: BinaryIO) -> Iterator[tuple[Box, Box]]:
    """Yield the boxes of each whole fragment."""
    for box, following in pairwise(boxes(file)):
        if box.type == b"moof" and following.type == b"mdat":
            yield box, following


def _are_within(runs: Sequence[TrackRun], mdat: Box) -> bool:
    return all(
        mdat.offset < run.offsets[0] and run.offsets[-1] + run.sizes[-1] <= mdat.end for run in runs
    )


def _track_layout(header: TrackHeader | None, runs: Sequence[TrackRun]) -> TrackLayout | None:
    if header is None or not runs:
        return None
    offsets = np.concatenate([run.offsets for run in runs])
    if np.any(np.diff(offsets) < 0):
        raise DataLoss("the samples of a segment are not stored in the order of decoding")
    return TrackLayout(
        header,
        offsets,
        np.concatenate([run.sizes for run in runs]),
        np.concatenate([run.decode_times for run in runs]),
        np.concatenate([run.durations for run in runs]),
        np.concatenate([run.shown_after for run in runs]),
        np.concatenate([run.are_keyframes for run in runs]),
    )


def accumulated(firsts: IntArray, counts: IntArray, steps: IntArray) -> IntArray:
    """Return the positions of samples that follow one another from the first of each run."""
    before = np.cumsum(steps) - steps
    run_starts = np.cumsum(counts) - counts
    found: IntArray = before + np.repeat(firsts - before[run_starts], counts)
    return found
