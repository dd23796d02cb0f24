"""The OpenAPI description, completed from the table of routes and from the table of problems.

The tables add what FastAPI cannot know: credentials, the reason, every status that a route may
answer, the headers of each answer, HEAD, the messages of the feeds, and webhooks.
"""

from __future__ import annotations

import inspect
import typing
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.access.authentication import CSRF_HEADER
from api.description.examples import add_examples
from api.description.headers import HEADERS, reference, success_headers
from api.description.links import add_links
from api.description.messages import WEBHOOKS, feed_schemas, message_types
from api.description.statuses import problem_answers, problem_examples
from api.feeds.stream import MEDIA_TYPE as EVENT_STREAM
from api.requests.declarations import Access, Declaration, Declarations
from api.requests.problems import Problem
from api.requests.reasons import MAX_CHARACTERS
from api.requests.tickets import TICKET

_DESCRIPTION = """Cameras, events, clips and recordings of a city's public-safety video network.

Times are RFC 3339 in UTC with milliseconds. Lists are `{items, next}`; pass `next` on unchanged.
Errors are problem documents (RFC 9457), in Chinese where `Accept-Language` prefers it. Calls that
access evidence carry `X-Reason` and may carry `X-Case` (UTF-8, or percent-encoded); each is written
to the audit log.

A later version may add fields, problem types and values of enumerations. A client ignores those
that it does not know."""

_TAGS = {
    "site": "the page, health, metrics and this description",
    "sessions": "who the caller is, and the sessions of signed-in browsers",
    "nodes": "the machines that record and analyse",
    "areas": "the tree of areas",
    "cameras": "the registry, states, coverage, recordings and current pictures",
    "events": "passings of vehicles and faces: search, pictures, clips, corrections, the feed",
    "journeys": "where a vehicle was seen, in time order",
    "watches": "vehicles whose next passings are reported",
    "holds": "legal holds: what must not be deleted",
    "policy": "the access policy in force",
    "cases": "cases, to which accesses to evidence belong",
    "approvals": "requests for the approval of a second person, and the decisions",
    "emergencies": "emergency accesses and their review",
    "saved-views": "cameras of a live wall by tile, under a name",
    "people": "the people of the site: roles, rights, scopes and tokens",
    "alarms": "conditions that require action by a person",
}


def _header_parameter(name: str, description: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "maxLength": MAX_CHARACTERS},
        "example": example,
    }


_REASON = (
    _header_parameter(
        "X-Reason",
        "the reason of the access; required unless the site has switched that off",
        "theft 2026-118",
    ),
    _header_parameter("X-Case", "the case that the access belongs to", "2026-118"),
)
_EMERGENCY = {
    "name": "X-Emergency",
    "in": "header",
    "required": False,
    "description": "`1`: pass the case and the approval that the access policy demands; it raises "
    "an alarm and is reviewed",
    "schema": {"type": "string", "enum": ["1"]},
}
_LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "the id of the last message that was received; replaces `after`",
    "schema": {"type": "string", "pattern": "^[0-9]{1,16}$"},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "a random text for one request; a repeated request with it gets the same answer "
    "for 24 hours and has no second effect",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "example": "6f0c1c2e-5d1d-4a3b-9a55-0c8f6a1f2b7e",
}
_SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "made by `sightline user add`"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-sightline-session",
        "description": "the cookie of a browser that has signed in; without TLS on loopback its "
        "name is `sightline-session`",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "`csrf_token` of GET /v1/session; needed for changes with the cookie",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": TICKET,
        "description": "a signed address, for players and for `EventSource`; a playlist or "
        "`/ticket` issues it",
    },
}


