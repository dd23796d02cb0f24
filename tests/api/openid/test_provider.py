"""Metadata and keys are cached, refreshed, and used further while the provider is down."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from joserfc import jwk, jwt

from api.openid.authlib_client import AuthlibClient
from api.openid.limited_transport import LIMIT
from api.openid.metadata import WELL_KNOWN
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
from domain.openid import ClaimRole, OpenIdSettings
from domain.people import Role
from tests.api.openid.answering_provider import FIRST, SECOND, TOKENS, Answers
from tests.api.openid.provider import make_tls

if TYPE_CHECKING:
    from storage.openid.single_use import SingleUse


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
