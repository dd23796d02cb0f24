"""The virtual files of recordings, from the layouts of segments on nodes and in the object store.

A file is made once for several requests, because a player requests many byte ranges of it. For
FRESH_S it is used as it is. After that the segments are listed again, and the file is made again if
they differ.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import cached_property

from api.access.api_context import ApiContext
from api.cameras.digest_cache import RecordingDigests
from api.cameras.fragment_check import FragmentVerification
from api.cameras.layout_reader import LayoutReader
from api.cameras.read_ahead import read_ahead
from api.cameras.recording_blocks import RecordingBlocks, SegmentKey
from api.cameras.segment_files import LocalSegments
from api.cameras.segment_locator import Located, LocatedSegments, open_segment_part
from api.cameras.verified_segments import VerifiedSegments
from storage.recordings.file_reader import Chunk
from storage.recordings.virtual.reader import FragmentChecks, PartStream, read_bytes
from storage.recordings.virtual.virtual_file import VirtualFile, join_blocks

FRESH_S = 5.0
READ_AHEAD_FROM_BYTES = 2 << 20
"""A shorter part is read without a thread of its own."""
MOST_BYTES = 128 << 20
"""The most memory that the files of a process use together, unless it is one file."""
_Key = tuple[str, int, int]


@dataclass(frozen=True, eq=False)
class RecordingFile:
    """A virtual file, and the sources of its segments."""

    file: VirtualFile
    located: LocatedSegments
    damaged: Mapping[SegmentKey, frozenset[int]]
    """The numbers of the damaged fragments of segments, which it lacks."""
    sources: tuple[Located, ...]
    """Where each segment of the file is."""
    checks: FragmentChecks
    local: LocalSegments

    def is_of(self, located: LocatedSegments, damaged: Mapping[SegmentKey, frozenset[int]]) -> bool:
        """Return whether the same file would be made from what is now known."""
        return self.located == located and self.damaged == damaged

    def read(self, context: ApiContext, first: int, length_bytes: int) -> Generator[Chunk]:
        """Yield bytes of the file. Raises what the sources raise, and DataLoss."""

        def open_part(number: int, offset: int, length: int) -> PartStream:
            one = self.sources[number]
            here = self.local.open_part(one, offset, length)
            return here or open_segment_part(context, one, offset, length)

        chunks = read_bytes(self.file, first, length_bytes, open_part, self.checks)
        is_long = length_bytes > READ_AHEAD_FROM_BYTES
        if is_long and self._is_elsewhere:
            return read_ahead(chunks, context.send_budget)
        return chunks

    @cached_property
    def _is_elsewhere(self) -> bool:
        """Whether segments are read through a network. A node is on this machine if one of its
        files is.
        """
        of_each_node = {one.lease: one for one in self.sources}.values()
        return not all(self.local.has(one) for one in of_each_node)


@dataclass(slots=True)
class _Known:
    recording: RecordingFile
    listed_s: float


class RecordingFiles:
    """Makes the virtual files of a process, and caches them. Thread-safe."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._size_bytes = 0
        """The memory of all known files together."""
        self._local = LocalSegments(context.layout)
        self._layouts = LayoutReader(context, self._local)
        self._blocks = RecordingBlocks()
        self._verification = FragmentVerification(context, self._layouts.damaged_span)
        self.digests = RecordingDigests()
        self.segments = VerifiedSegments(context, self._local, self._layouts, self._verification)
        """Reads single segments, and knows the same damage."""

    def recent(self, camera_id: str, span: tuple[int, int]) -> RecordingFile | None:
        """Return the file of a range if its segments were listed within FRESH_S."""
        with self._lock:
            known = self._known.get((camera_id, *span))
            if known is None or self._context.clock.monotonic_s() - known.listed_s >= FRESH_S:
                return None
            self._known.move_to_end((camera_id, *span))
            return known.recording

    def forget(self, recording: RecordingFile) -> None:
        """Have the segments of a file listed again by the next request."""
        with self._lock:
            stale = [key for key, known in self._known.items() if known.recording is recording]
            for key in stale:
                self._drop(key)
        for camera_id, _, _ in stale:
            self._context.stored.forget(camera_id)

    def file_of(
        self, camera_id: str, span: tuple[int, int], found: LocatedSegments
    ) -> RecordingFile:
        """Return the file of a range from the segments that were just listed.

        Raises NotFound if nothing is recorded, BadInput if too much must be read for it, and what
        the sources raise.
        """
        listed_s = self._context.clock.monotonic_s()
        damaged = self._verification.damaged(found.segments)
        with self._lock:
            known = self._known.get((camera_id, *span))
        if known is not None and known.recording.is_of(found, damaged):
            known.listed_s = listed_s
            return known.recording
        file, sources = self._make(span, found, damaged)
        checks = self._verification.of(sources)
        made = RecordingFile(file, found, damaged, sources, checks, self._local)
        with self._lock:
            self._drop((camera_id, *span))
            self._known[(camera_id, *span)] = _Known(made, listed_s)
            self._size_bytes += file.memory_bytes
            while self._size_bytes > MOST_BYTES and len(self._known) > 1:
                self._drop(next(iter(self._known)))
        return made

    def _make(
        self,
        span: tuple[int, int],
        found: LocatedSegments,
        damaged: Mapping[SegmentKey, frozenset[int]],
    ) -> tuple[VirtualFile, tuple[Located, ...]]:
        located = {one.key: one for one in found.segments}
        blocks = self._blocks.sources(found.pieces, located, damaged, self._layouts, span[0])
        file = join_blocks(blocks, *span)
        keys = ((one.segment.start_ns, one.segment.fence) for one in file.segments)
        return file, tuple(located[key] for key in keys)

    def _drop(self, key: _Key) -> None:
        """Remove a file, if it is known."""
        known = self._known.pop(key, None)
        if known is not None:
            self._size_bytes -= known.recording.file.memory_bytes
