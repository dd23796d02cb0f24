"""Every error response of the API is a problem document of RFC 9457.

The table of kinds is in this module; docs/api.md explains them.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from domain.errors import (
    AddressTooLong,
    ApprovalRequired,
    AuditUnavailable,
    BadInput,
    BodyTooLarge,
    BodyTooSlow,
    CaseRequired,
    CorrectionConflict,
    DataLoss,
    ExportGone,
    ExportNotReady,
    Forbidden,
    HeadersTooLarge,
    IndexUnavailable,
    KeyBusy,
    KeyReused,
    NodeOffline,
    NotFound,
    ObjectsUnavailable,
    ProviderUnavailable,
    QueryInvalid,
    RateLimited,
    ReasonMissing,
    RecordChanged,
    RecordEnded,
    RecordExists,
    Refused,
    SecondPersonRequired,
    SightlineError,
    SignInFailed,
    SignInRefused,
    SourceError,
    SourceUnsupported,
    StoreError,
    TriggerRefused,
    Unauthenticated,
    UnsupportedMedia,
    UpgradeRequired,
)
from domain.messages.message import Message

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:sightline:problem:"
REQUEST_PREFIX = "urn:sightline:request:"
APPROVALS = "/v1/approvals"
"""Where an approval is requested."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. `retry_after_s` is the delay after which a retry may succeed; it is
    None where a retry cannot succeed.
    """

    name: str
    status: int
    title: str
    retry_after_s: int | None = None

    @property
    def uri(self) -> str:
        return PREFIX + self.name


BAD_INPUT = Kind("bad_input", 400, "The request is malformed")
QUERY_INVALID = Kind("query_invalid", 400, "A parameter is invalid")
UNAUTHENTICATED = Kind("unauthenticated", 401, "Authentication is required")
SIGN_IN_FAILED = Kind("sign_in_failed", 401, "The sign-in failed")
FORBIDDEN = Kind("forbidden", 403, "The request is not permitted")
REASON_MISSING = Kind("reason_missing", 403, "The request requires a reason")
CASE_REQUIRED = Kind("case_required", 403, "The request requires an open case")
APPROVAL_REQUIRED = Kind("approval_required", 403, "The request requires an approval")
SECOND_PERSON_REQUIRED = Kind("second_person_required", 403, "Another person must make the request")
SIGN_IN_REFUSED = Kind("sign_in_refused", 403, "The sign-in was refused")
NOT_FOUND = Kind("not_found", 404, "The resource does not exist")
CLIP_MISSING = Kind("clip_missing", 404, "The event has no clip")
METHOD_NOT_ALLOWED = Kind("method_not_allowed", 405, "The method is not allowed for this URL")
CLIP_NOT_READY = Kind("clip_not_ready", 409, "The clip is not ready yet", retry_after_s=2)
CORRECTION_CONFLICT = Kind("correction_conflict", 409, "The event was corrected by another request")
TRIGGER_REFUSED = Kind("trigger_refused", 409, "The camera does not accept this trigger")
RECORD_EXISTS = Kind("record_exists", 409, "The name or the number is in use")
BODY_TOO_SLOW = Kind("body_too_slow", 408, "The request body did not arrive in time")
KEY_IN_USE = Kind("key_in_use", 409, "The same request is being processed", retry_after_s=1)
RECORD_ENDED = Kind("record_ended", 409, "The hold or the watch has ended")
EXPORT_NOT_READY = Kind("export_not_ready", 409, "The export is not ready yet", retry_after_s=5)
EXPORT_GONE = Kind("export_gone", 410, "The export cannot be downloaded any more")
PRECONDITION_FAILED = Kind("precondition_failed", 412, "The resource has changed")
CONTENT_TOO_LARGE = Kind("content_too_large", 413, "The request body is too large")
URI_TOO_LONG = Kind("uri_too_long", 414, "The URL is too long")
HEADERS_TOO_LARGE = Kind("headers_too_large", 431, "The request headers are too large")
KEY_REUSED = Kind("key_reused", 422, "The Idempotency-Key belongs to another request")
UNSUPPORTED_MEDIA_TYPE = Kind(
    "unsupported_media_type", 415, "The body must be of another media type"
)
RANGE_NOT_SATISFIABLE = Kind("range_not_satisfiable", 416, "The range is outside the file")
UPGRADE_REQUIRED = Kind("upgrade_required", 426, "The route needs a WebSocket")
RATE_LIMITED = Kind("rate_limited", 429, "Too many requests", retry_after_s=1)
INTERNAL = Kind("internal", 500, "An internal error occurred")
DATA_LOSS = Kind("data_loss", 500, "Stored data is damaged")
INDEX_UNAVAILABLE = Kind("index_unavailable", 503, "The index is unavailable", retry_after_s=2)
OBJECTS_UNAVAILABLE = Kind(
    "objects_unavailable", 503, "The object store is unavailable", retry_after_s=5
)
AUDIT_UNAVAILABLE = Kind("audit_unavailable", 503, "The audit log is unavailable", retry_after_s=5)
NODE_OFFLINE = Kind("node_offline", 503, "The node of the camera is unavailable", retry_after_s=5)
CAMERA_UNAVAILABLE = Kind(
    "camera_unavailable", 503, "The camera delivers no video", retry_after_s=5
)
CODEC_UNSUPPORTED = Kind("codec_unsupported", 501, "The camera's video cannot be carried")
PROVIDER_UNAVAILABLE = Kind(
    "provider_unavailable", 503, "The identity provider is unavailable", retry_after_s=5
)
UNAVAILABLE = Kind("unavailable", 503, "The service is temporarily unavailable", retry_after_s=2)
OTHER = Kind("http", 400, "The request was refused")

KINDS: tuple[Kind, ...] = tuple(kind for kind in list(globals().values()) if isinstance(kind, Kind))
BY_NAME = {kind.name: kind for kind in KINDS}

_OF_ERROR: dict[type[SightlineError], Kind] = {
    BadInput: BAD_INPUT,
    QueryInvalid: QUERY_INVALID,
    AddressTooLong: URI_TOO_LONG,
    HeadersTooLarge: HEADERS_TOO_LARGE,
    BodyTooLarge: CONTENT_TOO_LARGE,
    BodyTooSlow: BODY_TOO_SLOW,
    UnsupportedMedia: UNSUPPORTED_MEDIA_TYPE,
    UpgradeRequired: UPGRADE_REQUIRED,
    Unauthenticated: UNAUTHENTICATED,
    SignInFailed: SIGN_IN_FAILED,
    Refused: FORBIDDEN,
    RateLimited: RATE_LIMITED,
    Forbidden: FORBIDDEN,
    ReasonMissing: REASON_MISSING,
    CaseRequired: CASE_REQUIRED,
    ApprovalRequired: APPROVAL_REQUIRED,
    SecondPersonRequired: SECOND_PERSON_REQUIRED,
    SignInRefused: SIGN_IN_REFUSED,
    CorrectionConflict: CORRECTION_CONFLICT,
    TriggerRefused: TRIGGER_REFUSED,
    KeyBusy: KEY_IN_USE,
    KeyReused: KEY_REUSED,
    RecordChanged: PRECONDITION_FAILED,
    RecordEnded: RECORD_ENDED,
    ExportNotReady: EXPORT_NOT_READY,
    ExportGone: EXPORT_GONE,
    RecordExists: RECORD_EXISTS,
    NotFound: NOT_FOUND,
    SourceError: CAMERA_UNAVAILABLE,
    SourceUnsupported: CODEC_UNSUPPORTED,
    DataLoss: DATA_LOSS,
    IndexUnavailable: INDEX_UNAVAILABLE,
    ObjectsUnavailable: OBJECTS_UNAVAILABLE,
    AuditUnavailable: AUDIT_UNAVAILABLE,
    NodeOffline: NODE_OFFLINE,
    ProviderUnavailable: PROVIDER_UNAVAILABLE,
    StoreError: UNAVAILABLE,
}
ERROR_OF_NAME: dict[str, type[SightlineError]] = {
    kind.name: error
    for error, kind in _OF_ERROR.items()
    if error not in (QueryInvalid, RateLimited, ApprovalRequired)
}
"""The error that stands for a problem of another Sightline process."""


class Problem(BaseModel):
    """A problem document of RFC 9457: `type` is for programs, `detail` is for people.

    `detail` is `message` with its parts filled in.
    """

    model_config = ConfigDict(extra="forbid")

    type: str = Field(examples=[QUERY_INVALID.uri])
    title: str = Field(examples=[QUERY_INVALID.title])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["there is no event 01JD7Z3V5G8M2K4Q6R9T1W3Y5A"])
    message: Message = Field(
        description="`detail` as a template and its parts, for clients that show the parts in "
        "their own way; a time is `{at}`, and a part may be a message itself",
        examples=[
            {
                "template": "there is no event {event}",
                "parts": {"event": "01JD7Z3V5G8M2K4Q6R9T1W3Y5A"},
            }
        ],
    )
    field: str | None = Field(
        default=None, description="the invalid parameter or header", examples=["limit"]
    )
    approval: dict[str, str | dict[str, str]] | None = Field(
        default=None,
        description="what to send to `url` to request the approval: `call` and `terms`",
        examples=[{"url": APPROVALS, "call": "event.clip", "terms": {"id": "01JD…"}}],
    )
    instance: str = Field(
        description="the id of this request, which is also in the log",
        examples=[REQUEST_PREFIX + "6f1c0a52b3d94e77"],
    )


class ErrorRecord(BaseModel):
    """An error as one process of Sightline sends it to another. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    kind: str
    detail: str
    message: Message | None = None
    """`detail` with its parts; None from a process of an older version."""

    @classmethod
    def of(cls, error: SightlineError) -> ErrorRecord:
        return cls(kind=kind_of(error).name, detail=str(error), message=error.message)

    def error(self, otherwise: type[SightlineError]) -> SightlineError:
        """Return the error again; one of another kind becomes `otherwise`."""
        return ERROR_OF_NAME.get(self.kind, otherwise)(self.message or self.detail)


