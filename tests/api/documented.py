"""Checks that each response of the API to a test is in the OpenAPI description."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
from fastapi import FastAPI

from api.requests.declarations import Declarations

_DESCRIPTIONS: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
_METHODS = ("get", "head", "post", "put", "patch", "delete")


def check_documented(app: FastAPI, url: str) -> Callable[[httpx.Response], None]:
    """Return a hook for a client of `app` at `url`."""
    spec = _description(app)
    # An address without parameters is matched before one with them.
    templates = sorted(spec["paths"], key=lambda path: path.count("{"))
    patterns = [
        (re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))), path) for path in templates
    ]

    def check(response: httpx.Response) -> None:
        request = response.request
        if not str(request.url).startswith(url):
            return
        found = (path for pattern, path in patterns if pattern.fullmatch(request.url.path))
        path = next(found, None)
        if path is None:
            assert response.status_code in (404, 413, 414), "no such route"
            return
        operations = spec["paths"][path]
        operation = operations.get(request.method.lower())
        if operation is None:
            assert response.status_code in (405, 413), f"{request.method} {path}"
            operation = next(operations[method] for method in _METHODS if method in operations)
        _check(f"{request.method} {path}", operation, spec["components"]["headers"], response)

    return check


def _description(app: FastAPI) -> dict[str, Any]:
    """Return the description of `app`. Making it takes a second, so it is kept."""
    declarations: Declarations = app.state.declarations
    routes = tuple((one.method, one.path) for one in declarations.all)
    if routes not in _DESCRIPTIONS:
        _DESCRIPTIONS[routes] = app.openapi()
    return _DESCRIPTIONS[routes]


def _check(
    route: str, operation: dict[str, Any], headers: dict[str, Any], response: httpx.Response
) -> None:
    answer = operation["responses"].get(str(response.status_code))
    assert answer is not None, f"{route} answers {response.status_code}, which is not documented"
    for name in answer.get("headers", {}):
        assert name in response.headers or not headers[name]["required"], (
            f"{route}: {response.status_code} lacks the header {name}"
        )
    undocumented = {
        name
        for name in response.headers
        if name.startswith("sightline-") or name in ("etag", "retry-after", "location", "allow")
    } - {name.lower() for name in answer.get("headers", {})}
    assert not undocumented, f"{route}: {response.status_code} has {undocumented}"
    media_type = response.headers.get("content-type", "").partition(";")[0]
    has_content = response.headers.get("content-length") != "0" and response.status_code not in (
        204,
        304,
    )
    if has_content and response.request.method != "HEAD":
        types = {name.partition(";")[0] for name in answer.get("content", {})}
        assert media_type in types, f"{route}: {response.status_code} has {media_type}, not {types}"
