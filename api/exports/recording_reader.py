"""Reads one range of an export: the recording of each coding, its hashes, and what is missing."""

from __future__ import annotations

import hashlib
import logging
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from api.access.api_context import ApiContext, KnownCamera
from api.cameras.recording_files import RecordingFile, RecordingFiles
from api.cameras.recordings import fixed_end
from api.cameras.segment_locator import LocatedSegments, with_segments
from api.exports.recording_parts import Span, apart_spans, explained, missing_spans
from domain.camera_scope import ALL_CAMERAS
from domain.clock import NS_PER_S, rfc3339
from domain.errors import BadInput, DataLoss, NodeOffline, NotFound, SightlineError
from domain.messages.message import joined_names
from storage.clients.locks import Lock
from storage.exports.records import (
    ExportMember,
    ExportRange,
    ExportRecord,
    ExportState,
    RangeResult,
)
from storage.recordings.file_reader import Chunk
from storage.recordings.virtual.virtual_file import hashed_late

WAITS_FOR_SOURCES_NS = 600 * NS_PER_S
"""After this time an export is made without the nodes that do not respond, and names them."""
KEEP_CLAIM_EVERY_S = 10.0
PAUSE_EVERY_BYTES = 16 << 20
MOST_CODINGS = 100
"""The most files of one range, whose coding changes between them."""
MOST_DAMAGED = 50
"""So often a recording is read again because a fragment of it turned out to be damaged."""
MOST_GAPS = 5000
"""The most gaps of one range. A record holds all of them."""
Listener = Callable[[float], None]
"""Receives the part of an export that was read, from 0 to 1."""
_log = logging.getLogger(__name__)


class KeptClaim:
    """Renews the claim of an export while it is read, and publishes its progress."""

    def __init__(
        self,
        context: ApiContext,
        record: ExportRecord,
        claim: Lock,
        stop: threading.Event,
        listener: Listener,
    ) -> None:
        self._listener = listener
        self._context = context
        self._record = record
        self._lock = claim
        self._stop = stop
        self._done_ns = sum(one.length_ns for one in record.ranges[: len(record.results)])
        self._kept_s = float("-inf")

    def range_done(self, requested: ExportRange) -> None:
        self._done_ns += requested.length_ns

    def is_kept(self, read_ns: float) -> bool:
        """Return whether the reading may continue; `read_ns` of the present range were read.

        It may not if the process stops, if another one has the claim, or if a person deleted the
        export.
        """
        if self._stop.is_set():
            return False
        now_s = self._context.clock.monotonic_s()
        if now_s - self._kept_s < KEEP_CLAIM_EVERY_S:
            return True
        self._kept_s = now_s
        part = (self._done_ns + read_ns) / self._record.length_ns
        self._context.export_progress.update(self._record.id, part)
        self._listener(part)
        if not self._lock.renew():
            return False
        return self._context.exports.get(self._record.id).state is ExportState.WAITING

    def pause(self, seconds: float) -> None:
        """Pause, so that reading takes at most half of a core from viewers."""
        self._context.clock.wait(self._stop, seconds)


class _Hashes:
    """The hashes of a recording as it is read."""

    def __init__(self) -> None:
        self.crc32 = 0
        self.sha256 = hashlib.sha256()

    def add(self, chunk: Chunk) -> None:
        self.crc32 = zlib.crc32(chunk, self.crc32)
        self.sha256.update(chunk)


@dataclass(frozen=True, slots=True, eq=False)
class _ReadFile:
    """A recording that was read, with its range and its hashes."""

    span: Span
    recording: RecordingFile
    hashes: _Hashes


