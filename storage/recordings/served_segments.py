"""A segment's file as a node finds it by its name, and its head."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from domain.errors import NotFound
from domain.paths.object_keys import day_of
from storage.mp4.codec_strings import mime_of
from storage.mp4.fragment_times import head_of
from storage.recordings.ledger import Ledger, Segment, parse_segment

MOST_HEAD_BYTES = 1 << 20


def find(ledger: Ledger, camera_id: str, name: str) -> Segment:
    """Return the segment of that name, also if it was finished since it was listed. Raises
    NotFound.
    """
    asked = parse_segment(Path(name))
    if asked is None or asked.camera_id != camera_id or asked.path.name != name:
        raise NotFound("{name} is no segment of {camera}", name=repr(name), camera=camera_id)
    path = ledger.recordings / camera_id / day_of(asked.start_ns) / name
    if path.exists():  # usually: to list its day for each part takes longer than to read the part
        return replace(asked, path=path)
    for segment in ledger.segments(camera_id, asked.start_ns, asked.start_ns + 1):
        if (segment.start_ns, segment.fence) == (asked.start_ns, asked.fence):
            return segment
    raise NotFound("this node has no segment {name}", name=name)


def read_head(path: Path) -> bytes:
    """Return `ftyp` and `moov`. Raises DataLoss if they are incomplete, NotFound if the file was
    deleted.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_HEAD_BYTES)
    except FileNotFoundError as error:
        raise NotFound("{path} is gone", path=path.name) from error
    return head_of(data).data


def describe_head(head: bytes) -> tuple[str, str]:
    """Return a hash of a segment's head, and its MIME type for players. Raises DataLoss."""
    return hashlib.sha256(head).hexdigest()[:16], mime_of(head)
