"""The session cookie cannot be read by scripts, sent by other sites, or injected by other hosts."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from api.access.cookies import SESSION_COOKIE, BrowserCookie
from domain.errors import Unauthenticated


def _read(*headers: str, is_secure: bool = False) -> str | None:
    scope = {"headers": [(b"cookie", header.encode()) for header in headers]}
    return SESSION_COOKIE.read(scope, is_secure)


def test_the_cookie_under_tls_belongs_to_one_host() -> None:
    response = Response()
    SESSION_COOKIE.send(response, "abc", is_secure=True)
    name, *attributes = response.headers["Set-Cookie"].split("; ")
    assert name == "__Host-sightline-session=abc"
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=strict", "Secure"}


def test_the_cookie_on_plain_loopback_has_another_name() -> None:
    response = Response()
    SESSION_COOKIE.send(response, "abc", is_secure=False)
    name, *attributes = response.headers["Set-Cookie"].split("; ")
    assert name == "sightline-session=abc"
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=strict"}


def test_a_long_lived_cookie_says_how_long() -> None:
    response = Response()
    BrowserCookie("sightline-device", 3600).send(response, "abc", is_secure=True)
    assert "Max-Age=3600" in response.headers["Set-Cookie"]
    response = Response()
    SESSION_COOKIE.delete(response, is_secure=True)
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert response.headers["Set-Cookie"].startswith("__Host-sightline-session=")


def test_only_the_cookie_of_the_own_name_is_read() -> None:
    assert _read("a=1; sightline-session=abc; b=2") == "abc"
    assert _read("a=1", "sightline-session=abc") == "abc"
    assert _read("__Host-sightline-session=abc", is_secure=True) == "abc"
    assert _read("sightline-session=abc", is_secure=True) is None, "injected by another host"
    assert _read("__Host-sightline-session=abc") is None
    assert _read("xsightline-session=abc; sightline-session-x=abc") is None
    assert _read() is None
    assert _read("; =; sightline-session") == ""


def test_a_cookie_that_occurs_twice_is_refused() -> None:
    for headers in (
        ("sightline-session=abc; sightline-session=def",),
        ("sightline-session=abc", "sightline-session=abc"),
    ):
        with pytest.raises(Unauthenticated, match="occurs 2 times"):
            _read(*headers)
