"""The origin check of changes and of WebSockets, as a table."""

from __future__ import annotations

import pytest

from api.access.origins import (
    check_same_origin,
    check_websocket_origin,
    is_secure,
    normal_origin,
)
from domain.errors import Forbidden

SITE = ("https://video.example.org",)


def _scope(
    origin: str | None, fetch_site: str | None = None, scheme: str = "https", host: str = ""
) -> dict[str, object]:
    headers = {"host": host or "video.example.org", "origin": origin, "sec-fetch-site": fetch_site}
    given = [
        (name.encode(), value.encode()) for name, value in headers.items() if value is not None
    ]
    return {"type": "http", "scheme": scheme, "headers": given}


@pytest.mark.parametrize(
    ("origin", "fetch_site", "scheme", "host", "origins", "is_own"),
    [
        ("https://video.example.org", "same-origin", "https", "video.example.org", (), True),
        ("https://video.example.org", None, "https", "video.example.org", (), True),
        ("https://video.example.org:443", None, "https", "video.example.org", (), True),
        ("https://VIDEO.example.org", None, "https", "video.example.org", (), True),
        (None, "same-origin", "https", "video.example.org", (), True),
        ("http://127.0.0.1:8080", None, "http", "127.0.0.1:8080", (), True),
        ("http://[::1]:8080", None, "http", "[::1]:8080", (), True),
        # behind a proxy that ends TLS and changes the host
        ("https://video.example.org", "same-origin", "http", "10.0.0.7:8080", SITE, True),
        ("https://video.example.org", "same-origin", "http", "10.0.0.7:8080", (), False),
        ("http://10.0.0.7:8080", None, "http", "10.0.0.7:8080", SITE, False),
        # other sites
        ("https://evil.example.com", "cross-site", "https", "video.example.org", (), False),
        ("https://evil.example.com", None, "https", "video.example.org", (), False),
        ("https://other.example.org", "same-site", "https", "video.example.org", (), False),
        (None, "cross-site", "https", "video.example.org", (), False),
        (None, "same-site", "https", "video.example.org", (), False),
        (None, "none", "https", "video.example.org", (), False),
        ("https://evil.example.com", "same-origin", "https", "video.example.org", (), False),
        ("https://video.example.org", "cross-site", "https", "video.example.org", (), False),
        # what resembles the own origin
        ("http://video.example.org", None, "https", "video.example.org", (), False),
        ("https://video.example.org:8443", None, "https", "video.example.org", (), False),
        ("https://video.example.org.evil.com", None, "https", "video.example.org", (), False),
        ("https://video.example.org@evil.com", None, "https", "video.example.org", (), False),
        ("https://evil.com/video.example.org", None, "https", "video.example.org", (), False),
        ("null", None, "https", "video.example.org", (), False),
        ("", None, "https", "video.example.org", (), False),
        ("https://video.example.org:99999", None, "https", "video.example.org", (), False),
        ("https://[::1", None, "https", "video.example.org", (), False),
        (None, None, "https", "video.example.org", (), False),
    ],
)  # fmt: skip
def test_a_change_comes_from_the_own_origin(
    origin: str | None,
    fetch_site: str | None,
    scheme: str,
    host: str,
    origins: tuple[str, ...],
    is_own: bool,
) -> None:
    scope = _scope(origin, fetch_site, scheme, host)
    if is_own:
        check_same_origin(scope, origins)
        return
    with pytest.raises(Forbidden, match=r"Origin|Sec-Fetch-Site"):
        check_same_origin(scope, origins)


@pytest.mark.parametrize(
    ("origin", "fetch_site", "scheme", "origins", "is_own"),
    [
        ("https://video.example.org", "same-origin", "wss", (), True),
        ("https://video.example.org", None, "wss", (), True),
        ("http://video.example.org", None, "ws", (), True),
        ("https://video.example.org", None, "ws", SITE, True),
        ("https://video.example.org", None, "ws", (), False),
        ("http://video.example.org", None, "wss", (), False),
        ("https://evil.example.com", None, "wss", (), False),
        ("https://evil.example.com", "cross-site", "wss", SITE, False),
        ("null", None, "wss", (), False),
        (None, "same-origin", "wss", (), False),
        (None, None, "wss", (), False),
    ],
)
def test_a_websocket_comes_from_the_own_origin(
    origin: str | None, fetch_site: str | None, scheme: str, origins: tuple[str, ...], is_own: bool
) -> None:
    scope = _scope(origin, fetch_site, scheme) | {"type": "websocket"}
    if is_own:
        check_websocket_origin(scope, origins)
        return
    with pytest.raises(Forbidden, match=r"Origin|Sec-Fetch-Site"):
        check_websocket_origin(scope, origins)


def test_tls_is_here_or_at_a_proxy() -> None:
    assert is_secure(_scope(None), ())
    assert is_secure(_scope(None, scheme="wss"), ())
    assert is_secure(_scope(None, scheme="http"), SITE)
    assert not is_secure(_scope(None, scheme="http"), ())
    assert not is_secure(_scope(None, scheme="http"), ("http://10.0.0.7:8080",))


def test_an_origin_has_no_path_and_no_user() -> None:
    assert normal_origin("HTTPS://Video.example.org") == "https://video.example.org:443"
    for text in ("", "null", "ftp://a", "https://", "https://a/", "https://u@a", "https://a?b"):
        assert normal_origin(text) is None, text
