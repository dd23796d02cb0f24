"""Routes of the node API that serve segments: the list, their layouts, and their bytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from api.limits.thread_pools import Pool
from api.node_api.context import CameraOfPath, FromNs, NodeApiContext, NodeContext, ToNs
from api.nodes.segment_lists import (
    BEING_WRITTEN,
    NO_HEAD,
    Head,
    SegmentList,
    SegmentRow,
    packed,
    write_list,
)
from api.nodes.wire_names import VERSION_HEADER
from api.requests.streams import TOGETHER_BYTES, HeldStream
from domain.clock import NS_PER_HOUR, NS_PER_MS
from domain.errors import DataLoss, NotFound
from storage.recordings.file_reader import FilePart
from storage.recordings.ledger import NamedSegment
from storage.recordings.served_segments import describe_head, find, read_head
from storage.recordings.virtual.layout_records import FileVersion


def segments(
    context: NodeContext,
    camera: CameraOfPath,
    from_ns: FromNs,
    to_ns: ToNs,
    with_heads: bool = True,
) -> Response:
    """List the segments that overlap the range. Segments that cannot be read are left out.

    The heads are read from each file once, so a recording, which does not need them, requests the
    list without.
    """
    written_ns = {status.camera_id: status.recorded_until_ns for status in context.statuses()}.get(
        camera, 0
    )
    heads: dict[Head, int] = {}
    rows = [
        row
        for named in context.ledger.names(camera, from_ns, to_ns)
        if (row := _row(context, camera, named, written_ns, heads if with_heads else None))
        is not None
    ]
    listed = SegmentList(camera, tuple(heads), packed(rows))
    return Response(write_list(listed), media_type="application/octet-stream")


def segment_part(
    context: NodeContext,
    camera: CameraOfPath,
    name: str,
    offset: Annotated[int, Query(ge=0, lt=1 << 62)],
    length_bytes: Annotated[int, Query(ge=1, lt=1 << 62)],
) -> Response:
    """Serve bytes of a segment, and the version of its file. A part that the file does not have is
    missing from the end.
    """
    segment = find(context.ledger, camera, name)
    try:
        part = FilePart(segment.path, offset, length_bytes, may_grow=segment.end_ns is None)
    except FileNotFoundError as error:
        raise NotFound("{name} was deleted", name=name) from error
    stat = part.stat
    headers = {VERSION_HEADER: f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"}
    media_type = "application/octet-stream"
    return HeldStream(part, part.close, 200, headers, media_type, TOGETHER_BYTES)


def layouts(context: NodeContext, camera: CameraOfPath, from_ns: FromNs, to_ns: ToNs) -> Response:
    """Serve the layouts of the segments that overlap the range, one after the other."""
    records = context.layouts.records(context.ledger.segments(camera, from_ns, to_ns))
    return Response(b"".join(one.data for one in records), media_type="application/octet-stream")


def _row(
    context: NodeApiContext,
    camera: str,
    named: NamedSegment,
    written_ns: int,
    heads: dict[Head, int] | None,
) -> SegmentRow | None:
    """Return the row of a segment; None if it cannot be read. Its head is added to `heads`."""
    path = f"{named.folder}/{named.name}"
    try:
        stat = os.stat(path)  # noqa: PTH116 - a path object for each of 8,640 takes longer
        head = NO_HEAD
        if heads is not None:
            found = _head(context, camera, named, Path(path), stat)
            head = heads.setdefault(found, len(heads))
    except (FileNotFoundError, NotFound, DataLoss):
        return None
    start_ms, fence, _, duration_ms, _ = named
    if duration_ms == 0 or (duration_ms is None and written_ns <= start_ms * NS_PER_MS):
        return None
    return SegmentRow(
        start_ms,
        BEING_WRITTEN if duration_ms is None else duration_ms,
        fence,
        written_ns if duration_ms is None else 0,
        stat.st_size,
        stat.st_mtime_ns,
        head,
        stat.st_ino,
    )


def _head(
    context: NodeApiContext, camera: str, named: NamedSegment, path: Path, stat: os.stat_result
) -> Head:
    if named.duration_ms is None:  # being written: its file is in no index yet
        return Head(*describe_head(read_head(path)))
    hour_ns = named.start_ns // NS_PER_HOUR * NS_PER_HOUR
    version = FileVersion.of(stat)
    return Head(*context.heads.of(camera, hour_ns, path, version))


ROUTES = (
    ("/cameras/{camera}/segments", segments, Pool.PLAYBACK),
    ("/cameras/{camera}/segments/{name}/part", segment_part, Pool.PLAYBACK),
    ("/cameras/{camera}/layouts", layouts, Pool.PLAYBACK),
)
