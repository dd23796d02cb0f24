"""Makes an export for a command on a machine of the site, and writes its file."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from api.access.api_context import ApiContext
from api.cameras.recording_files import RecordingFiles
from api.exports.export_file import ExportFile
from api.exports.export_job import RETRY_AFTER_S, ExportJob
from api.exports.exports import check_downloadable, checked_ranges
from api.exports.models import ExportAsked
from api.requests.byte_ranges import ByteRange
from domain.camera_scope import ALL_CAMERAS
from domain.clock import NS_PER_DAY
from domain.errors import BadInput, NodeOffline
from domain.paths.object_keys import dated_id
from storage.exports.records import ExportRecord, ExportState

_POLL_S = 1.0
Listener = Callable[[str, float], None]
"""Receives what is done, `read` or `write`, and the part of it from 0 to 1."""


class LocalExport:
    """Creates, reads and writes exports with the rights of the machine. One thread may use it."""

    def __init__(self, context: ApiContext, listener: Listener) -> None:
        self._context = context
        self._files = RecordingFiles(context)
        self._job = ExportJob(context, self._files, lambda part: listener("read", part))
        self._listener = listener

    def create(self, asked: ExportAsked, person: str, case: str) -> ExportRecord:
        """Create an export. Raises QueryInvalid, and NotFound for an unknown camera."""
        context, now_ns = self._context, self._context.clock.wall_ns()
        for camera_id in {one.camera for one in asked.ranges}:
            context.known_camera(camera_id, ALL_CAMERAS)
        record = ExportRecord(
            id=dated_id(context.clock),
            ranges=checked_ranges(asked, now_ns),
            person=person,
            reason=asked.reason,
            case=case,
            created_at=now_ns,
            expires_at=now_ns + context.settings.export_days * NS_PER_DAY,
        )
        record = context.exports.add(record)
        context.export_progress.add([record.id])
        return record

    def read(self, export_id: str, stop: threading.Event) -> ExportRecord:
        """Read the recordings of an export, or wait until another process has read them.

        Return its record; it still waits if `stop` was set. Raises NotFound, ExportGone if the
        export failed or has ended, and what the stores raise.
        """
        clock = self._context.clock
        while not stop.is_set():
            record = self._context.exports.get(export_id)
            if record.state is not ExportState.WAITING:
                check_downloadable(self._context, record)
                return record
            pause_s = _POLL_S
            try:
                self._job.make(export_id, stop)
            except NodeOffline:  # it is waited for, and then named in the export
                pause_s = RETRY_AFTER_S
            part = self._context.export_progress.of(export_id)
            if part is not None:
                self._listener("read", part)
                clock.wait(stop, pause_s)
        return self._context.exports.get(export_id)

    def write(self, record: ExportRecord, out: Path) -> int:
        """Write the file of an export; return its size.

        What an earlier call wrote of this export is continued. Raises BadInput if `out` exists,
        ExportGone, DataLoss, and what the sources raise.
        """
        if out.exists():
            raise BadInput("{out} exists already; name another file", out=out)
        file = ExportFile(self._context, self._files, record)
        size_bytes = file.layout.size_bytes
        # A part is of this export alone, whose bytes never change.
        part = out.with_name(f".{out.name}.{record.id}.part")
        with part.open("ab") as written:
            done = written.tell()
            if done < size_bytes:
                for chunk in file.read([ByteRange(done, size_bytes - 1, size_bytes)]):
                    done += written.write(chunk)
                    self._listener("write", done / size_bytes)
            written.flush()
            os.fsync(written.fileno())
        part.replace(out)
        return size_bytes
