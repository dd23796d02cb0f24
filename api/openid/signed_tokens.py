"""The adapter of joserfc: verifies the id tokens and the logout tokens of the provider.

A token is accepted only if it was signed with a public key of the provider by an algorithm of the
list, and if each claim has the expected value. The error names the claim that is wrong.

The library is loaded with the keys, because most sites have no identity provider.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from domain.errors import SignInRefused
from domain.messages.message import Message

if TYPE_CHECKING:
    from joserfc import jwk

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"
)  # fmt: skip
"""Signatures with a private key. `none`, and HMAC with a secret that others share, are refused."""
_KEY_TYPES = frozenset({"RSA", "EC"})
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
MAX_LOGOUT_AGE_S = 300
_MAX_TOKEN_CHARACTERS = 64_000
_MAX_ERROR_CHARACTERS = 200
_LATEST_S = 1e12
"""Later times, in seconds since 1970, are damage; integers of any size exist in JSON."""
Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """The keys with which the provider signs."""

    keys: jwk.KeySet
    ids: frozenset[str]

    @classmethod
    def parse(cls, content: bytes) -> PublicKeys:
        """Parse a JWK set (RFC 7517). Raises ValueError where it has no usable key.

        A key that cannot be used is left out, so that one key of a new kind ends no sign-in.
        """
        from joserfc import jwk

        try:
            found = json.loads(content)["keys"]
            imported = [_imported(one) for one in found]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError("it is no JWK set") from error
        usable = [key for key in imported if key is not None]
        if not usable:
            raise ValueError("it is a JWK set without keys for signatures")
        ids = frozenset(key.kid for key in usable if key.kid is not None)
        return cls(jwk.KeySet(usable), ids)


@dataclass(frozen=True, slots=True)
class Expected:
    """What every token of the provider must name, and the time of its check."""

    issuer: str
    client_id: str
    now_s: float
    skew_s: int


def key_id_of(token: str) -> str | None:
    """Return the id of the key that a token names; the token is not verified yet."""
    header = token[:_MAX_TOKEN_CHARACTERS].partition(".")[0]
    try:
        decoded = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise SignInRefused("the identity provider sent a token that is malformed") from error
    key_id = decoded.get("kid") if isinstance(decoded, dict) else None
    return key_id if isinstance(key_id, str) else None


def verified_id_token(
    token: str,
    keys: PublicKeys,
    expected: Expected,
    *,
    nonce: str | None,
    access_token: str,
) -> Claims:
    """Return the claims of a valid id token (OpenID Connect Core 1.0, section 3.1.3.7).

    `nonce` is None for the id token of a refresh. Raises SignInRefused.
    """
    header, claims = _signed_claims(token, keys, Message("id token"))
    _check_issued(claims, expected, Message("id token"))
    _check_times(claims, expected)
    if nonce is not None and not _is_equal(claims.get("nonce"), nonce):
        raise SignInRefused("the id token was issued for another sign-in: its nonce is wrong")
    at_hash = claims.get("at_hash")
    if at_hash is not None and not _is_equal(at_hash, _half_hash(access_token, header["alg"])):
        raise SignInRefused("the id token is of another access token: its at_hash is wrong")
    return claims


def verified_logout_token(token: str, keys: PublicKeys, expected: Expected) -> Claims:
    """Return the claims of a valid logout token (OpenID Connect Back-Channel Logout 1.0).

    The caller checks that its `jti` is used once. Raises SignInRefused.
    """
    _, claims = _signed_claims(token, keys, Message("logout token"))
    _check_issued(claims, expected, Message("logout token"), needs_subject=False)
    _check_times(claims, expected, needs_expiry=False)
    if expected.now_s - claims["iat"] > MAX_LOGOUT_AGE_S + expected.skew_s:
        raise SignInRefused("the logout token is too old")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise SignInRefused("the token is no logout token: it has no logout event")
    if "nonce" in claims:
        raise SignInRefused("the token is no logout token: it has a nonce")
    if not _is_text(claims.get("jti")):
        raise SignInRefused("the logout token has no jti")
    if not (_is_text(claims.get("sub")) or _is_text(claims.get("sid"))):
        raise SignInRefused("the logout token names neither a person nor a session")
    return claims


def _signed_claims(token: str, keys: PublicKeys, what: Message) -> tuple[dict[str, Any], Claims]:
    if not token or len(token) > _MAX_TOKEN_CHARACTERS:
        raise SignInRefused(
            "the identity provider sent no {token}, or one that is too long", token=what
        )
    from joserfc import jwt
    from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError

    try:
        decoded = jwt.decode(token, keys.keys, algorithms=ALGORITHMS)
    except BadSignatureError as error:
        raise SignInRefused("the signature of the {token} is wrong", token=what) from error
    except InvalidKeyIdError as error:
        raise SignInRefused(
            "the {token} is signed with a key that is unknown", token=what
        ) from error
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise SignInRefused(
            "the {token} cannot be verified: {error}", token=what, error=_shown(error)
        ) from error
    return dict(decoded.header), decoded.claims


def _check_issued(
    claims: Claims, expected: Expected, what: Message, *, needs_subject: bool = True
) -> None:
    """Check who issued a token, about whom, and for which client."""
    if claims.get("iss") != expected.issuer:
        raise SignInRefused("the {token} is of another issuer (iss)", token=what)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise SignInRefused("the {token} is for another client (aud)", token=what)
    authorized = claims.get("azp")
    if authorized is None and len(audiences) > 1:
        raise SignInRefused("the {token} is for several clients and has no azp", token=what)
    if authorized is not None and authorized != expected.client_id:
        raise SignInRefused("the {token} was issued to another client (azp)", token=what)
    if needs_subject and not _is_text(claims.get("sub")):
        raise SignInRefused("the {token} names no person (sub)", token=what)


def _check_times(claims: Claims, expected: Expected, *, needs_expiry: bool = True) -> None:
    issued_s = claims.get("iat")
    if not _is_time(issued_s) or issued_s > expected.now_s + expected.skew_s:
        raise SignInRefused(
            "the token has no time of issue (iat), or one in the future; compare the clocks of "
            "this site and of the identity provider"
        )
    expires_s = claims.get("exp")
    if expires_s is None and not needs_expiry:
        return
    if not _is_time(expires_s) or expires_s <= expected.now_s - expected.skew_s:
        raise SignInRefused(
            "the token has expired (exp); compare the clocks of this site and of the identity "
            "provider"
        )
    not_before_s = claims.get("nbf")
    if not_before_s is not None and (
        not _is_time(not_before_s) or not_before_s > expected.now_s + expected.skew_s
    ):
        raise SignInRefused("the token is not valid yet (nbf)")


def _half_hash(access_token: str, algorithm: str) -> str:
    digest = hashlib.new(f"sha{algorithm[2:]}", access_token.encode()).digest()
    half = digest[: len(digest) // 2]
    return base64.urlsafe_b64encode(half).decode().rstrip("=")


def _imported(key: object) -> jwk.Key | None:
    """Return a public key for signatures, or None for any other key."""
    from joserfc import jwk
    from joserfc.errors import JoseError

    try:
        if not isinstance(key, dict) or not isinstance(key.get("kid", ""), str):
            return None
        if key.get("kty") not in _KEY_TYPES or key.get("use", "sig") != "sig":
            return None
        return jwk.import_key(key)
    except (ValueError, TypeError, KeyError, AttributeError, JoseError):
        return None


def _is_equal(found: object, expected: str) -> bool:
    if not isinstance(found, str) or not found.isascii():
        return False
    return hmac.compare_digest(found.encode(), expected.encode())


def _is_text(value: object) -> bool:
    """Return whether a claim is a text that every store can hold and every log can show."""
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _is_time(value: object) -> TypeGuard[int | float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= _LATEST_S


def _shown(error: Exception) -> str:
    """Return the text of an error that may repeat a part of a token that is not verified."""
    return str(error).encode("ascii", "backslashreplace").decode()[:_MAX_ERROR_CHARACTERS]
