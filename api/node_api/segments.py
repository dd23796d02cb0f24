"""The node's door to its segments: which there are, their bytes, and their keyframes alone."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import Query
from starlette.responses import JSONResponse, Response

from api.node_api.context import Door, FromNs, ToNs
from api.nodes.coverage import LAST_HEADER, NodeSegment
from api.requests.thread_pools import Pool
from domain.errors import DataLoss, NotFound
from storage.recordings.ledger import Segment
from storage.recordings.served_segments import find, keyframes, read_head, read_whole, said_of_head

_HEADS_KNOWN = 20_000


def segments(context: Door, camera: str, from_ns: FromNs, to_ns: ToNs) -> Response:
    """The segments that share a moment with the range; what cannot be read is left out."""
    written_ns = {status.camera_id: status.recorded_until_ns for status in context.statuses()}.get(
        camera, 0
    )
    found = context.ledger.segments(camera, from_ns, to_ns)
    told = [one for segment in found if (one := _told(segment, written_ns)) is not None]
    return JSONResponse([one.model_dump() for one in told])


def segment(context: Door, camera: str, name: str) -> Response:
    """A segment up to its last whole fragment."""
    return Response(read_whole(find(context.ledger, camera, name).path), media_type="video/mp4")


def segment_keyframes(
    context: Door,
    camera: str,
    name: str,
    from_ns: FromNs,
    to_ns: ToNs,
    every_ns: Annotated[int, Query(ge=0, lt=1 << 62)],
) -> Response:
    """The head of a segment and its keyframes within a range, each a fragment of its own."""
    found = find(context.ledger, camera, name)
    chosen = keyframes(found.path, found.start_ns, (from_ns, to_ns), every_ns)
    headers = {} if chosen.last_ns is None else {LAST_HEADER: str(chosen.last_ns)}
    return Response(read_head(found.path) + chosen.data, headers=headers, media_type="video/mp4")


def _told(segment: Segment, written_ns: int) -> NodeSegment | None:
    try:
        size_bytes = segment.path.stat().st_size
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
        name=segment.path.name, end_ns=end_ns, size_bytes=size_bytes, head=head, mime=mime
    )


@lru_cache(_HEADS_KNOWN)
def _head(path: Path) -> tuple[str, str]:
    """A finished segment never changes."""
    return said_of_head(read_head(path))


ROUTES = (
    ("/door/cameras/{camera}/segments", segments, Pool.PLAYBACK),
    ("/door/cameras/{camera}/segments/{name}", segment, Pool.PLAYBACK),
    ("/door/cameras/{camera}/segments/{name}/keyframes", segment_keyframes, Pool.PLAYBACK),
)
