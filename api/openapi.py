"""The OpenAPI description, completed from the table of routes.

The table adds the token, the reason, and the problems that each route may return.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.requests.declarations import Access, Declaration, Declarations
from api.requests.problems import KINDS, MEDIA_TYPE, Problem

_DESCRIPTION = """Cameras, events, clips and recordings of a city's public-safety video network.

Times are RFC 3339 in UTC with milliseconds. Lists are `{items, next}`; pass `next` on unchanged.
Errors are problem documents (RFC 9457). Calls that access evidence carry `X-Reason` and may carry
`X-Case` (UTF-8, or percent-encoded); each is written to the audit log."""

_HEADERS: tuple[dict[str, Any], ...] = (
    {
        "name": "X-Reason",
        "in": "header",
        "required": False,
        "description": "the reason of the access; required unless the site has switched that off",
        "schema": {"type": "string", "maxLength": 500},
        "example": "theft 2026-118",
    },
    {
        "name": "X-Case",
        "in": "header",
        "required": False,
        "description": "the case that the access belongs to",
        "schema": {"type": "string", "maxLength": 500},
        "example": "2026-118",
    },
)


def describe(app: FastAPI, declarations: Declarations) -> dict[str, Any]:
    """Return the description of `app`."""
    spec: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
    )
    components = spec.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "made by `sightline user add`"}
    }
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            declaration = declarations.find(method.upper(), path)
            if declaration is not None:
                _complete(operation, declaration)
    return spec


def _complete(operation: dict[str, Any], declaration: Declaration) -> None:
    operation["responses"] = {
        code: answer for code, answer in operation["responses"].items() if code != "422"
    }
    operation["responses"] |= {str(status): _problem(status) for status in _statuses(declaration)}
    operation["x-right"] = str(declaration.right)
    operation["x-scope"] = str(declaration.scope)
    operation["x-audit"] = declaration.audit or None
    if declaration.right is not Access.ANYONE:
        operation["security"] = [{"token": []}]
    if declaration.is_evidence_access:
        operation.setdefault("parameters", []).extend(_HEADERS)


def _statuses(declaration: Declaration) -> list[int]:
    always = [400, 500] if declaration.right is Access.ANYONE else [400, 401, 403, 500, 503]
    own = [404] if "{" in declaration.path else []
    clip = [409, 416] if declaration.allows_head else [409] if declaration.method == "PATCH" else []
    return sorted([*always, *own, *clip])


def _problem(status: int) -> dict[str, Any]:
    titles = " / ".join(f"{kind.title} (`{kind.name}`)" for kind in KINDS if kind.status == status)
    return {
        "description": titles,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
