"""Every refusal and failure as one JSON shape: a problem document of RFC 9457. This table lists
all of them; docs/api.md explains them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from domain.errors import (
    AuditUnavailable,
    BadInput,
    CorrectionConflict,
    DataLoss,
    Forbidden,
    IndexUnavailable,
    NodeOffline,
    NotFound,
    ObjectsUnavailable,
    QueryInvalid,
    ReasonMissing,
    Refused,
    SightlineError,
    SourceError,
    StoreError,
    TriggerRefused,
    Unauthenticated,
)

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:sightline:problem:"
REQUEST_PREFIX = "urn:sightline:request:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of problem. `retry_after_s` says when asking again may help; None where it will
    not.
    """

    name: str
    status: int
    title: str
    retry_after_s: int | None = None

    @property
    def uri(self) -> str:
        return PREFIX + self.name


BAD_INPUT = Kind("bad_input", 400, "The request cannot be understood")
QUERY_INVALID = Kind("query_invalid", 400, "A parameter is wrong")
UNAUTHENTICATED = Kind("unauthenticated", 401, "Who is asking is not known")
FORBIDDEN = Kind("forbidden", 403, "This person may not do this")
REASON_MISSING = Kind("reason_missing", 403, "A look at evidence needs a reason")
NOT_FOUND = Kind("not_found", 404, "There is no such thing")
CLIP_MISSING = Kind("clip_missing", 404, "This event will never have a clip")
METHOD_NOT_ALLOWED = Kind("method_not_allowed", 405, "This address does not answer that method")
CLIP_NOT_READY = Kind("clip_not_ready", 409, "The clip is not cut yet", retry_after_s=2)
CORRECTION_CONFLICT = Kind("correction_conflict", 409, "Somebody corrected this event meanwhile")
TRIGGER_REFUSED = Kind("trigger_refused", 409, "This camera takes no triggers from here")
CONTENT_TOO_LARGE = Kind("content_too_large", 413, "The body is too large")
URI_TOO_LONG = Kind("uri_too_long", 414, "The address is too long")
RANGE_NOT_SATISFIABLE = Kind("range_not_satisfiable", 416, "The range lies outside the file")
INTERNAL = Kind("internal", 500, "Something failed inside Sightline")
DATA_LOSS = Kind("data_loss", 500, "What is stored is damaged")
INDEX_UNAVAILABLE = Kind("index_unavailable", 503, "The index cannot be reached", retry_after_s=2)
OBJECTS_UNAVAILABLE = Kind(
    "objects_unavailable", 503, "The object store cannot be reached", retry_after_s=5
)
AUDIT_UNAVAILABLE = Kind(
    "audit_unavailable", 503, "The request cannot be written to the audit log", retry_after_s=5
)
NODE_OFFLINE = Kind("node_offline", 503, "The camera's node is down", retry_after_s=5)
CAMERA_UNAVAILABLE = Kind("camera_unavailable", 503, "The camera gives no picture", retry_after_s=5)
UNAVAILABLE = Kind("unavailable", 503, "Not at this moment", retry_after_s=2)
OTHER = Kind("http", 400, "The request was refused")

KINDS: tuple[Kind, ...] = tuple(kind for kind in list(globals().values()) if isinstance(kind, Kind))
BY_NAME = {kind.name: kind for kind in KINDS}

_OF_ERROR: dict[type[SightlineError], Kind] = {
    BadInput: BAD_INPUT,
    QueryInvalid: QUERY_INVALID,
    Unauthenticated: UNAUTHENTICATED,
    Refused: FORBIDDEN,
    Forbidden: FORBIDDEN,
    ReasonMissing: REASON_MISSING,
    CorrectionConflict: CORRECTION_CONFLICT,
    TriggerRefused: TRIGGER_REFUSED,
    NotFound: NOT_FOUND,
    SourceError: CAMERA_UNAVAILABLE,
    DataLoss: DATA_LOSS,
    IndexUnavailable: INDEX_UNAVAILABLE,
    ObjectsUnavailable: OBJECTS_UNAVAILABLE,
    AuditUnavailable: AUDIT_UNAVAILABLE,
    NodeOffline: NODE_OFFLINE,
    StoreError: UNAVAILABLE,
}
ERROR_OF_NAME: dict[str, type[SightlineError]] = {
    kind.name: error for error, kind in _OF_ERROR.items() if error is not QueryInvalid
}
"""The error that a problem of another process of ours stands for (the door's client raises it)."""


class Problem(BaseModel):
    """RFC 9457. `type` is for programs, `detail` for the person who reads it."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(examples=[QUERY_INVALID.uri])
    title: str = Field(examples=[QUERY_INVALID.title])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["limit: must be at most 500; it is '900'"])
    field: str | None = Field(
        default=None, description="the parameter or header that is wrong", examples=["limit"]
    )
    instance: str = Field(
        description="this request's id, as the log has it",
        examples=[REQUEST_PREFIX + "6f1c0a52b3d94e77"],
    )


def kind_of(error: SightlineError) -> Kind:
    """The nearest kind up the error's own tree."""
    return next((_OF_ERROR[cls] for cls in type(error).__mro__ if cls in _OF_ERROR), INTERNAL)


def problem_response(
    kind: Kind,
    detail: str,
    request_id: str,
    *,
    field: str | None = None,
    status: int | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The problem as a response, with `Retry-After` where asking again may help."""
    status = status or kind.status
    body = Problem(
        type=kind.uri,
        title=kind.title,
        status=status,
        detail=detail,
        field=field,
        instance=REQUEST_PREFIX + request_id,
    )
    extra = {"Retry-After": str(kind.retry_after_s)} if kind.retry_after_s is not None else {}
    if kind is UNAUTHENTICATED:
        extra["WWW-Authenticate"] = 'Bearer realm="sightline"'
    content = body.model_dump_json(exclude_none=True)
    return Response(content, status, {**extra, **(headers or {})}, media_type=MEDIA_TYPE)


_KEPT_INSIDE = {
    INDEX_UNAVAILABLE: "the index does not answer, so nothing can be searched; try again in a "
    "moment",
    OBJECTS_UNAVAILABLE: "the object store does not answer; searches still work, and this will be "
    "here when it is back",
    INTERNAL: "this was written to the log under this request's id; tell whoever runs the site",
}
"""What is said where the error's own words name hosts and ports, which are nobody's outside."""


def error_response(error: SightlineError, request_id: str) -> Response:
    """What a Sightline error looks like from outside."""
    kind = kind_of(error)
    detail = _KEPT_INSIDE.get(kind)
    if detail is not None or kind is DATA_LOSS:
        _log.error("request %s: %s: %s", request_id, kind.name, error)
    field = error.field if isinstance(error, QueryInvalid) else None
    return problem_response(kind, detail or str(error), request_id, field=field)


def internal_response(request_id: str) -> Response:
    return problem_response(INTERNAL, _KEPT_INSIDE[INTERNAL], request_id)
