"""Makes the routes of the API from their declarations.

Routes need nothing of the process that serves them, so they are made once before processes are
forked (`docs/decisions/0015-fork-server.md`), which then share their memory.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute

from api.access.guarded_route import guarded, run_in_current_thread
from api.requests.audit_recorder import with_recorded_intent
from api.requests.bodies import with_strict_bodies
from api.requests.declarations import JSON, Declaration, Declarations
from api.routes import ROUTES


def route_class_of(declarations: Declarations) -> type[APIRoute]:
    """Return the only route class of an app: it runs the guard, and reads bodies strictly."""
    return with_strict_bodies(guarded(declarations))


def routes_of(declared: tuple[Declaration, ...]) -> tuple[BaseRoute, ...]:
    """Return the routes of these declarations. Those of the site are made once in a process."""
    return site_routes() if declared is ROUTES else _made(declared)


@cache
def site_routes() -> tuple[BaseRoute, ...]:
    return _made(ROUTES)


def _made(declared: tuple[Declaration, ...]) -> tuple[BaseRoute, ...]:
    router = APIRouter(route_class=route_class_of(Declarations(declared)))
    for declaration in declared:
        _add(router, declaration)
    return tuple(router.routes)


def _add(router: APIRouter, declaration: Declaration) -> None:
    answer: dict[str, Any] = {
        "status_code": declaration.success_status,
        "responses": {declaration.success_status: _success_response(declaration)},
        "operation_id": declaration.endpoint.__name__,
    }
    if declaration.media_type != JSON:
        answer["response_class"] = Response
    if declaration.answer_model is not None:
        answer["response_model"] = declaration.answer_model
    endpoint = (
        with_recorded_intent(declaration.endpoint)
        if declaration.is_change
        and not (declaration.identifies_person or declaration.records_itself)
        else declaration.endpoint
    )
    endpoint = run_in_current_thread(endpoint)
    router.add_api_route(declaration.path, endpoint, methods=[declaration.method], **answer)
    if declaration.allows_head:
        router.add_api_route(
            declaration.path,
            endpoint,
            methods=["HEAD"],
            include_in_schema=False,
            response_model=None,
        )


def _success_response(declaration: Declaration) -> dict[str, Any]:
    types = {declaration.media_type, *declaration.other_media_types} - {JSON}
    content = {name: {"schema": _schema_of(name)} for name in sorted(types)}
    return {"description": "", "content": content} if content else {"description": ""}


def _schema_of(media_type: str) -> dict[str, str]:
    is_text = media_type.startswith("text/")
    return {"type": "string"} if is_text else {"type": "string", "format": "binary"}
