"""A token of the node API is valid once, for the signed request to one node, for a minute."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from api.nodes.tokens import LIFETIME_S, TokenVerifier, sign
from api.nodes.wire_names import AUTHORIZATION_SCHEME as SCHEME
from domain.clock import NS_PER_HOUR, NS_PER_S
from tests.api.site_data import SIGNER, key_of_api

NOW_NS = 1_764_000_000 * NS_PER_S
TARGET = b"/any/cameras/gate/recording?from_ns=1&to_ns=2"
STRANGER = replace(SIGNER, key=Ed25519PrivateKey.generate())


def _verifier(node: str = "node-1", started_ns: int = NOW_NS - NS_PER_HOUR) -> TokenVerifier:
    return TokenVerifier(node, key_of_api, lambda: started_ns)


def _token(method: str = "GET", target: bytes = TARGET, now_ns: int = NOW_NS) -> str:
    return sign(SIGNER, "node-1", method, target, now_ns)


@pytest.mark.parametrize(
    ("later_s", "refused"),
    [
        (0, ""),
        (LIFETIME_S - 1, ""),
        (LIFETIME_S, "clocks"),
        (1 - LIFETIME_S, ""),
        (-LIFETIME_S, "clocks"),
    ],
)
def test_a_token_is_valid_for_a_minute(later_s: int, refused: str) -> None:
    found = _verifier().refusal(_token(), "GET", TARGET, NOW_NS + later_s * NS_PER_S)
    assert (refused in found) if refused else (found == "")


def test_a_token_is_valid_once() -> None:
    verifier, token = _verifier(), _token()
    assert verifier.refusal(token, "GET", TARGET, NOW_NS) == ""
    assert verifier.refusal(_token(), "GET", TARGET, NOW_NS) == "", "the same request, signed again"
    for second in range(2 * LIFETIME_S + 2):
        assert verifier.refusal(token, "GET", TARGET, NOW_NS + second * NS_PER_S) != ""
        assert verifier.refusal(_token(), "GET", TARGET, NOW_NS) == ""


def test_a_token_that_an_earlier_process_may_have_accepted_is_refused() -> None:
    token = _token()
    assert _verifier(started_ns=NOW_NS).refusal(token, "GET", TARGET, NOW_NS + NS_PER_S) == ""
    restarted = _verifier(started_ns=NOW_NS + 1)
    assert "before this node started" in restarted.refusal(token, "GET", TARGET, NOW_NS + NS_PER_S)


def test_used_tokens_are_forgotten_when_their_age_refuses_them() -> None:
    verifier = _verifier()
    for second in range(10 * LIFETIME_S):
        now_ns = NOW_NS + second * NS_PER_S
        assert verifier.refusal(_token(now_ns=now_ns), "GET", TARGET, now_ns) == ""
    assert len(verifier._nonces) == len(verifier._seen) <= 2 * LIFETIME_S


def test_tokens_of_before_a_clock_was_set_back_stay_used_and_hold_up_no_other() -> None:
    verifier, ahead_ns = _verifier(), NOW_NS + NS_PER_HOUR
    ahead = _token(now_ns=ahead_ns)
    assert verifier.refusal(ahead, "GET", TARGET, ahead_ns) == ""
    for second in range(10 * LIFETIME_S):
        now_ns = NOW_NS + second * NS_PER_S
        assert verifier.refusal(_token(now_ns=now_ns), "GET", TARGET, now_ns) == ""
    assert len(verifier._nonces) == len(verifier._seen) <= LIFETIME_S + 1
    assert "used before" in verifier.refusal(ahead, "GET", TARGET, ahead_ns)


@pytest.mark.parametrize(
    ("node", "token", "method", "target"),
    [
        ("node-1", sign(STRANGER, "node-1", "GET", TARGET, NOW_NS), "GET", TARGET),
        (
            "node-1",
            sign(replace(SIGNER, certificate=b"another"), "node-1", "GET", TARGET, NOW_NS),
            "GET",
            TARGET,
        ),
        ("node-2", _token(), "GET", TARGET),
        ("node-1", _token(), "POST", TARGET),
        ("node-1", _token(), "GET", TARGET.replace(b"to_ns=2", b"to_ns=3")),
        ("node-1", _token(), "GET", b"/any/health"),
        ("node-1", _token().replace(f"{SCHEME} ", "Bearer "), "GET", TARGET),
        ("node-1", _token().replace(f"{SCHEME} ", f"{SCHEME} A"), "GET", TARGET),
        ("node-1", _token()[:-2], "GET", TARGET),
        ("node-1", _token() + ".AAAA", "GET", TARGET),
        ("node-1", "", "GET", TARGET),
    ],
)
def test_a_token_is_valid_for_nothing_else(
    node: str, token: str, method: str, target: bytes
) -> None:
    assert _verifier().refusal(_token(), "GET", TARGET, NOW_NS) == ""
    assert _verifier(node).refusal(token, method, target, NOW_NS) != ""


@given(st.text(max_size=80))
def test_no_guessed_token_is_valid(guess: str) -> None:
    verifier = _verifier()
    assert verifier.refusal(guess, "GET", TARGET, NOW_NS) != ""
    assert verifier.refusal(f"{SCHEME} {guess}", "GET", TARGET, NOW_NS) != ""
