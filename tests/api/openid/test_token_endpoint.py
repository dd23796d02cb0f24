"""Requests to the token endpoint: how the client proves itself, and what answers it accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.openid.authlib_client import AuthlibClient
from domain.errors import ProviderError, ProviderUnavailable, SignInRefused
from domain.openid import OpenIdSettings
from tests.api.openid.answering_provider import TOKENS, Answers, metadata_of

if TYPE_CHECKING:
    pass


def test_the_client_proves_itself_in_a_header_or_in_the_body(
    settings: OpenIdSettings, http: httpx.Client, answers: Answers
) -> None:
    client = AuthlibClient(http, settings)
    answers.put("/token", TOKENS)
    client.exchange(metadata_of(answers), "a code", "v" * 48)
    _, header, body = answers.asked[-1]
    encoded = httpx.BasicAuth("site%3A1", "a+secret%2Fof%3Dall%26kinds")._auth_header
    assert header == encoded
    assert "secret" not in body
    assert "code_verifier=" + "v" * 48 in body
    client.exchange(metadata_of(answers, "client_secret_post"), "a code", "v" * 48)
    _, header, body = answers.asked[-1]
    assert header == ""
    assert "client_id=site%3A1" in body
    assert "client_secret=a+secret%2Fof%3Dall%26kinds" in body


def test_a_refresh_keeps_a_token_that_is_not_replaced(
    settings: OpenIdSettings, http: httpx.Client, answers: Answers
) -> None:
    client = AuthlibClient(http, settings)
    answers.put("/token", TOKENS)
    assert client.refresh(metadata_of(answers), "r1").refresh_token == "r1"
    answers.put("/token", TOKENS | {"refresh_token": "r2"})
    assert client.refresh(metadata_of(answers), "r1").refresh_token == "r2"


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
        client.refresh(metadata_of(answers), "r1")
    answers.put("/token", TOKENS)
    assert client.refresh(metadata_of(answers), "r1").id_token == "i"


def test_a_token_endpoint_that_does_not_answer_is_unavailable(
    settings: OpenIdSettings, http: httpx.Client, answers: Answers
) -> None:
    closed = metadata_of(answers).model_copy(update={"token_endpoint": "https://127.0.0.1:1/token"})
    with pytest.raises(ProviderUnavailable, match="does not answer"):
        AuthlibClient(http, settings).refresh(closed, "r1")
