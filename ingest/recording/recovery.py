"""Recovers the open segments of a process that died, up to their last whole fragment."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from domain.errors import DataLoss
from domain.paths.data_layout import Layout
from domain.paths.segment_name import SegmentName
from ingest.recording.recovery_days import RecoveredDays
from storage.mp4.boxes import whole_bytes
from storage.mp4.demuxer import Mp4Reader
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record

_log = logging.getLogger(__name__)


def recover_segments(layout: Layout, camera_id: str) -> list[SegmentName]:
    """Give every open file of the camera its true duration and final name; delete those without a
    whole fragment. It is idempotent. Only folders that were changed since the last call are listed.

    Call it before the camera's recorder starts, when every open file belongs to a dead process. A
    file or folder that cannot be read or renamed is left unchanged and logged: otherwise the worker
    would fail at each start.
    """
    index = RecordingIndex(layout.recording_index)
    ledger, recovered = Ledger(layout.recordings), RecoveredDays(layout.recordings_of(camera_id))
    try:
        days = ledger.days(camera_id)
        changed = recovered.changed(days)
    except OSError as error:
        _log.error("%s: no recording is recovered; examine the disk: %s", camera_id, error)
        return []
    found: list[SegmentName | None] = []
    without_open: dict[Path, int] = {}
    for day, changed_ns in changed.items():
        try:
            open_segments = ledger.open_segments(camera_id, (day,))
        except OSError as error:
            _log.error("%s is not recovered; examine the disk: %s", day, error)
            continue
        found += [_finish(segment, index) for segment in open_segments]
        if not open_segments:
            without_open[day] = changed_ns
    recovered.add(without_open, days)
    return [name for name in found if name is not None]


def _finish(segment: Segment, index: RecordingIndex) -> SegmentName | None:
    try:
        return _finished(segment, index)
    except (DataLoss, OSError) as error:  # one damaged file must not prevent a camera from starting
        _log.error("an incomplete recording cannot be recovered and is left unchanged: %s", error)
        return None


def _finished(segment: Segment, index: RecordingIndex) -> SegmentName | None:
    size_bytes = whole_bytes(segment.path)
    if size_bytes == 0:
        segment.path.unlink()
        return None
    name = SegmentName(
        segment.camera_id, segment.start_ms, _duration_ms(segment.path, size_bytes), segment.fence
    )
    _truncate(segment.path, size_bytes)
    path = segment.path.rename(segment.path.with_name(name.file_name))
    _log.info("recovered %s", name.file_name)
    try:
        index.add(segment.camera_id, segment.start_ns, hashed_record(path))
    except (DataLoss, OSError) as error:  # the index is derived: the segment is complete without it
        _log.warning("%s is not in the recording index: %s", name.file_name, error)
    return name


def _duration_ms(path: Path, size_bytes: int) -> int:
    """Return the duration from the first picture to the end of the last one, within the whole
    fragments.
    """
    with Mp4Reader(path, size_bytes) as reader:
        base = reader.parameters.time_base
        first_pts: int | None = None
        end_pts = 0
        for sample in reader:
            first_pts = sample.pts if first_pts is None else first_pts
            end_pts = max(end_pts, sample.pts + sample.duration)
    if first_pts is None:
        raise DataLoss("{path} holds no picture", path=path)
    return max(1, int((end_pts - first_pts) * base * 1000))


def _truncate(path: Path, size_bytes: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size_bytes)
        os.fsync(file.fileno())