def kind_of(error: SightlineError) -> Kind:
    """Return the kind of the error's class, or of its nearest base class that has one."""
    return next((_OF_ERROR[cls] for cls in type(error).__mro__ if cls in _OF_ERROR), INTERNAL)


def problem_response(
    kind: Kind,
    message: Message,
    request_id: str,
    *,
    field: str | None = None,
    status: int | None = None,
    headers: dict[str, str] | None = None,
    approval: dict[str, str | dict[str, str]] | None = None,
) -> Response:
    """Return the problem as a response, with `Retry-After` where a retry may succeed."""
    status = status or kind.status
    body = Problem(
        type=kind.uri,
        title=kind.title,
        status=status,
        detail=message,
        message=message,
        field=field,
        approval=approval,
        instance=REQUEST_PREFIX + request_id,
    )
    extra = {"Retry-After": str(kind.retry_after_s)} if kind.retry_after_s is not None else {}
    if kind.status == 401:
        extra["WWW-Authenticate"] = 'Bearer realm="sightline"'
    if kind is UPGRADE_REQUIRED:
        extra["Upgrade"] = "websocket"
    content = body.model_dump_json(exclude_none=True)
    return Response(content, status, {**extra, **(headers or {})}, media_type=MEDIA_TYPE)


_KEPT_INSIDE = {
    INDEX_UNAVAILABLE: Message(
        "the index does not respond, so searches are not possible; retry in a few seconds"
    ),
    OBJECTS_UNAVAILABLE: Message(
        "the object store does not respond; searches still work, and this file will be available "
        "when the store responds again"
    ),
    INTERNAL: Message(
        "the error is in the log under the id of this request; report the id to the administrator "
        "of the site"
    ),
}
"""The messages for errors whose own text names internal hosts and ports."""


def error_response(error: SightlineError, request_id: str) -> Response:
    """Return the response for a Sightline error."""
    kind = kind_of(error)
    kept_inside = _KEPT_INSIDE.get(kind)
    if kept_inside is not None or kind is DATA_LOSS:
        _log.error("request %s: %s: %s", request_id, kind.name, error)
    field = error.field if isinstance(error, QueryInvalid) else None
    headers = {}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    if isinstance(error, BodyTooSlow):
        headers["Connection"] = "close"  # What is left of the body is no next request.
    approval: dict[str, str | dict[str, str]] | None = None
    if isinstance(error, ApprovalRequired):
        approval = {"url": APPROVALS, "call": error.call, "terms": error.terms}
    return problem_response(
        kind,
        kept_inside or error.message,
        request_id,
        field=field,
        headers=headers,
        approval=approval,
    )


def internal_response(request_id: str) -> Response:
    return problem_response(INTERNAL, _KEPT_INSIDE[INTERNAL], request_id)
