"""The file of an export: a virtual ZIP of virtual recordings, compared with what was hashed.

No byte is copied beforehand. Before bytes of a recording are sent, its present ETag is compared
with that of the recording that was read and hashed, so that no other bytes are ever sent.
"""

from __future__ import annotations

from collections.abc import Generator

from api.access.api_context import ApiContext
from api.cameras.ranged_files import Contents
from api.cameras.recording_files import RecordingFile, RecordingFiles
from api.exports.manifest_page import layout_of
from api.exports.recording_parts import (
    Span,
    explained,
    missing_spans,
    open_recording,
    without,
)
from domain.camera_scope import ALL_CAMERAS
from domain.clock import moment
from domain.errors import DataLoss, ExportGone, NodeOffline, NotFound, SightlineError
from domain.messages.message import Message, joined, joined_names
from storage.exports.records import ExportMember, ExportRecord
from storage.exports.zip_layout import MemberBytes
from storage.recordings.file_reader import Chunk

_MOST_NAMED = 5
"""The number of ranges that a sentence names."""


class ExportFile:
    """The file of an export whose recordings were all read."""

    def __init__(self, context: ApiContext, files: RecordingFiles, record: ExportRecord) -> None:
        self._context = context
        self._files = files
        self._record = record
        self.layout = layout_of(record, context.settings.time_zone)

    def check(self) -> None:
        """Check that all recordings are those that were read. Raises as `read`."""
        for number in range(len(self.layout.members)):
            self._recording(number)

    def read(self, contents: Contents) -> Generator[Chunk]:
        """Yield the bytes of a body. All recordings that it needs are checked before the first.

        Raises ExportGone if one is no longer what was read, DataLoss if a fragment turns out to be
        damaged after the first byte, and what the sources raise.
        """
        needed = self._needed(contents)
        chunks = self._chunks(contents)
        try:
            for number in needed:
                self._recording(number)
            first = next(chunks)
        except DataLoss:  # the damage is known now, and the check says what is missing
            for number in needed:
                self._recording(number)
            raise
        yield first
        yield from chunks

    def _needed(self, contents: Contents) -> list[int]:
        """Return the numbers of the recordings that contents have bytes of."""
        parts = (
            part
            for content in contents
            if not isinstance(content, bytes)
            for part in self.layout.parts(content.first, content.length_bytes)
        )
        return sorted({part.member for part in parts if isinstance(part, MemberBytes)})

    def _chunks(self, contents: Contents) -> Generator[Chunk]:
        for content in contents:
            if isinstance(content, bytes):
                yield content
                continue
            for part in self.layout.parts(content.first, content.length_bytes):
                if isinstance(part, bytes):
                    yield part
                else:
                    yield from self._recorded_bytes(part)

    def _recorded_bytes(self, part: MemberBytes) -> Generator[Chunk]:
        recording = self._recording(part.member)
        try:
            yield from recording.read(self._context, part.offset, part.length_bytes)
        except SightlineError:
            self._files.forget(recording)
            raise

    def _recording(self, number: int) -> RecordingFile:
        """Return the recording of a member. Raises ExportGone if it is not what was read."""
        camera_id, member = self.layout.members[number]
        span = (member.from_, member.to)
        try:
            recording = open_recording(self._context, self._files, camera_id, span)
        except NotFound as error:
            raise ExportGone(self._sentence(camera_id, member, [span])) from error
        file = recording.file
        if (file.etag, file.size_bytes) == (member.etag, member.size_bytes):
            return recording
        if recording.located.offline:
            # What is missing is there, and can be read again when its source responds.
            raise NodeOffline(
                "{offline}, which may have recordings of {camera}, does not answer",
                offline=joined_names(recording.located.offline),
                camera=camera_id,
            )
        lost = without(missing_spans(file), self._known_gaps(camera_id))
        raise ExportGone(self._sentence(camera_id, member, lost))

    def _known_gaps(self, camera_id: str) -> list[Span]:
        """Return the gaps of a camera that the export has had from the beginning."""
        pairs = zip(self._record.ranges, self._record.results, strict=True)
        return [
            (gap.from_, gap.to)
            for requested, result in pairs
            if requested.camera == camera_id
            for gap in result.gaps
        ]

    def _sentence(self, camera_id: str, member: ExportMember, lost: list[Span]) -> Message:
        """Return what is missing, why, and what to do."""
        if not lost:
            return Message(
                "the recording of {camera} from {start} to {end} is no longer the one that was "
                "read and hashed; create a new export of what is left",
                camera=camera_id,
                start=moment(member.from_),
                end=moment(member.to),
            )
        known = self._context.known_camera(camera_id, ALL_CAMERAS)
        gaps = explained(self._context, known, lost)
        named = [
            Message(
                "{start} to {end} ({cause})",
                start=moment(gap.from_),
                end=moment(gap.to),
                cause=gap.cause,
            )
            for gap in gaps[:_MOST_NAMED]
        ]
        more = (
            Message(" and {count} more", count=len(gaps) - _MOST_NAMED)
            if len(gaps) > _MOST_NAMED
            else ""
        )
        return Message(
            "{camera} lacks {spans}{more} since it was read; create a new export of what is left",
            camera=camera_id,
            spans=joined(named),
            more=more,
        )