def describe(app: FastAPI, declarations: Declarations) -> dict[str, Any]:
    """Return the description of `app`."""
    spec: dict[str, Any] = get_openapi(
        title=app.title,
        version=version("sightline"),
        description=_DESCRIPTION,
        routes=app.routes,
        servers=[{"url": "/", "description": "the site that serves this description"}],
        tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = spec.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = Problem.model_json_schema(mode="serialization")
    schemas |= feed_schemas(schemas)
    add_examples(schemas)
    components["securitySchemes"] = _SECURITY_SCHEMES
    components["headers"] = HEADERS
    components["examples"] = problem_examples()
    for declaration in declarations.all:
        operations = spec["paths"][declaration.path]
        _complete(operations[declaration.method.lower()], declaration)
        if declaration.allows_head:
            operations["head"] = _head(operations[declaration.method.lower()])
    add_links(spec)
    spec["webhooks"] = WEBHOOKS
    return spec


def _complete(operation: dict[str, Any], declaration: Declaration) -> None:
    operation["tags"] = [_tag(declaration)]
    operation["responses"] = _responses(operation["responses"], declaration)
    operation["x-right"] = str(declaration.right)
    operation["x-scope"] = str(declaration.scope)
    operation["x-audit"] = declaration.audit or None
    operation["security"] = _security(declaration)
    parameters = operation.get("parameters", [])
    parameters = [*parameters, *_purpose_parameters(declaration)]
    if declaration.media_type == EVENT_STREAM:
        parameters = [*parameters, _LAST_EVENT_ID]
    if declaration.takes_idempotency_key:
        parameters = [*parameters, _IDEMPOTENCY_KEY]
    if parameters:
        operation["parameters"] = parameters
    if declaration.form_fields:
        operation["requestBody"] = _form(declaration)


def _form(declaration: Declaration) -> dict[str, Any]:
    """Return the description of a body that is a form."""
    fields = declaration.form_fields
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in fields},
        "required": list(fields),
    }
    return {"required": True, "content": {declaration.body_type: {"schema": schema}}}


def _purpose_parameters(declaration: Declaration) -> list[dict[str, Any]]:
    """Return the headers that say why; the reason of most changes is in their body."""
    if not declaration.reads_purpose:
        return []
    headers = list(_REASON[1:] if declaration.has_body_reason else _REASON)
    return [*headers, _EMERGENCY] if declaration.is_evidence_access else headers


def _tag(declaration: Declaration) -> str:
    parts = declaration.path.split("/")
    name = parts[2] if parts[1] == "v1" else "site"
    name = "sessions" if name == "session" else name
    return name if name in _TAGS else "site"


def _security(declaration: Declaration) -> list[dict[str, list[str]]]:
    """Return the ways to authenticate; any one of them is enough."""
    if declaration.right is Access.ANYONE:
        return []
    session: dict[str, list[str]]
    ticket: list[dict[str, list[str]]] = [{"ticket": []}] if declaration.allows_ticket else []
    session = {"session": [], "csrf": []} if declaration.is_change else {"session": []}
    return [{"token": []}, session, *ticket]


def _responses(described: dict[str, Any], declaration: Declaration) -> dict[str, Any]:
    status = str(declaration.success_status)
    success = described[status] | {
        "description": _success_text(declaration),
        "headers": success_headers(declaration),
    }
    if declaration.media_type == EVENT_STREAM:
        success["content"] = {EVENT_STREAM: message_types(declaration.path)}
    answers = {status: success}
    if declaration.allows_head:
        part = {"Content-Range": {"$ref": "#/components/headers/Content-Range"}}
        answers["206"] = success | {
            "description": "The requested byte range of it",
            "headers": success["headers"] | part,
        }
    if declaration.allows_many_ranges:
        parts = {"multipart/byteranges": {"schema": {"type": "string", "format": "binary"}}}
        answers["206"] |= {"content": success["content"] | parts}
    if declaration.may_redirect:
        answers["307"] = {
            "description": "The same at an address that does not change any more",
            "headers": {name: reference(name) for name in ("X-Request-Id", "Location")},
        }
    if declaration.allows_if_none_match:
        answers["304"] = {
            "description": "The client has the file that `If-None-Match` names",
            "headers": {name: reference(name) for name in ("X-Request-Id", "ETag")},
        }
    if declaration.answers_204:
        answers["204"] = {
            "description": "There is nothing to answer",
            "headers": success["headers"],
        }
    if declaration.answers_503:
        answers["503"] = success | {"description": "The same while no request can be answered"}
    return answers | problem_answers(declaration)


def _success_text(declaration: Declaration) -> str:
    """Return the first line of the docstring of what the endpoint returns."""
    if declaration.upgrades:
        return "The connection is a WebSocket from now on; docs/live.md has its messages"
    endpoint = inspect.unwrap(declaration.endpoint)
    model = declaration.answer_model or typing.get_type_hints(endpoint).get("return")
    if isinstance(model, type) and issubclass(model, BaseModel) and model.__doc__:
        return model.__doc__.strip().splitlines()[0]
    return f"The content, as `{declaration.media_type}`"


def _head(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the description of HEAD: as GET, without any content."""
    responses = {
        code: {name: value for name, value in answer.items() if name != "content"}
        for code, answer in operation["responses"].items()
    }
    summary = f"{operation['summary']}, headers only"
    return operation | {
        "operationId": f"{operation['operationId']}_headers",
        "summary": summary,
        "responses": responses,
    }
