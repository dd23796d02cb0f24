"""A token of the node API is valid for the signed request, for a minute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.nodes.tokens import LIFETIME_S, refusal, sign
from api.nodes.wire_names import AUTHORIZATION_SCHEME as SCHEME
from domain.clock import NS_PER_HOUR, NS_PER_S

KEY, NOW_NS = b"0123456789abcdef", 1_764_000_000 * NS_PER_S
TARGET = b"/any/cameras/gate/recording?from_ns=1&to_ns=2"
TOKEN = sign(KEY, "GET", TARGET, NOW_NS)


def test_a_token_is_valid_for_a_minute() -> None:
    assert refusal(KEY, TOKEN, "GET", TARGET, NOW_NS) == ""
    assert refusal(KEY, TOKEN, "GET", TARGET, NOW_NS + (LIFETIME_S - 1) * NS_PER_S) == ""
    assert "expired" in refusal(KEY, TOKEN, "GET", TARGET, NOW_NS + LIFETIME_S * NS_PER_S)
    assert "longer" in refusal(KEY, TOKEN, "GET", TARGET, NOW_NS - NS_PER_HOUR)


@pytest.mark.parametrize(
    ("key", "token", "method", "target"),
    [
        (b"another key, as long", TOKEN, "GET", TARGET),
        (KEY, TOKEN, "POST", TARGET),
        (KEY, TOKEN, "GET", TARGET.replace(b"to_ns=2", b"to_ns=3")),
        (KEY, TOKEN, "GET", b"/any/health"),
        (KEY, TOKEN.replace(f"{SCHEME} ", "Bearer "), "GET", TARGET),
        (KEY, TOKEN[:-1], "GET", TARGET),
        (KEY, TOKEN.replace(f"{SCHEME} 1", f"{SCHEME} 2"), "GET", TARGET),
        (KEY, "", "GET", TARGET),
    ],
)
def test_a_token_is_valid_for_nothing_else(
    key: bytes, token: str, method: str, target: bytes
) -> None:
    assert refusal(key, token, method, target, NOW_NS) != ""


@given(st.text(max_size=80))
def test_no_guessed_token_is_valid(guess: str) -> None:
    assert refusal(KEY, guess, "GET", TARGET, NOW_NS) != ""
    assert refusal(KEY, f"{SCHEME} {guess}", "GET", TARGET, NOW_NS) != ""
