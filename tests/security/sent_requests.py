"""Requests of a person of one area to a route."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx

from api.requests.declarations import Declaration
from domain.clock import NS_PER_S, rfc3339
from tests.security.two_areas import START_NS, TwoAreas

SINCE, UNTIL = rfc3339(START_NS), rfc3339(START_NS + 600 * NS_PER_S)


def name_of(route: Declaration) -> str:
    return f"{route.method} {route.path}"


def send(
    areas: TwoAreas,
    route: Declaration,
    path: str,
    query: dict[str, str],
    body: object = None,
    token: str | None = None,
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or areas.alpha}", "X-Reason": "a test"}
    address = f"{areas.site.url}{path}" + (f"?{urlencode(query)}" if query else "")
    if isinstance(body, str):
        headers["Content-Type"] = route.body_type
        return areas.site.http.request(route.method, address, headers=headers, content=body)
    return areas.site.http.request(
        route.method, address, headers=headers, json=body if body else None
    )
