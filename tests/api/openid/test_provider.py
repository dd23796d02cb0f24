"""Metadata and keys are cached, refreshed, and used further while the provider is down."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from joserfc import jwk, jwt

from api.openid.authlib_client import AuthlibClient
from api.openid.limited_transport import LIMIT
from api.openid.metadata import WELL_KNOWN, ProviderMetadata
from api.openid.provider import (
    KEYS_AT_LEAST_S,
    KEYS_FRESH_S,
    METADATA_FRESH_S,
    RETRY_AFTER_S,
    OpenIdProvider,
    provider_client,
)
from api.openid.sign_in import OpenIdSignIn
from domain.clock import NS_PER_S, ManualClock, SystemClock
from domain.derived_keys import SecretCipher
from domain.errors import ProviderError, ProviderUnavailable, SignInRefused
from domain.openid import ClaimNames, ClaimRole, OpenIdSettings
from domain.people import Role
from sightline.keys.tls import server_context
from tests.api.openid.provider import TlsFiles, make_tls

if TYPE_CHECKING:
    from storage.openid.single_use import SingleUse

FIRST, SECOND = (jwk.RSAKey.generate_key(2048, {"kid": name}) for name in ("first", "second"))


@dataclass
class Answers:
    """What the server of a test answers, by path, and what it was asked."""

    url: str = ""
    pages: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of every answer."""
    pause: Callable[[], None] = lambda: None
    """What happens while half of an answer is sent."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Path, `Authorization` and body."""

    def put(self, path: str, content: Any, status: int = 200) -> None:
        self.pages[path] = (status, json.dumps(content).encode())

    def count(self, path: str) -> int:
        return sum(one[0] == path for one in self.asked)

    def metadata(self, **changes: Any) -> dict[str, Any]:
        paths = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return (
            {"issuer": self.url} | {name: self.url + path for name, path in paths.items()} | changes
        )


