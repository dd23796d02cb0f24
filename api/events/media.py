"""Routes of an event's pictures and clip.

They come from the object store; pictures that are not uploaded yet come from the node API.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from functools import partial

from fastapi import Request
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.access.privacy_masks import check_unmasked_clip
from api.events.search import find_event
from api.requests.byte_ranges import ByteRange, IfRange, RangeHeader, range_of, select_part
from api.requests.conditions import IfNoneMatch, is_unchanged, not_modified
from api.requests.parameters import EventId
from api.requests.problems import (
    CLIP_MISSING,
    CLIP_NOT_READY,
    RANGE_NOT_SATISFIABLE,
    problem_response,
)
from api.requests.streams import HeldStream
from domain.camera_scope import ALL_CAMERAS
from domain.clock import rfc3339
from domain.errors import NodeOffline, NotFound, ObjectsUnavailable
from domain.events.event import Event, ObjectDigest
from domain.messages.message import Message
from domain.paths.object_keys import CLIP, CROP, SNAPSHOT
from storage.audit.viewings import Viewed
from storage.events.verified_objects import is_published

_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9._-]")


def read_snapshot(
    context: Context, visible: Visible, event_id: EventId, if_none_match: IfNoneMatch = None
) -> Response:
    """Return the best frame of the passing, with black privacy masks."""
    return _picture(context, find_event(context, visible, event_id), SNAPSHOT, if_none_match)


def read_crop(
    context: Context, visible: Visible, event_id: EventId, if_none_match: IfNoneMatch = None
) -> Response:
    """Return the plate or face, cut out of the best frame."""
    return _picture(context, find_event(context, visible, event_id), CROP, if_none_match)


def _picture(context: ApiContext, event: Event, name: str, if_none_match: str | None) -> Response:
    data = _picture_bytes(context, event, name)
    etag = f'"{hashlib.sha256(data).hexdigest()}"'
    if is_unchanged(if_none_match, etag):
        return not_modified(etag)
    headers = {"ETag": etag, "Content-Disposition": _disposition(event, name)}
    return Response(data, headers=headers, media_type="image/jpeg")


def _picture_bytes(context: ApiContext, event: Event, name: str) -> bytes:
    """Read a picture from the store, then from the spool, then from the store again.

    The event publisher may move it from the spool to the store between the two reads. An event that
    is not yet published is read from the spool first, so that a store that hangs delays nothing.
    """
    if not is_published(event):
        with suppress(NotFound, NodeOffline):
            return _spooled(context, event, name)
    try:
        return _stored(context, event, name)
    except (NotFound, ObjectsUnavailable) as lacking:
        try:
            return _spooled(context, event, name)
        except NotFound:
            return _stored(context, event, name)
        except NodeOffline as offline:
            raise (lacking if isinstance(lacking, ObjectsUnavailable) else offline) from offline


def _stored(context: ApiContext, event: Event, name: str) -> bytes:
    return context.verified.picture(event, name, partial(_is_unchanged, context, event))


def _is_unchanged(context: ApiContext, event: Event) -> bool:
    """Return whether the stored event still has this version.

    A passing that continues is stored again, file by file.
    """
    now = context.events.get(event.id, ALL_CAMERAS)
    return now is not None and now.version == event.version


def _spooled(context: ApiContext, event: Event, name: str) -> bytes:
    """Read a picture from the node that holds the camera, or from one that held it before."""
    missing: NotFound | NodeOffline = NodeOffline(
        "{file} of this event is not uploaded yet, and no node holds {camera}",
        file=name,
        camera=event.camera,
    )
    for at, lease in enumerate(context.leases.holders(event.camera)):
        try:
            return context.node_client.event_picture(
                lease.node_api_url, lease.node, event.camera, event.id, name
            )
        except NodeOffline as error:
            missing = error
        except NotFound as error:
            missing = error if at == 0 else missing
    raise missing


def read_clip(
    context: Context,
    trace: RequestTrace,
    visible: Visible,
    request: Request,
    event_id: EventId,
    range_: RangeHeader = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return the clip of the passing, not re-encoded; its ETag is the SHA-256 of the file.

    A request may have one byte range. The file is compared with its SHA-256 before its first byte
    is sent; a file that differs is 500 `data_loss`.
    """
    event = find_event(context, visible, event_id)
    check_unmasked_clip(context, trace, visible, event.camera)
    if event.clip_missing:
        reason = Message.of(event.clip_missing, {})
        why = Message("this event has no clip: {reason}", reason=reason)
        return problem_response(CLIP_MISSING, why, trace.request_id)
    if not event.clip_ready:
        later = Message("the clip is cut once its last seconds are recorded; ask again in a moment")
        return problem_response(CLIP_NOT_READY, later, trace.request_id)
    digest = context.verified.digest(event, CLIP, partial(_is_unchanged, context, event))
    etag = f'"{digest.sha256}"'
    if is_unchanged(if_none_match, etag):
        return not_modified(etag)
    wanted_range = range_of(request.method, range_)
    part = select_part(wanted_range, if_range, etag, digest.size_bytes)
    if part == "outside":
        size = Message("the clip is {size_bytes} bytes long", size_bytes=digest.size_bytes)
        headers = {"Content-Range": f"bytes */{digest.size_bytes}"}
        return problem_response(
            RANGE_NOT_SATISFIABLE, size, trace.request_id, field="Range", headers=headers
        )
    chosen = part if isinstance(part, ByteRange) else None
    trace.viewed = Viewed("clip", event_id)
    return _clip_response(context, event, digest, chosen, only_head=request.method == "HEAD")


def _clip_response(
    context: ApiContext, event: Event, digest: ObjectDigest, part: ByteRange | None, only_head: bool
) -> Response:
    headers = {
        "ETag": f'"{digest.sha256}"',
        "Accept-Ranges": "bytes",
        "Content-Length": str(part.length_bytes if part else digest.size_bytes),
        "Content-Disposition": _disposition(event, CLIP),
    }
    if part:
        headers["Content-Range"] = part.content_range
    status = 206 if part else 200
    if only_head:
        return Response(status_code=status, headers=headers, media_type="video/mp4")
    stream = context.verified.open(
        digest, part.first if part else 0, part.length_bytes if part else None
    )
    return HeldStream(stream, stream.close, status, headers, "video/mp4")


def _disposition(event: Event, name: str) -> str:
    """Return a header with a file name that sorts by camera, start (UTC) and event id."""
    stem, _, suffix = name.partition(".")
    moment = rfc3339(event.started_at)[:19].replace("-", "").replace(":", "")
    kind = "" if name == CLIP else f"_{stem}"
    # A stolen node can index an event of a camera with any name.
    camera = _NOT_IN_FILE_NAMES.sub("_", event.camera)
    return f'inline; filename="{camera}_{moment}Z_{event.id}{kind}.{suffix}"'
