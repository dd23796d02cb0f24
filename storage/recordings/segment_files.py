"""The files of a camera's segments: those on this disk, and copies of those that only the object
store has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from domain.errors import NotFound
from domain.paths.segment_name import SegmentName
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.stored_segments import StoredSegments


class SegmentFiles:
    """The segments of a node and of the object store. One thread uses it."""

    def __init__(self, ledger: Ledger, stored: StoredSegments, folder: Path) -> None:
        """Segments from the object store are copied to `folder` while they are open."""
        self._ledger = ledger
        self._stored = stored
        self._folder = folder

    def segments(self, camera_id: str, from_ns: int, to_ns: int) -> list[Segment]:
        """Return the segments that overlap the range, by start. The file of a segment exists only
        if this disk has it.
        """
        local = self._ledger.segments(camera_id, from_ns, to_ns)
        there = {(segment.start_ns, segment.fence) for segment in local}
        remote = [
            Segment(
                self._folder / one.name.file_name, camera_id, one.start_ns, one.end_ns, one.fence
            )
            for one in self._stored.between(camera_id, from_ns, to_ns)
            if (one.start_ns, one.fence) not in there
        ]
        return sorted([*local, *remote], key=lambda segment: (segment.start_ns, segment.fence))

    @contextmanager
    def opened(self, segment: Segment) -> Iterator[Segment]:
        """Yield the segment with a file that exists meanwhile. Raises NotFound if neither place has
        it, or if it was finished since it was listed.
        """
        if segment.path.exists():
            yield segment
            return
        name = SegmentName.parse(segment.path.name)
        if name is None:
            raise NotFound("{path} was renamed", path=segment.path.name)
        self._folder.mkdir(parents=True, exist_ok=True)
        copy = self._stored.fetch(name, self._folder)
        try:
            yield replace(segment, path=copy)
        finally:
            copy.unlink(missing_ok=True)