def _handler(answers: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            answers.asked.append((self.path, self.headers.get("Authorization", ""), body))
            status, content = answers.pages.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.end_headers()
            half = len(content) // 2
            self.wfile.write(content[:half])
            answers.pause()
            self.wfile.write(content[half:])

        do_POST = do_GET

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Print nothing."""

    return Handler


@pytest.fixture
def tls(tmp_path: Path) -> TlsFiles:
    return make_tls(tmp_path)


@pytest.fixture
def answers(tls: TlsFiles) -> Iterator[Answers]:
    """A server behind TLS whose answers a test sets; at first those of a provider."""
    answers = Answers()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answers))
    server.socket = server_context(tls.certificate, tls.key).wrap_socket(
        server.socket, server_side=True
    )
    answers.url = f"https://127.0.0.1:{server.server_port}"
    answers.put(WELL_KNOWN, answers.metadata())
    answers.put("/keys", {"keys": [FIRST.as_dict(private=False)]})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield answers
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(answers: Answers, tls: TlsFiles) -> OpenIdSettings:
    return OpenIdSettings(
        issuer=answers.url,
        client_id="site:1",
        client_secret="a secret/of=all&kinds",
        origin="https://sightline.example.cn",
        scopes="openid",
        ca=tls.ca,
        claims=ClaimNames("name", "roles"),
        roles={},
        clock_skew_s=30,
        check_every_s=300,
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def http(settings: OpenIdSettings, clock: ManualClock) -> Iterator[httpx.Client]:
    with provider_client(settings, clock) as client:
        yield client


@pytest.fixture
def provider(settings: OpenIdSettings, http: httpx.Client, clock: ManualClock) -> OpenIdProvider:
    return OpenIdProvider(settings, http, clock)


def test_metadata_and_keys_are_fetched_once_and_refreshed(
    provider: OpenIdProvider, answers: Answers, clock: ManualClock
) -> None:
    for _ in range(3):
        assert provider.metadata().token_endpoint == f"{answers.url}/token"
        assert provider.keys("first").ids == {"first"}
    assert (answers.count(WELL_KNOWN), answers.count("/keys")) == (1, 1)
    clock.advance(KEYS_FRESH_S)
    provider.keys("first")
    assert (answers.count(WELL_KNOWN), answers.count("/keys")) == (1, 2)
    clock.advance(METADATA_FRESH_S)
    provider.metadata()
    assert answers.count(WELL_KNOWN) == 2


def test_an_unknown_key_is_fetched_but_not_at_each_request(
    provider: OpenIdProvider, answers: Answers, clock: ManualClock
) -> None:
    provider.keys("first")
    answers.put("/keys", {"keys": [SECOND.as_dict(private=False)]})
    clock.advance(KEYS_AT_LEAST_S)
    assert provider.keys("second").ids == {"second"}
    for _ in range(20):
        assert provider.keys("forged").ids == {"second"}
    assert answers.count("/keys") == 2


def test_a_provider_that_is_down_keeps_what_was_fetched(
    provider: OpenIdProvider, answers: Answers, clock: ManualClock
) -> None:
    metadata = provider.metadata()
    provider.keys("first")
    answers.pages.clear()
    clock.advance(METADATA_FRESH_S)
    assert provider.metadata() == metadata
    assert provider.keys("first").ids == {"first"}
    assert "answered 404" in (provider.fault() or "")


def test_a_provider_that_never_answered_is_asked_again_after_seconds(
    provider: OpenIdProvider, answers: Answers, clock: ManualClock
) -> None:
    page = answers.pages.pop(WELL_KNOWN)
    for _ in range(5):
        with pytest.raises(ProviderUnavailable, match="404"):
            provider.metadata()
    assert answers.count(WELL_KNOWN) == 1
    answers.pages[WELL_KNOWN] = page
    clock.advance(RETRY_AFTER_S)
    assert provider.metadata().issuer == answers.url


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"token_endpoint": "http://127.0.0.1/token"}, "token_endpoint"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
        ({"authorization_endpoint": None}, "authorization_endpoint"),
        ({"jwks_uri": "https://127.0.0.1:99999999/keys"}, "jwks_uri"),
        ({"jwks_uri": "https://[::1/keys"}, "jwks_uri"),
        ({"token_endpoint": "https://id.example\x00.cn/token"}, "token_endpoint"),
        ({"end_session_endpoint": "https:///end"}, "end_session_endpoint"),
    ],
)
def test_metadata_that_is_not_usable_is_refused(
    provider: OpenIdProvider, answers: Answers, changes: dict[str, Any], named: str
) -> None:
    answers.put(WELL_KNOWN, answers.metadata(**changes))
    with pytest.raises(ProviderUnavailable, match=named):
        provider.metadata()


def test_answers_that_are_no_documents_are_refused(
    provider: OpenIdProvider, answers: Answers, clock: ManualClock
) -> None:
    answers.pages["/keys"] = (200, b"<html>")
    with pytest.raises(ProviderUnavailable, match="JWK set"):
        provider.keys("first")
    clock.advance(RETRY_AFTER_S)
    answers.pages["/keys"] = (200, b" " * 1_000_001)
    with pytest.raises(ProviderUnavailable, match="larger than 1 MB"):
        provider.keys("first")
    clock.advance(RETRY_AFTER_S)
    answers.pages["/keys"] = (302, b"")
    with pytest.raises(ProviderUnavailable, match="302"):
        provider.keys("first")


def test_a_certificate_of_another_ca_is_refused(
    settings: OpenIdSettings, clock: ManualClock, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = make_tls(tmp_path / "other")
    foreign = OpenIdSettings(
        **{name: getattr(settings, name) for name in settings.__slots__} | {"ca": other.ca}
    )
    with (
        provider_client(foreign, clock) as client,
        pytest.raises(ProviderUnavailable, match="CERTIFICATE"),
    ):
        OpenIdProvider(foreign, client, clock).metadata()


TOKENS = {"id_token": "i", "access_token": "a", "token_type": "Bearer", "expires_in": 300}


def _metadata(answers: Answers, *methods: str) -> ProviderMetadata:
    changes = {"token_endpoint_auth_methods_supported": methods} if methods else {}
    return ProviderMetadata.model_validate(answers.metadata(**changes))


def test_the_client_proves_itself_in_a_header_or_in_the_body(
    settings: OpenIdSettings, http: httpx.Client, answers: Answers
) -> None:
    client = AuthlibClient(http, settings)
    answers.put("/token", TOKENS)
    client.exchange(_metadata(answers), "a code", "v" * 48)
    _, header, body = answers.asked[-1]
    encoded = httpx.BasicAuth("site%3A1", "a+secret%2Fof%3Dall%26kinds")._auth_header
    assert header == encoded
    assert "secret" not in body
    assert "code_verifier=" + "v" * 48 in body
    client.exchange(_metadata(answers, "client_secret_post"), "a code", "v" * 48)
    _, header, body = answers.asked[-1]
    assert header == ""
    assert "client_id=site%3A1" in body
    assert "client_secret=a+secret%2Fof%3Dall%26kinds" in body


def test_a_refresh_keeps_a_token_that_is_not_replaced(
    settings: OpenIdSettings, http: httpx.Client, answers: Answers
) -> None:
    client = AuthlibClient(http, settings)
    answers.put("/token", TOKENS)
    assert client.refresh(_metadata(answers), "r1").refresh_token == "r1"
    answers.put("/token", TOKENS | {"refresh_token": "r2"})
    assert client.refresh(_metadata(answers), "r1").refresh_token == "r2"


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        ({"error": "invalid_grant"}, 400, SignInRefused),
        ({"error": "invalid_grant", "error_description": '账户 "已停用"'}, 400, SignInRefused),
        ({"error": "interaction_required"}, 400, SignInRefused),
        ({"error": "invalid_client"}, 401, ProviderError),
        ({"error": "unauthorized_client"}, 400, ProviderError),
        ({"error": "server_error"}, 500, ProviderUnavailable),
        ({"error": ["invalid_grant"]}, 400, ProviderUnavailable),
        ("text", 200, ProviderUnavailable),
        ({"message": "slow down"}, 429, ProviderUnavailable),
        (TOKENS | {"expires_in": "soon"}, 200, ProviderError),
        (TOKENS | {"access_token": "\ud800"}, 200, ProviderError),
        (TOKENS | {"refresh_token": 7}, 200, ProviderError),
        (TOKENS | {"refresh_token": "\u4e03"}, 200, ProviderError),
    ],
)
def test_only_a_refused_grant_says_something_about_the_person(
    settings: OpenIdSettings,
    http: httpx.Client,
    answers: Answers,
    answer: Any,
    status: int,
    expected: type[Exception],
) -> None:
    """A mistake in the configuration must not end the sessions of everybody."""
    client = AuthlibClient(http, settings)
    answers.put("/token", answer, status)
    with pytest.raises(expected):
        client.refresh(_metadata(answers), "r1")
    answers.put("/token", TOKENS)
    assert client.refresh(_metadata(answers), "r1").id_token == "i"


def test_a_token_endpoint_that_does_not_answer_is_unavailable(
    settings: OpenIdSettings, http: httpx.Client, answers: Answers
) -> None:
    closed = _metadata(answers).model_copy(update={"token_endpoint": "https://127.0.0.1:1/token"})
    with pytest.raises(ProviderUnavailable, match="does not answer"):
        AuthlibClient(http, settings).refresh(closed, "r1")


def _ask(provider: OpenIdProvider, client: AuthlibClient, path: str) -> object:
    """Request the keys or tokens of the provider."""
    metadata = provider.metadata()
    return provider.keys("first") if path == "/keys" else client.refresh(metadata, "r1")


@pytest.mark.parametrize("path", ["/keys", "/token"])
def test_an_answer_is_limited_in_size_and_in_time(
    provider: OpenIdProvider,
    settings: OpenIdSettings,
    http: httpx.Client,
    answers: Answers,
    clock: ManualClock,
    path: str,
) -> None:
    client = AuthlibClient(http, settings)
    answers.put("/token", TOKENS)
    provider.metadata()
    honest = answers.pages[path]
    answers.pages[path] = (200, honest[1] + b" " * 1_000_000)
    with pytest.raises(ProviderUnavailable, match="larger than 1 MB"):
        _ask(provider, client, path)
    clock.advance(RETRY_AFTER_S)
    answers.pages[path] = (200, gzip.compress(honest[1] + b" " * 10_000_000))
    answers.headers["Content-Encoding"] = "gzip"
    with pytest.raises(ProviderUnavailable, match="compressed"):
        _ask(provider, client, path)
    clock.advance(RETRY_AFTER_S)
    answers.headers.clear()
    answers.pages[path] = honest
    answers.pause = lambda: clock.advance(LIMIT.duration_s)
    with pytest.raises(ProviderUnavailable, match="has not ended within 10 s"):
        _ask(provider, client, path)
    clock.advance(RETRY_AFTER_S)
    answers.pause = lambda: None
    assert _ask(provider, client, path)


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"keys": ' + b"[" * 100_000, b'{"error": ' + b"[" * 100_000]
)
def test_an_answer_that_nests_without_end_is_no_answer(
    provider: OpenIdProvider,
    settings: OpenIdSettings,
    http: httpx.Client,
    answers: Answers,
    content: bytes,
) -> None:
    client = AuthlibClient(http, settings)
    for path in ("/keys", "/token"):
        answers.pages[path] = (200, content)
        with pytest.raises(ProviderUnavailable):
            _ask(provider, client, path)


def test_a_key_of_an_unknown_kind_ends_no_sign_in(
    provider: OpenIdProvider, answers: Answers
) -> None:
    odd: list[object] = [
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "new"},
        {"kty": "RSA", "n": "", "e": "AQAB", "kid": "empty"},
        {"kty": "RSA", "n": 7, "e": None, "kid": "wrong"},
        {"kty": ["RSA"], "kid": "list"},
        FIRST.as_dict(private=False) | {"kid": {"a": 1}},
        "text",
        None,
    ]
    answers.put("/keys", {"keys": [*odd, FIRST.as_dict(private=False)]})
    assert provider.keys("first").ids == {"first"}


def test_a_check_with_a_token_that_cannot_be_verified_refuses_no_person(
    provider: OpenIdProvider, settings: OpenIdSettings, http: httpx.Client, answers: Answers
) -> None:
    """The provider has new keys, and its answer with them is an older one or none."""
    clock = SystemClock()
    signing = OpenIdSignIn(
        replace(settings, roles={"city": ClaimRole(role=Role.OPERATOR)}),
        provider,
        AuthlibClient(http, settings),
        SecretCipher(b"k" * 32),
        cast("SingleUse", None),
        clock,
    )

    def answer(key: jwk.Key, subject: str) -> None:
        now_s = clock.wall_ns() // NS_PER_S
        claims = {"iss": answers.url, "sub": subject, "aud": settings.client_id, "roles": ["city"]}
        times = {"iat": now_s, "exp": now_s + 60}
        token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims | times, key)
        answers.put("/token", TOKENS | {"id_token": token})

    answer(SECOND, "7")
    with pytest.raises(ProviderError, match="unknown"):
        signing.refreshed("r1", "7")
    answer(FIRST, "8")
    with pytest.raises(SignInRefused, match="another person"):
        signing.refreshed("r1", "7")
    answer(FIRST, "7")
    _, identity = signing.refreshed("r1", "7")
    assert identity is not None
    assert identity.role is Role.OPERATOR