class RangeReading:
    """Reads one range: the recordings of each coding, and what is missing."""

    def __init__(
        self,
        context: ApiContext,
        files: RecordingFiles,
        record: ExportRecord,
        requested: ExportRange,
        claim: KeptClaim,
    ) -> None:
        self._context = context
        self._files = files
        self._record = record
        self._requested = requested
        self._claim = claim
        self._known: KnownCamera = context.known_camera(requested.camera, ALL_CAMERAS)
        self._found: list[_ReadFile] = []
        self._missing: list[Span] = []
        self._offline: set[str] = set()

    def read(self) -> RangeResult | None:
        """Return what was read, or None if the reading has to end."""
        spans = [(self._requested.from_, self._requested.to)]
        while spans:
            if len(self._found) >= MOST_CODINGS:
                raise BadInput(
                    "the coding of {camera} changes more than {most_codings} "
                    "times in one range; export it in shorter ranges",
                    camera=self._requested.camera,
                    most_codings=MOST_CODINGS,
                )
            span = spans.pop()
            try:
                read = self._read_file(span)
            except NotFound:
                self._missing.append(span)
                continue
            if read is None:
                return None
            self._found.append(read)
            self._missing += missing_spans(read.recording.file)
            if read.span[1] < span[1]:  # its end was still being recorded
                self._missing.append((read.span[1], span[1]))
            spans += apart_spans(read.recording.file)
        return self._result()

    def _result(self) -> RangeResult:
        gaps = explained(self._context, self._known, sorted(self._missing))
        if len(gaps) > MOST_GAPS:
            raise BadInput(
                "the range of {camera} has {count} gaps, and an export has at "
                "most {most_gaps} of one range; export it in shorter ranges",
                camera=self._requested.camera,
                count=len(gaps),
                most_gaps=MOST_GAPS,
            )
        ordered = sorted(self._found, key=lambda found: found.recording.file.start_ns)
        return RangeResult(
            camera_name=self._known.camera.name,
            members=tuple(
                _member(self._requested, number, found) for number, found in enumerate(ordered, 1)
            ),
            gaps=gaps,
            offline=tuple(sorted(self._offline)),
        )

    def _read_file(self, span: Span) -> _ReadFile | None:
        """Read the recording of a range. One with a damaged fragment is made again without it.

        Raises NotFound if nothing is recorded, and what the sources raise.
        """
        for _ in range(MOST_DAMAGED):
            used, recording = self._open(span)
            try:
                hashes = self._hashes_of(recording, used)
            except DataLoss as error:
                _log.warning("the export %s is read without a part: %s", self._record.id, error)
                self._files.forget(recording)
                continue
            except SightlineError:
                self._files.forget(recording)
                raise
            return None if hashes is None else _ReadFile(used, recording, hashes)
        raise BadInput(
            "more than {most_damaged} fragments of {camera} are damaged; run "
            "`sightline storage check --deep`",
            most_damaged=MOST_DAMAGED,
            camera=self._requested.camera,
        )

    def _open(self, span: Span) -> tuple[Span, RecordingFile]:
        """Return the recording of a range, and the range without an end that may still change.

        Raises NodeOffline while a source does not respond that may have more of it.
        """
        camera_id = self._requested.camera

        def use(found: LocatedSegments) -> tuple[Span, RecordingFile]:
            used = (span[0], fixed_end(found, span) or span[1])
            return used, self._files.file_of(camera_id, used, found)

        try:
            used, recording = with_segments(self._context, camera_id, span, use, with_heads=False)
        except NodeOffline as error:
            if self._waits_for_sources():
                raise
            self._offline.add(error.node or "unknown")
            raise NotFound(error.message) from error
        offline = recording.located.offline
        if offline and self._waits_for_sources():
            raise NodeOffline(
                "{offline}, which may have recordings of {camera}, does not answer",
                offline=joined_names(offline),
                camera=camera_id,
            )
        self._offline.update(offline)
        return used, recording

    def _waits_for_sources(self) -> bool:
        now_ns = self._context.clock.wall_ns()
        return now_ns < self._record.created_at + WAITS_FOR_SOURCES_NS

    def _hashes_of(self, recording: RecordingFile, span: Span) -> _Hashes | None:
        """Read a recording; return None if the reading has to end."""
        hashes, clock = _Hashes(), self._context.clock
        size_bytes, read_bytes = recording.file.size_bytes, 0
        since_s, unpaused_bytes = clock.monotonic_s(), 0
        for chunk in recording.read(self._context, 0, size_bytes):
            hashes.add(chunk)
            read_bytes += len(chunk)
            unpaused_bytes += len(chunk)
            if not self._claim.is_kept((span[1] - span[0]) * read_bytes / size_bytes):
                return None
            if unpaused_bytes >= PAUSE_EVERY_BYTES:
                self._claim.pause(clock.monotonic_s() - since_s)
                since_s, unpaused_bytes = clock.monotonic_s(), 0
        return hashes


def _member(requested: ExportRange, number: int, read: _ReadFile) -> ExportMember:
    file = read.recording.file
    part = "" if number == 1 else f"_part{number}"
    times = f"{_compact(requested.from_)}_{_compact(requested.to)}"
    return ExportMember(
        name=f"{requested.camera}/{requested.camera}_{times}{part}.mp4",
        from_=read.span[0],
        to=read.span[1],
        start=file.start_ns,
        end=file.end_ns,
        size_bytes=file.size_bytes,
        crc32=read.hashes.crc32,
        sha256=read.hashes.sha256.hexdigest(),
        etag=file.etag,
        hashed_late_ms=hashed_late(file, *read.span),
    )


def _compact(wall_ns: int) -> str:
    """Return a time without the characters that a file name of Windows cannot have."""
    return rfc3339(wall_ns).replace("-", "").replace(":", "")
