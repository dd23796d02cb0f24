"""Every problem that a route may answer, by status, with the headers of the answer."""

from __future__ import annotations

from typing import Any

from api.description.headers import reference
from api.requests import problems
from api.requests.declarations import Access, Declaration
from api.requests.problems import KINDS, MEDIA_TYPE, Kind

_OF_SOME_ROUTES = frozenset(
    {
        problems.CLIP_MISSING,
        problems.CLIP_NOT_READY,
        problems.EXPORT_NOT_READY,
        problems.EXPORT_GONE,
        problems.CORRECTION_CONFLICT,
        problems.TRIGGER_REFUSED,
        problems.SIGN_IN_REFUSED,
        problems.PROVIDER_UNAVAILABLE,
        problems.PRECONDITION_FAILED,
        problems.RECORD_ENDED,
        problems.SIGN_IN_FAILED,
        problems.RECORD_EXISTS,
        problems.SECOND_PERSON_REQUIRED,
        problems.OTHER,
    }
)
"""Kinds that a route answers only if its declaration names them, or that no route answers."""
_OF_ANY_REQUEST = frozenset({400, 405, 408, 413, 414, 429, 431, 500})
_OF_PERSONS = frozenset({401, 403, 503})
_WITH_BODY = ("POST", "PATCH", "PUT")
_HEADERS = {
    401: "WWW-Authenticate",
    405: "Allow",
    409: "Retry-After",
    416: "Content-Range",
    426: "Upgrade",
    429: "Retry-After",
    503: "Retry-After",
}


def problem_answers(declaration: Declaration) -> dict[str, Any]:
    """Return the descriptions of the problems of a route, by status."""
    kinds = [kind for kind in KINDS if _answers(declaration, kind)]
    statuses = sorted({kind.status for kind in kinds})
    return {
        str(status): _answer(status, [kind for kind in kinds if kind.status == status])
        for status in statuses
    }


def _answers(declaration: Declaration, kind: Kind) -> bool:
    if kind in _OF_SOME_ROUTES:
        return kind in declaration.problems
    if kind in (problems.KEY_IN_USE, problems.KEY_REUSED):
        return declaration.takes_idempotency_key
    if kind is problems.REASON_MISSING:
        return declaration.reads_reason
    if kind in (problems.CASE_REQUIRED, problems.APPROVAL_REQUIRED):
        return declaration.governed_right is not None or kind in declaration.problems
    if kind.status in _OF_PERSONS:
        return declaration.right is not Access.ANYONE or kind in declaration.problems
    if kind.status == 404:
        return "{" in declaration.path or kind in declaration.problems
    if kind.status == 415:
        return declaration.method in _WITH_BODY
    if kind.status == 416:
        return declaration.allows_head
    return kind.status in _OF_ANY_REQUEST or kind in declaration.problems


def _answer(status: int, kinds: list[Kind]) -> dict[str, Any]:
    own = (_HEADERS[status],) if status in _HEADERS else ()
    names = ("X-Request-Id", "Content-Language", *own)
    examples = {kind.name: {"$ref": f"#/components/examples/{kind.name}"} for kind in kinds}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": " / ".join(f"{kind.title} (`{kind.name}`)" for kind in kinds),
        "headers": {name: reference(name) for name in names},
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def problem_examples() -> dict[str, Any]:
    """Return an example of each kind of problem, by its name."""
    return {
        kind.name: {
            "summary": kind.title,
            "value": {
                "type": kind.uri,
                "title": kind.title,
                "status": kind.status,
                "detail": kind.title,
                "instance": f"{problems.REQUEST_PREFIX}6f1c0a52b3d94e77",
            },
        }
        for kind in KINDS
        if kind is not problems.OTHER
    }
