"""A camera's recordings for a benchmark: many hours at 4 Mbit/s whose segments share a few files.

The names, the layouts and the hashes are those of a real recorder. A day of such a camera has
43 GB, so the segments are hard links to `FILES` copies of one segment.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av

from benchmarks.cameras import Picture, make_stream
from benchmarks.site import CLOCK
from domain.clock import NS_PER_HOUR, NS_PER_MS, NS_PER_S
from domain.media.packets import Packet, StreamInfo, WallSource
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from ingest.recording.segments import Segments
from sightline.processes.store_clients import open_stores
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.virtual.layout_records import read_record, write_record
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record, version_of
from storage.recordings.virtual.stored_index import StoredIndex

SEGMENT_S = 10
FILES = 30
"""Five minutes of recordings have files of their own, so that they are read as real ones are."""
_TICKS_PER_S = 90_000
NODE = "node-1"


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """Recordings of one camera from `start_ns` on, without a gap."""

    camera_id: str
    start_ns: int
    hours: int

    def segment_files(self, layout: Layout, seconds: int) -> list[Path]:
        """Return the files of the first seconds."""
        count = -(-seconds // SEGMENT_S)
        starts_ns = itertools.count(self.start_ns, SEGMENT_S * NS_PER_S)
        return [
            _path(layout, self.camera_id, start_ns)
            for start_ns in itertools.islice(starts_ns, count)
        ]


def record_day(layout: Layout, day: RecordedDay, picture: Picture) -> None:
    """Write the segments and the recording index."""
    model = _record_segment(layout, day, picture)
    record = read_record(hashed_record(model))
    index = RecordingIndex(layout.recording_index)
    files: list[Path] = []
    for path in day.segment_files(layout, day.hours * 3600):
        path.parent.mkdir(parents=True, exist_ok=True)
        if len(files) < FILES:
            shutil.copyfile(model, path)
            files.append(path)
        else:
            os.link(files[len(files) % FILES], path)
            files.append(path)
        with path.open("rb") as file:
            version = version_of(file)
        name = SegmentName.parse(path.name)
        assert name is not None
        stored = write_record(replace(record, name=path.name, version=version))
        index.add(day.camera_id, name.start_ns, stored)


def _path(layout: Layout, camera_id: str, start_ns: int) -> Path:
    name = SegmentName(camera_id, start_ns // NS_PER_MS, SEGMENT_S * 1000, 1)
    return layout.recordings_of(camera_id) / day_of(start_ns) / name.file_name


def _record_segment(layout: Layout, day: RecordedDay, picture: Picture) -> Path:
    """Return a segment as the recorder writes it, a fragment for each second."""
    folder = layout.root / "model"
    folder.mkdir(parents=True)
    failures: list[str] = []
    writing = Segments(
        day.camera_id,
        folder,
        lambda: 1,
        SEGMENT_S + 1,
        failures.append,
        lambda *_: None,
    )
    film = make_stream(folder / "film.ts", picture, SEGMENT_S)
    for _, second in itertools.groupby(
        _packets(film, day.start_ns), lambda one: (one.wall_ns - day.start_ns) // NS_PER_S
    ):
        writing.write(list(second))
    writing.close()
    if failures:
        raise RuntimeError(f"the segment of the benchmark was not recorded: {failures}")
    (path,) = folder.rglob("*.mp4")
    return path


def _packets(film: Path, start_ns: int) -> Iterator[Packet]:
    with av.open(str(film)) as source:
        (read,) = source.streams.video
        time_base = Fraction(1, _TICKS_PER_S)
        stream = StreamInfo("camera", "h264", read.width, read.height, time_base, b"", 1)
        first: int | None = None
        for packet in source.demux(read):
            if packet.pts is None:
                continue
            first = packet.pts if first is None else first
            pts = packet.pts - first
            wall_ns = start_ns + pts * NS_PER_S // _TICKS_PER_S
            yield Packet(
                stream,
                bytes(packet),
                pts,
                pts,
                0,
                packet.is_keyframe,
                wall_ns,
                WallSource.RECEIVER,
                wall_ns,
            )


def move_to_store(layout: Layout, segments: list[Path]) -> None:
    """Upload segments and the recording index of their hours, then delete their files."""
    names = [name for path in segments if (name := SegmentName.parse(path.name)) is not None]
    index = RecordingIndex(layout.recording_index)
    with open_stores(layout) as stores:
        stored, stored_index = (
            StoredSegments(stores.objects, CLOCK),
            StoredIndex(stores.objects, CLOCK),
        )
        for name, path in zip(names, segments, strict=True):
            stored.put(name, path)
        for camera_id, hour_ns in {
            (name.camera_id, name.start_ns // NS_PER_HOUR * NS_PER_HOUR) for name in names
        }:
            stored_index.put(camera_id, hour_ns, NODE, index.data(camera_id, hour_ns))
    for path in segments:
        path.unlink()
