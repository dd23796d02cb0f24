"""Routes of the node API that serve segments: the list, their bytes, and their keyframes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import Query
from starlette.responses import JSONResponse, Response

from api.limits.thread_pools import Pool
from api.node_api.context import CameraOfPath, FromNs, NodeContext, ToNs
from api.nodes.coverage import NodeSegment
from api.nodes.wire_names import LAST_HEADER
from api.requests.streams import HeldStream
from domain.errors import DataLoss, NotFound
from storage.recordings.file_reader import FilePart
from storage.recordings.ledger import Segment
from storage.recordings.served_segments import find, keyframes, read_head, read_whole, said_of_head

_CACHED_HEADS = 20_000


def segments(context: NodeContext, camera: CameraOfPath, from_ns: FromNs, to_ns: ToNs) -> Response:
    """List the segments that overlap the range. Segments that cannot be read are left out."""
    written_ns = {status.camera_id: status.recorded_until_ns for status in context.statuses()}.get(
        camera, 0
    )
    found = context.ledger.segments(camera, from_ns, to_ns)
    served = [_served_segment(segment, written_ns) for segment in found]
    return JSONResponse([segment.model_dump() for segment in served if segment is not None])


def segment(context: NodeContext, camera: CameraOfPath, name: str) -> Response:
    """Serve a segment up to its last whole fragment."""
    return Response(read_whole(find(context.ledger, camera, name).path), media_type="video/mp4")


def segment_keyframes(
    context: NodeContext,
    camera: CameraOfPath,
    name: str,
    from_ns: FromNs,
    to_ns: ToNs,
    every_ns: Annotated[int, Query(ge=0, lt=1 << 62)],
) -> Response:
    """Serve the head of a segment and its keyframes within a range, one fragment each."""
    found = find(context.ledger, camera, name)
    chosen = keyframes(found.path, found.start_ns, (from_ns, to_ns), every_ns)
    headers = {} if chosen.last_ns is None else {LAST_HEADER: str(chosen.last_ns)}
    return Response(read_head(found.path) + chosen.data, headers=headers, media_type="video/mp4")


def segment_part(
    context: NodeContext,
    camera: CameraOfPath,
    name: str,
    offset: Annotated[int, Query(ge=0, lt=1 << 62)],
    length_bytes: Annotated[int, Query(ge=1, lt=1 << 62)],
) -> Response:
    """Serve bytes of a segment. A part that the file does not have is missing from the end."""
    try:
        part = FilePart(find(context.ledger, camera, name).path, offset, length_bytes)
    except FileNotFoundError as error:
        raise NotFound(f"{name} was deleted") from error
    return HeldStream(part, part.close, 200, {}, "application/octet-stream")


def layouts(context: NodeContext, camera: CameraOfPath, from_ns: FromNs, to_ns: ToNs) -> Response:
    """Serve the layouts of the segments that overlap the range, one after the other."""
    records = context.layouts.records(context.ledger.segments(camera, from_ns, to_ns))
    return Response(b"".join(one.data for one in records), media_type="application/octet-stream")


def _served_segment(segment: Segment, written_ns: int) -> NodeSegment | None:
    try:
        stat = segment.path.stat()
        head, mime = (
            _head(segment.path)
            if segment.end_ns is not None
            else said_of_head(read_head(segment.path))
        )
    except (FileNotFoundError, NotFound, DataLoss):
        return None
    end_ns = written_ns if segment.end_ns is None else segment.end_ns
    if end_ns <= segment.start_ns:
        return None
    return NodeSegment(
        name=segment.path.name,
        end_ns=end_ns,
        size_bytes=stat.st_size,
        head=head,
        mime=mime,
        modified_ns=stat.st_mtime_ns,
        inode=stat.st_ino,
    )


@lru_cache(_CACHED_HEADS)
def _head(path: Path) -> tuple[str, str]:
    """Return the hash of a segment's head and its MIME type; a finished segment never changes."""
    return said_of_head(read_head(path))


ROUTES = (
    ("/cameras/{camera}/segments", segments, Pool.PLAYBACK),
    ("/cameras/{camera}/segments/{name}", segment, Pool.PLAYBACK),
    ("/cameras/{camera}/segments/{name}/keyframes", segment_keyframes, Pool.PLAYBACK),
    ("/cameras/{camera}/segments/{name}/part", segment_part, Pool.PLAYBACK),
    ("/cameras/{camera}/layouts", layouts, Pool.PLAYBACK),
)
