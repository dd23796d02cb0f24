"""Checks that a browser sent a request from a page of this site, and of no other site. Pure.

A browser adds `Origin` and `Sec-Fetch-Site` itself; no page can change them. The check is for
requests with a cookie: other sites can make a browser send one, but only with their own origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from domain.errors import Forbidden

_PORTS = {"http": 80, "https": 443}
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}


def is_secure(scope: Scope, site_origins: Sequence[str]) -> bool:
    """Return whether browsers reach the site over TLS, here or at a proxy in front of it."""
    return _scheme(scope) == "https" or any(one.startswith("https://") for one in site_origins)


def check_not_foreign(scope: Scope) -> None:
    """Check that no page of another origin had a browser send a request with a session cookie.

    `SameSite=Strict` keeps other sites away, and not other hosts of the same domain. Such a page
    cannot read the answer. But a picture on it would be an evidence access of its visitor, with the
    reason that is bound to the session. Raises Forbidden.
    """
    fetch_site = Headers(scope=scope).get("sec-fetch-site", "none")
    if fetch_site not in ("same-origin", "none"):
        raise _foreign(f"Sec-Fetch-Site is {fetch_site[:40]!r}")


def check_same_origin(scope: Scope, site_origins: Sequence[str]) -> None:
    """Check the origin of an HTTP request. Raises Forbidden.

    `site_origins` are the origins of the setting; without them the request must come from the
    origin that it is sent to. A request with neither header is refused: every browser sends one.
    """
    headers = Headers(scope=scope)
    origin, fetch_site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is None and fetch_site is None:
        raise Forbidden(
            "a change with a session cookie needs the header Origin or Sec-Fetch-Site, which every "
            "browser sends; a program sends a token and no cookie"
        )
    if fetch_site is not None and fetch_site != "same-origin":
        raise _foreign(f"Sec-Fetch-Site is {fetch_site[:40]!r}")
    if origin is not None and not _is_own(origin, scope, site_origins):
        raise _foreign(f"Origin is {origin[:100]!r}")


def check_websocket_origin(scope: Scope, site_origins: Sequence[str]) -> None:
    """Check the origin of a WebSocket handshake with a cookie. Raises Forbidden.

    A WebSocket has no CORS: without this check, a page of any site could open one with the cookie
    of its visitor. A browser always sends `Origin` with a handshake.
    """
    if "origin" not in Headers(scope=scope):
        raise Forbidden("a WebSocket with a session cookie needs the header Origin")
    check_same_origin(scope, site_origins)


def _is_own(origin: str, scope: Scope, site_origins: Sequence[str]) -> bool:
    own = site_origins or [f"{_scheme(scope)}://{Headers(scope=scope).get('host', '')}"]
    given = normal_origin(origin)
    return given is not None and given in map(normal_origin, own)


def normal_origin(origin: str) -> str | None:
    """Return `scheme://host:port` of an origin in lower case, or None if it is none."""
    try:
        parts = urlsplit(origin)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    is_plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    if not is_plain or parts.scheme not in _PORTS or not parts.hostname:
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _scheme(scope: Scope) -> str:
    scheme = str(scope["scheme"])
    return _HTTP_SCHEMES.get(scheme, scheme)


def _foreign(what: str) -> Forbidden:
    return Forbidden(
        "{finding}, so the request does not come from a page of this site; if a "
        "proxy is in front of the site, SIGHTLINE_ORIGINS must name the "
        "origin that browsers see",
        finding=what,
    )
