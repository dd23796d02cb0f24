"""Routes of an event's pictures and clip: from the object store, and pictures through the node's door while they are only there."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response

from api.context import ApiContext, Context, RequestTrace
from api.events import find_event
from api.parameters import EventId
from api.problems import CLIP_MISSING, CLIP_NOT_READY, RANGE_NOT_SATISFIABLE, problem_response
from api.ranges import IfRange, Part, RangeHeader, select_part
from api.streams import HeldStream
from domain.clock import rfc3339
from domain.errors import DataLoss, NodeOffline, NotFound, ObjectsUnavailable
from domain.events import Event, ObjectDigest, Sidecar
from domain.keys import CLIP, CROP, SIDECAR, SNAPSHOT, event_object


def read_snapshot(context: Context, event_id: EventId) -> Response:
    """The best frame of the passing, privacy masks black."""
    return _picture(context, find_event(context, event_id), SNAPSHOT)


def read_crop(context: Context, event_id: EventId) -> Response:
    """The plate or face, cut out of the best frame."""
    return _picture(context, find_event(context, event_id), CROP)


def _picture(context: ApiContext, event: Event, name: str) -> Response:
    data = _picture_bytes(context, event, name)
    etag = f'"{hashlib.sha256(data).hexdigest()}"'
    headers = {"ETag": etag, "Content-Disposition": _disposition(event, name)}
    return Response(data, headers=headers, media_type="image/jpeg")


def _picture_bytes(context: ApiContext, event: Event, name: str) -> bytes:
    """Store, then spool, then store again: between the two looks the keeper may have moved it from one to the other.

    What is still being kept is asked of the spool first: it is there, and a store that hangs must not be waited for.
    """
    key = event_object(event.camera, event.id, name)
    if not event.clip_ready and not event.clip_missing:
        with suppress(NotFound, NodeOffline):
            return _spooled(context, event, name)
    try:
        return context.objects.get(key)
    except (NotFound, ObjectsUnavailable) as lacking:
        try:
            return _spooled(context, event, name)
        except NotFound:
            return context.objects.get(key)
        except NodeOffline as offline:
            raise (lacking if isinstance(lacking, ObjectsUnavailable) else offline) from offline


def _spooled(context: ApiContext, event: Event, name: str) -> bytes:
    """From the node that saw it: the one that holds the camera, or one that held it before."""
    missing: NotFound | NodeOffline = NodeOffline(f"{name} of this event is not uploaded yet, and no node holds {event.camera}")
    for at, lease in enumerate(context.leases.holders(event.camera)):
        try:
            return context.door.event_picture(lease.door_url, lease.node, event.camera, event.id, name)
        except NodeOffline as error:
            missing = error
        except NotFound as error:
            missing = error if at == 0 else missing
    raise missing


def read_clip(
    context: Context, trace: RequestTrace, request: Request, event_id: EventId, range_: RangeHeader = None, if_range: IfRange = None
) -> Response:
    """The seconds around the passing, as the camera sent them. ETag is the SHA-256 of the file; one byte range at a time."""
    event = find_event(context, event_id)
    if event.clip_missing:
        return problem_response(CLIP_MISSING, f"this event has no clip: {event.clip_missing}", trace.request_id)
    if not event.clip_ready:
        detail = "the clip is cut once its last seconds are recorded; ask again in a moment"
        return problem_response(CLIP_NOT_READY, detail, trace.request_id)
    digest = _clip_digest(context, event)
    etag = f'"{digest.sha256}"'
    part = select_part(range_, if_range, etag, digest.size_bytes)
    if part == "outside":
        detail = f"the clip is {digest.size_bytes} bytes long"
        headers = {"Content-Range": f"bytes */{digest.size_bytes}"}
        return problem_response(RANGE_NOT_SATISFIABLE, detail, trace.request_id, field="Range", headers=headers)
    chosen = part if isinstance(part, Part) else None
    return _clip_response(context, event, digest, chosen, only_head=request.method == "HEAD")


def _clip_response(context: ApiContext, event: Event, digest: ObjectDigest, part: Part | None, only_head: bool) -> Response:
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
    try:
        stream = context.objects.read(digest.key, part.first if part else 0, part.length_bytes if part else None)
    except NotFound as error:
        raise _lost(event) from error
    return HeldStream(stream, stream.close, status, headers, "video/mp4")


def _clip_digest(context: ApiContext, event: Event) -> ObjectDigest:
    """Size and hash of the clip by its sidecar. Raises DataLoss where that does not tell."""
    try:
        raw = context.objects.get(event_object(event.camera, event.id, SIDECAR))
        return Sidecar.model_validate_json(raw).objects[CLIP]
    except (NotFound, ValidationError, KeyError) as error:
        raise _lost(event) from error


def _lost(event: Event) -> DataLoss:
    """The index says that the clip is there, and it is not: never a mere 404."""
    return DataLoss(f"the clip of event {event.id} was kept and cannot be found whole; `sightline storage check` tells more")


def _disposition(event: Event, name: str) -> str:
    """A file name by which a folder of them sorts: camera, start (UTC), id."""
    stem, _, suffix = name.partition(".")
    moment = rfc3339(event.started_at)[:19].replace("-", "").replace(":", "")
    kind = "" if name == CLIP else f"_{stem}"
    return f'inline; filename="{event.camera}_{moment}Z_{event.id}{kind}.{suffix}"'
