"""Each claim of a token is checked, and each attack is refused with the claim that is wrong."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from joserfc import jwk, jws

from api.openid.signed_tokens import (
    LOGOUT_EVENT,
    Expected,
    PublicKeys,
    key_id_of,
    verified_id_token,
    verified_logout_token,
)
from domain.errors import SignInRefused

NOW_S = 1_764_000_000
ISSUER, CLIENT, NONCE, ACCESS = "https://id.example.cn/city", "sightline", "n-1", "access"
EXPECTED = Expected(ISSUER, CLIENT, NOW_S, skew_s=30)
KEY = jwk.RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
FOREIGN = jwk.RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
EC_KEY = jwk.ECKey.generate_key("P-256", {"kid": "second", "use": "sig"})
SECRET = "a client secret of more than thirty-two bytes"


def _keys(*keys: jwk.Key) -> PublicKeys:
    shown = [key.as_dict(private=False) for key in keys]
    return PublicKeys.parse(json.dumps({"keys": shown}).encode())


KEYS = _keys(KEY, EC_KEY)


def _at_hash(access_token: str) -> str:
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).decode().rstrip("=")


def _claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "iss": ISSUER,
        "sub": "person-7",
        "aud": CLIENT,
        "exp": NOW_S + 300,
        "iat": NOW_S,
        "nonce": NONCE,
        "at_hash": _at_hash(ACCESS),
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def _token(key: jwk.Key = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    header = {"alg": algorithm, "kid": key.kid}
    payload = json.dumps(_claims(**changes))  # ASCII: a claim may have half a character
    return jws.serialize_compact(header, payload, key, algorithms=[algorithm])


def _verify(token: str, nonce: str | None = NONCE) -> dict[str, Any]:
    return verified_id_token(token, KEYS, EXPECTED, nonce=nonce, access_token=ACCESS)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "other"], "azp": CLIENT},
        {"azp": CLIENT},
        {"exp": NOW_S - 29},
        {"iat": NOW_S + 30},
        {"at_hash": None},
        {"nbf": NOW_S + 30},
    ],
)
def test_a_valid_token_is_accepted(changes: dict[str, Any]) -> None:
    assert _verify(_token(**changes))["sub"] == "person-7"


@pytest.mark.parametrize("algorithm", ["RS512", "PS256"])
def test_other_algorithms_with_a_private_key_are_accepted(algorithm: str) -> None:
    assert _verify(_token(algorithm=algorithm, at_hash=None))["sub"] == "person-7"
    assert _verify(_token(EC_KEY, "ES256"))["sub"] == "person-7"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"iss": "https://id.example.cn/other"}, "iss"),
        ({"iss": None}, "iss"),
        ({"iss": [ISSUER]}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": {"any": CLIENT}}, "aud"),
        ({"aud": [CLIENT, "other"]}, "azp"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"exp": NOW_S - 30}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": str(NOW_S + 300)}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"iat": NOW_S + 31}, "iat"),
        ({"iat": None}, "iat"),
        ({"nbf": NOW_S + 31}, "nbf"),
        ({"nonce": "n-2"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": [NONCE]}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"sub": 7}, "sub"),
        ({"at_hash": _at_hash("another access token")}, "at_hash"),
        ({"at_hash": 7}, "at_hash"),
        ({"at_hash": "\ud800"}, "at_hash"),
        ({"nonce": "\ud800"}, "nonce"),
        ({"sub": "person\ud800"}, "sub"),
        ({"sub": "person\n7"}, "sub"),
        ({"iat": -(10**400)}, "iat"),
        ({"exp": 10**400}, "exp"),
    ],
)
def test_a_wrong_claim_is_refused_and_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SignInRefused, match=named):
        _verify(_token(**changes))


def test_a_token_without_a_signature_is_refused() -> None:
    parts = ({"alg": "none", "kid": "first"}, _claims())
    encoded = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    with pytest.raises(SignInRefused, match="not allowed"):
        _verify(f"{'.'.join(encoded)}.")


@pytest.mark.parametrize("shared", [SECRET.encode(), KEY.as_pem(private=False)])
def test_an_hmac_with_the_client_secret_or_the_public_key_is_refused(shared: bytes) -> None:
    key = jwk.OctKey.import_key(base64.urlsafe_b64encode(shared), {"kid": "first"})
    with pytest.raises(SignInRefused, match="not allowed"):
        _verify(_token(key, "HS256"))


def test_a_foreign_key_is_refused_under_a_known_id_and_under_an_unknown_one() -> None:
    with pytest.raises(SignInRefused, match="signature"):
        _verify(_token(FOREIGN))
    unknown = jwk.RSAKey.generate_key(2048, {"kid": "third"})
    with pytest.raises(SignInRefused, match="unknown"):
        _verify(_token(unknown))


def test_a_changed_payload_is_refused() -> None:
    header, _, signature = _token().split(".")
    changed = base64.urlsafe_b64encode(json.dumps(_claims(sub="person-8")).encode())
    with pytest.raises(SignInRefused, match="signature"):
        _verify(f"{header}.{changed.decode().rstrip('=')}.{signature}")


@pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c.d", "é.b.c", "x" * 70_000])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(SignInRefused):
        _verify(token)


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["\ud800"]},
        {"crit": ["x" * 10_000]},
        {"crit": [["exp"]]},
        {"crit": "exp"},
        {"b64": False, "crit": ["b64"]},
        {"b64": "no"},
        {"alg": ["RS256"]},
        {"alg": {"RS256": 1}},
        {"alg": None},
        {"alg": "ES256"},
        {"kid": ["first"]},
        {"kid": "\ud800"},
        {"jwk": {"kty": "oct", "k": "AA"}},
        {"jku": "file:///etc/passwd"},
        {"x5c": [1]},
        {"typ": {}},
        {"\ud800": 1},
        {"exp": 10**400},
    ],
)
def test_a_header_that_is_none_is_refused_and_quoted_in_plain_characters(
    header: dict[str, Any],
) -> None:
    """Anyone can send a logout token with any header, before its signature is verified."""
    _, claims, signature = _token().split(".")
    content = json.dumps({"alg": "RS256", "kid": "first"} | header).encode()
    forged = base64.urlsafe_b64encode(content).decode().rstrip("=")
    token = f"{forged}.{claims}.{signature}"
    key_id_of(token)
    with pytest.raises(SignInRefused) as refused:
        _verify(token)
    assert str(refused.value).isascii()
    assert len(str(refused.value)) < 300


def test_the_id_of_the_key_is_read_from_the_header() -> None:
    assert key_id_of(_token()) == "first"
    assert key_id_of(f"{base64.urlsafe_b64encode(b'[]').decode()}.b.c") is None
    with pytest.raises(SignInRefused, match="malformed"):
        key_id_of("é.b.c")
    nested = base64.urlsafe_b64encode(b"[" * 40_000).decode()
    with pytest.raises(SignInRefused, match="malformed"):
        key_id_of(f"{nested}.b.c")


def test_a_refreshed_id_token_needs_no_nonce() -> None:
    assert _verify(_token(nonce=None), nonce=None)["sub"] == "person-7"


def test_keys_that_are_not_for_signatures_are_left_out() -> None:
    encryption = jwk.RSAKey.generate_key(2048, {"kid": "first", "use": "enc"})
    symmetric = jwk.OctKey.generate_key(256, {"kid": "shared"})
    content = {
        "keys": [
            *(key.as_dict(private=False) for key in (encryption, KEY)),
            symmetric.as_dict(private=True),
        ]
    }
    keys = PublicKeys.parse(json.dumps(content).encode())
    assert keys.ids == {"first"}
    assert verified_id_token(_token(), keys, EXPECTED, nonce=NONCE, access_token=ACCESS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": 1}',
        b'{"keys": []}',
        b'{"keys": [{"kty": "oct"}]}',
        b"[" * 10**5,
    ],
)
def test_a_document_without_usable_keys_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="JWK set"):
        PublicKeys.parse(content)


def _logout(**changes: Any) -> str:
    own: dict[str, Any] = {
        "nonce": None,
        "at_hash": None,
        "sid": "s-1",
        "jti": "j-1",
        "events": {LOGOUT_EVENT: {}},
    }
    return _token(**own | changes)


@pytest.mark.parametrize("changes", [{}, {"sid": None}, {"sub": None}, {"exp": None}])
def test_a_valid_logout_token_is_accepted(changes: dict[str, Any]) -> None:
    assert verified_logout_token(_logout(**changes), KEYS, EXPECTED)["jti"] == "j-1"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"events": None}, "event"),
        ({"events": {}}, "event"),
        ({"events": {LOGOUT_EVENT: "yes"}}, "event"),
        ({"nonce": NONCE}, "nonce"),
        ({"jti": None}, "jti"),
        ({"sub": None, "sid": None}, "neither"),
        ({"aud": "other"}, "aud"),
        ({"iss": "https://id.example.cn/other"}, "iss"),
        ({"iat": NOW_S - 331, "exp": None}, "too old"),
        ({"exp": NOW_S - 31}, "exp"),
        ({"iat": -(10**400), "exp": None}, "iat"),
        ({"jti": "\ud800"}, "jti"),
        ({"sub": None, "sid": "\ud800"}, "neither"),
    ],
)
def test_a_wrong_logout_token_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SignInRefused, match=named):
        verified_logout_token(_logout(**changes), KEYS, EXPECTED)


def test_a_logout_token_is_no_id_token_and_the_reverse() -> None:
    with pytest.raises(SignInRefused, match="nonce"):
        _verify(_logout())
    with pytest.raises(SignInRefused, match="event"):
        verified_logout_token(_token(), KEYS, EXPECTED)
