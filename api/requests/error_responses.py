"""Turns every exception that a route raises into a problem document, for API and node API."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.requests.problems import (
    BAD_INPUT,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    OTHER,
    QUERY_INVALID,
    error_response,
    problem_response,
)
from api.requests.request_trace import trace_of
from api.requests.tickets import TICKET
from domain.errors import Cancelled, SightlineError
from domain.messages.message import Message, joined
from domain.messages.validation import validation_message
from domain.suggestions import shortened, suggestion

Detail = dict[str, object]
CLIENT_DISCONNECTED = 499
"""The status in the log of a request whose client disconnected before its answer, as in nginx."""
_SECRET_FIELDS = frozenset(
    {"secret", "password", "old_password", "new_password", "code", "state", TICKET}
)
"""Responses never repeat the value of these fields, nor that of an unknown field."""


def add_fault_handlers(app: FastAPI) -> None:
    app.add_exception_handler(SightlineError, _on_sightline_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)


async def _on_sightline_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, SightlineError)
    if isinstance(error, Cancelled):
        return Response(status_code=CLIENT_DISCONNECTED)
    return error_response(error, trace_of(request.scope).request_id)


async def _on_disconnect(request: Request, error: Exception) -> Response:
    """The client left before the end of its body, so nothing was done."""
    return Response(status_code=CLIENT_DISCONNECTED)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults: Sequence[Detail] = error.errors()
    if faults[0]["type"] == "json_invalid":
        return problem_response(
            BAD_INPUT,
            Message("the body is not JSON; check its quotes and commas"),
            trace_of(request.scope).request_id,
        )
    return problem_response(
        QUERY_INVALID,
        joined([_message(fault) for fault in faults]),
        trace_of(request.scope).request_id,
        field=_field(faults[0]),
    )


def _field(fault: Detail) -> str:
    place = fault["loc"]
    assert isinstance(place, tuple)
    return str(place[-1])


def _message(fault: Detail) -> Message:
    field = _field(fault)
    if fault["type"] == "missing":
        return Message("{field}: is missing; this route needs it", field=field)
    context = fault.get("ctx", {})
    assert isinstance(context, dict)
    what = validation_message(str(fault["type"]), str(fault["msg"]), context)
    if fault["type"] == "extra_forbidden" or field in _SECRET_FIELDS:
        return Message("{field}: {fault}", field=field, fault=what)
    value = shortened(fault.get("input"))
    return Message("{field}: {fault}; it is {value}", field=field, fault=what, value=value)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    request_id = trace_of(request.scope).request_id
    if isinstance(
        error.__cause__, SightlineError
    ):  # FastAPI turns what the reading of a body raises
        return error_response(error.__cause__, request_id)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return problem_response(NOT_FOUND, _no_route(request), request_id)
    if error.status_code == 405:
        message = Message(
            "{path} answers {allowed}, not {method}",
            path=request.url.path,
            allowed=headers.get("Allow", "other methods"),
            method=request.method,
        )
        return problem_response(METHOD_NOT_ALLOWED, message, request_id, headers=headers)
    return problem_response(
        OTHER, Message(error.detail), request_id, status=error.status_code, headers=headers
    )


def _no_route(request: Request) -> Message:
    paths = sorted({str(getattr(route, "path", "")) for route in request.app.routes} - {""})
    return Message(
        "there is no {path} here; {suggestion}",
        path=shortened(request.url.path),
        suggestion=suggestion(request.url.path, paths),
    )
