"""One-time codes: the values of RFC 6238, the steps that are near, and recovery codes."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.clock import NS_PER_S
from domain.one_time_codes import (
    STEP_S,
    enrolment_uri,
    new_recovery_codes,
    new_secret,
    plain_recovery_code,
    step_of_code,
)

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_rfc_6238(at_s: int, code: str) -> None:
    """Appendix B, SHA-1, the last six of its eight digits."""
    assert step_of_code(SECRET, code, at_s * NS_PER_S) == at_s // STEP_S


@pytest.mark.parametrize(("off_steps", "is_near"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_code_of_the_step_before_or_after_is_accepted(off_steps: int, is_near: bool) -> None:
    at_s = 1111111111 + off_steps * STEP_S
    found = step_of_code(SECRET, "050471", at_s * NS_PER_S)
    assert found == (1111111111 // STEP_S if is_near else None)


@pytest.mark.parametrize("code", ["", "05047", "0504711", " 050471", "05047l", "٠٥٠٤٧١", "000000"])
def test_any_other_text_is_no_code(code: str) -> None:
    assert step_of_code(SECRET, code, 1111111111 * NS_PER_S) is None


def test_a_secret_has_160_bits_and_a_uri_for_an_app() -> None:
    secret = new_secret()
    assert len(base64.b32decode(secret)) == 20
    assert secret != new_secret()
    parts = urlsplit(enrolment_uri(secret, "li.wei", "Sightline"))
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/Sightline:li.wei")
    assert parse_qs(parts.query) == {"secret": [secret], "issuer": ["Sightline"]}


def test_recovery_codes_are_random_and_easily_typed() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(len(code) == 19 for code in codes)
    assert plain_recovery_code(f" {codes[0].upper().replace('-', ' ')} ") == codes[0].replace(
        "-", ""
    )
