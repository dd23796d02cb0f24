"""The cookies of signed-in browsers: their names, how they are read and how they are sent.

Under TLS a name begins with `__Host-`. A browser then accepts the cookie only from the same host,
over TLS and for all paths, so no other host of the domain can inject one. On plain loopback that
prefix is not possible, and another name keeps the two apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.responses import Response
from starlette.types import Scope

from domain.errors import Unauthenticated

_HOST_PREFIX = "__Host-"


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """One kind of cookie, which scripts cannot read and other sites cannot have sent."""

    name: str
    max_age_s: int | None = None
    """None: the browser deletes it when it is closed."""
    same_site: Literal["strict", "lax"] = "strict"
    """`lax`: it is also sent when a link or a redirect of another site leads here."""

    def read(self, scope: Scope, is_secure: bool) -> str | None:
        """Return the value in a request, or None. Raises Unauthenticated if it occurs twice."""
        full_name = self._full_name(is_secure)
        found = [value for name, value in _pairs(scope) if name == full_name]
        if len(found) > 1:
            raise Unauthenticated(
                "the cookie {cookie} occurs {count} times, so it is not "
                "used; delete the cookies of this site and sign in again",
                cookie=full_name,
                count=len(found),
            )
        return found[0] if found else None

    def send(self, response: Response, value: str, is_secure: bool) -> None:
        response.set_cookie(
            self._full_name(is_secure),
            value,
            max_age=self.max_age_s,
            path="/",
            secure=is_secure,
            httponly=True,
            samesite=self.same_site,
        )

    def delete(self, response: Response, is_secure: bool) -> None:
        response.delete_cookie(
            self._full_name(is_secure),
            path="/",
            secure=is_secure,
            httponly=True,
            samesite=self.same_site,
        )

    def _full_name(self, is_secure: bool) -> str:
        return f"{_HOST_PREFIX}{self.name}" if is_secure else self.name


SESSION_COOKIE = BrowserCookie("sightline-session")


def _pairs(scope: Scope) -> list[tuple[str, str]]:
    """Return the names and values of all cookies, in order; a name may occur twice."""
    headers = [value for name, value in scope["headers"] if name == b"cookie"]
    parts = b";".join(headers).decode("latin-1").split(";")
    pairs = (part.partition("=") for part in parts)
    return [(name.strip(), value.strip()) for name, _, value in pairs]
