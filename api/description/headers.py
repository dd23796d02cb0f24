"""The response headers that the OpenAPI description explains."""

from __future__ import annotations

from typing import Any

from api.requests.declarations import Declaration

_TIME = {"type": "string", "format": "date-time"}


def _header(
    description: str, schema: dict[str, Any] | None = None, is_required: bool = True
) -> dict[str, Any]:
    return {
        "description": description,
        "required": is_required,
        "schema": schema or {"type": "string"},
    }


HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": _header("the id of this request, which is also in the log and in the audit"),
    "ETag": _header("the version of a file, of a record or of a session, in quotation marks"),
    "Idempotency-Replayed": _header(
        "`true`: this is the answer of an earlier request with the same key", is_required=False
    ),
    "Content-Language": _header("the language of title and advice: `en` or `zh-CN`"),
    "Accept-Patch": _header("the media type of the fragments that PATCH takes"),
    "Location": _header("the address of what was created, or of the same file"),
    "Accept-Ranges": _header("`bytes`: byte ranges are answered"),
    "Content-Range": _header(
        "the bytes of this answer and the size of the file; with several ranges each part has it",
        is_required=False,
    ),
    "Cache-Control": _header("how long a browser may keep the answer"),
    "Content-Disposition": _header("a file name that sorts by camera and time", is_required=False),
    "Vary": _header("the request headers on which this answer depends"),
    "Content-Encoding": _header("`gzip`, if `Accept-Encoding` allows it", is_required=False),
    "Retry-After": _header(
        "the seconds after which the same request may succeed",
        {"type": "integer", "minimum": 1},
        is_required=False,
    ),
    "WWW-Authenticate": _header("`Bearer`: send a token"),
    "Upgrade": _header("`websocket`: send a WebSocket handshake"),
    "Allow": _header("the methods that this address answers"),
    "Sightline-Start": _header("the time of the first picture", _TIME, is_required=False),
    "Sightline-End": _header("where the answer ends in time", _TIME),
    "Sightline-Gaps": _header(
        "the missing parts as `start/end`, joined by commas, or `none`; `more` at the end if there "
        "are others, which the coverage has"
    ),
    "Sightline-Apart": _header(
        "the missing parts that are recorded with other parameters, or `none`"
    ),
    "Link": _header(
        'with `rel="next"`: the address of the rows after this export; with `rel="ice-server"`: a '
        'TURN server for the player; with `rel="describedby"`: the coverage that lists all gaps',
        is_required=False,
    ),
    "Sightline-Rows": _header(
        "the number of rows of an export", {"type": "integer", "minimum": 0}, is_required=False
    ),
    "Sightline-Cut": _header(
        "why an export ends before its search does: `none`, `rows` or `time`", is_required=False
    ),
    "Repr-Digest": _header(
        "the SHA-256 of the whole file, if `Want-Repr-Digest` asks for it", is_required=False
    ),
    "Sightline-Offline": _header(
        "the nodes, or `objects`, that may have more and do not answer, or `none`"
    ),
}


def reference(name: str) -> dict[str, str]:
    """Return a reference to a header of the table. Raises KeyError for another name."""
    return {"$ref": f"#/components/headers/{name}"} if HEADERS[name] else {}


def success_headers(declaration: Declaration) -> dict[str, Any]:
    """Return the headers of a successful response."""
    ranges = ("Accept-Ranges", "ETag") if declaration.allows_head else ()
    created = ("Location",) if declaration.creates else ()
    replayed = ("Idempotency-Replayed",) if declaration.takes_idempotency_key else ()
    encoded = ("Vary", "Content-Encoding") if declaration.may_be_compressed else ()
    names = ("X-Request-Id", *ranges, *created, *replayed, *encoded, *declaration.headers)
    return {name: reference(name) for name in names}
