"""Strict reading of JSON bodies: other media types and duplicate keys are refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

from domain.errors import QueryInvalid, UnsupportedMedia
from domain.suggestions import shortened


class PartlyHiddenBody(BaseModel):
    """A body with fields that `repr` hides, and that the audit log and an approval name all the
    same, in a form without what is secret.
    """

    @property
    def shown_terms(self) -> dict[str, str]:
        """The terms for the hidden fields; a change of such a field changes its term."""
        raise NotImplementedError


class StrictRequest(Request):
    """A request whose JSON body may have each key only once.

    JSON readers differ in which of two equal keys they use, and the audit log must be unambiguous.
    """

    async def json(self) -> Any:
        """Parse the body. Raises QueryInvalid for a duplicate key, ValueError for invalid JSON."""
        return json.loads(await self.body(), object_pairs_hook=_object)


def with_strict_bodies(route_class: type[APIRoute]) -> type[APIRoute]:
    """Return a subclass of `route_class` that reads bodies with `StrictRequest`."""

    class StrictBodies(route_class):  # type: ignore[valid-type, misc]  # a base by parameter
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                response: Response = await handle(StrictRequest(request.scope, request.receive))
                return response

            return answer

    return StrictBodies


def check_media_type(request: Request, body: bytes, expected: str) -> None:
    """Raise UnsupportedMedia where the request has a compressed body, or one of another type."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if body and encoding != "identity":
        raise UnsupportedMedia("the body is compressed; send it without Content-Encoding")
    declared = request.headers.get("Content-Type", "")
    media_type = declared.partition(";")[0].strip().lower()
    if body and media_type != expected:
        raise UnsupportedMedia(
            "the body is declared as {declared}; send it with `Content-Type: {expected}`",
            declared=shortened(declared),
            expected=expected,
        )


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise QueryInvalid(shortened(key), "is given twice in the body; give it once")
        found[key] = value
    return found
