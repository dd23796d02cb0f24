"""A segment's file as a node serves it: its head, all whole fragments, or only its keyframes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from domain.clock import NS_PER_S
from domain.errors import DataLoss, NotFound
from storage.mp4.boxes import boxes, whole_bytes
from storage.mp4.codec_strings import mime_of
from storage.mp4.fragment_samples import FragmentSample, picture_fragment, samples_of
from storage.mp4.fragment_times import Head, head_of
from storage.recordings.ledger import Ledger, Segment, parse_segment

MOST_HEAD_BYTES = 1 << 20
MOST_MOOF_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Keyframes:
    """Keyframes of a segment as fragments, with the times of the file; `last_ns` is the wall time
    of the last, None if there is none.
    """

    data: bytes
    last_ns: int | None


def find(ledger: Ledger, camera_id: str, name: str) -> Segment:
    """Return the segment of that name, also if it was finished since it was listed. Raises
    NotFound.
    """
    asked = parse_segment(Path(name))
    if asked is None or asked.camera_id != camera_id:
        raise NotFound(f"{name!r} is no segment of {camera_id}")
    for segment in ledger.segments(camera_id, asked.start_ns, asked.start_ns + 1):
        if (segment.start_ns, segment.fence) == (asked.start_ns, asked.fence):
            return segment
    raise NotFound(f"this node has no segment {name}")


def read_head(path: Path) -> bytes:
    """Return `ftyp` and `moov`. Raises DataLoss if they are incomplete, NotFound if the file was
    deleted.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_HEAD_BYTES)
    except FileNotFoundError as error:
        raise NotFound(f"{path.name} is gone") from error
    return head_of(data).data


def read_whole(path: Path) -> bytes:
    """Return the file up to the end of its last whole fragment. Raises NotFound if it was deleted,
    or has none yet.
    """
    try:
        with path.open("rb") as file:
            data = file.read(whole_bytes(path))
    except FileNotFoundError as error:
        raise NotFound(f"{path.name} is gone") from error
    if not data:
        raise NotFound(f"nothing of {path.name} can be read yet")
    return data


def keyframes(path: Path, start_ns: int, within: tuple[int, int], every_ns: int) -> Keyframes:
    """Do the same as `keyframes_in` for a file, and read only the bytes of its keyframes. Raises
    DataLoss, NotFound.
    """
    try:
        with path.open("rb") as file:
            return keyframes_in(file, start_ns, within, every_ns)
    except FileNotFoundError as error:
        raise NotFound(f"{path.name} is gone") from error


def said_of_head(head: bytes) -> tuple[str, str]:
    """Return a hash of a segment's head, and its MIME type for players. Raises
    DataLoss.
    """
    return hashlib.sha256(head).hexdigest()[:16], mime_of(head)


def keyframes_in(
    file: BinaryIO, start_ns: int, within: tuple[int, int], every_ns: int
) -> Keyframes:
    """Return the keyframes shown within [from, to), at least `every_ns` apart. Raises DataLoss."""
    head = head_of(file.read(MOST_HEAD_BYTES))
    samples = list(_all_samples(file, head))
    chosen = _chosen(samples, head, start_ns, within, every_ns)
    if not chosen:
        return Keyframes(b"", None)
    ends = [
        *(sample.decode_time for _, sample in chosen[1:]),
        samples[-1].decode_time + samples[-1].duration,
    ]
    parts = []
    for number, ((_, sample), end) in enumerate(zip(chosen, ends, strict=True), 1):
        file.seek(sample.offset)
        parts.append(
            picture_fragment(
                number, sample, head, max(1, end - sample.decode_time), file.read(sample.size_bytes)
            )
        )
    return Keyframes(b"".join(parts), chosen[-1][0])


def _chosen(
    samples: Sequence[FragmentSample],
    head: Head,
    start_ns: int,
    within: tuple[int, int],
    every_ns: int,
) -> list[tuple[int, FragmentSample]]:
    chosen: list[tuple[int, FragmentSample]] = []
    for sample in samples:
        shown = (
            sample.decode_time
            + sample.shown_after
            - samples[0].decode_time
            - samples[0].shown_after
        )
        wall_ns = start_ns + shown * NS_PER_S // head.timescales[head.video_track]
        is_due = not chosen or wall_ns - chosen[-1][0] >= every_ns
        if sample.is_keyframe and is_due and within[0] <= wall_ns < within[1]:
            chosen.append((wall_ns, sample))
    return chosen


def _all_samples(file: BinaryIO, head: Head) -> Iterator[FragmentSample]:
    """Yield the samples of all fragments whose data is complete."""
    for box, following in pairwise(boxes(file)):
        if box.type != b"moof" or following.type != b"mdat":
            continue
        if box.size_bytes > MOST_MOOF_BYTES:
            raise DataLoss("a fragment is larger than any should be")
        file.seek(box.offset)
        yield from samples_of(file.read(box.size_bytes), box.offset, head)
