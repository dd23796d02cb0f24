"""The JSON bodies of requests, read so that nobody can take them for something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from domain.errors import QueryInvalid
from domain.suggestions import shortened


class StrictRequest(Request):
    """A request whose JSON body has each key once.

    Readers differ in which of two they take, and what a reason says is on record.
    """

    async def json(self) -> Any:
        """Raises QueryInvalid where a key is given twice, ValueError where it is no JSON."""
        return json.loads(await self.body(), object_pairs_hook=_object)


def with_strict_bodies(route_class: type[APIRoute]) -> type[APIRoute]:
    """`route_class`, with bodies read by `StrictRequest`."""

    class StrictBodies(route_class):  # type: ignore[valid-type, misc]
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                response: Response = await handle(StrictRequest(request.scope, request.receive))
                return response

            return answer

    return StrictBodies


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise QueryInvalid(shortened(key), "is given twice in the body; give it once")
        found[key] = value
    return found
