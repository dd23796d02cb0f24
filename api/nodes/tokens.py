"""Signed, short-lived tokens for single requests to the node API.

The API signs method, target, node, time and a nonce with its Ed25519 key. The token carries the
API's certificate, which the node verifies against the site's root. So a node can verify tokens and
make none, for itself or for another node. This module does no I/O.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api.nodes.wire_names import AUTHORIZATION_SCHEME
from domain.clock import NS_PER_S
from domain.signatures import ApiSigner, is_signed

LIFETIME_S = 60
"""A token is valid for this long after it was signed, and before, where a clock is late."""
_CONTEXT = b"sightline node request"
_NONCE_BYTES = 16
_MAX_TOKEN_CHARACTERS = 4096
KeyOfApi = Callable[[bytes], Ed25519PublicKey | None]
"""Returns the public key of an API's certificate (DER), or None if the site does not trust it."""


@dataclass(frozen=True, slots=True)
class _Claims:
    node: str
    issued_ns: int
    nonce: str


def sign(signer: ApiSigner, node: str, method: str, target: bytes, now_ns: int) -> str:
    """Return the `Authorization` header of a request to `node`.

    `target` is the path with the query, as it is sent.
    """
    claims = {"node": node, "issued_ns": now_ns, "nonce": secrets.token_hex(_NONCE_BYTES)}
    content = json.dumps(claims, separators=(",", ":")).encode()
    signature = signer.sign(_CONTEXT, _message(method, target, content))
    parts = map(_encoded, (content, signature, signer.certificate))
    return f"{AUTHORIZATION_SCHEME} {'.'.join(parts)}"


class TokenVerifier:
    """Verifies the tokens of requests to one node, each once. For one thread."""

    def __init__(self, node: str, key_of_api: KeyOfApi, started_ns: Callable[[], int]) -> None:
        """`started_ns` returns when this process of the node started, by the clock as it is set
        now: a clock that was hours ahead at the start would otherwise refuse all tokens for hours.
        """
        self._node = node
        self._key_of_api = key_of_api
        self._started_ns = started_ns
        self._nonces: set[str] = set()
        self._seen: list[tuple[int, str]] = []
        """The nonces with the time of their signature, as a heap."""

    def refusal(self, authorization: str, method: str, target: bytes, now_ns: int) -> str:
        """Return why a token does not permit this request; empty where it does, this once."""
        claims = self._verified(authorization, method, target)
        if isinstance(claims, str):
            return claims
        if claims.node != self._node:
            return f"the token is for the node {claims.node}, and this is {self._node}"
        age_ns = now_ns - claims.issued_ns
        if abs(age_ns) >= LIFETIME_S * NS_PER_S:
            return "the token is not of this minute; do the clocks of API and node agree?"
        if claims.issued_ns < self._started_ns():
            # Which tokens an earlier process of this node has accepted is not known.
            return "the token was signed before this node started; repeat the request"
        self._forget(now_ns)
        if claims.nonce in self._nonces:
            return "the token was used before"
        self._nonces.add(claims.nonce)
        heappush(self._seen, (claims.issued_ns, claims.nonce))
        return ""

    def _verified(self, authorization: str, method: str, target: bytes) -> _Claims | str:
        """Return the claims that an API of the site has signed for this request, or why there are
        none.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme != AUTHORIZATION_SCHEME or len(token) > _MAX_TOKEN_CHARACTERS:
            return "the node API serves Sightline's own API only"
        try:
            content, signature, certificate = map(_decoded, token.split("."))
        except ValueError:
            return "the token is malformed"
        key = self._key_of_api(certificate)
        if key is None:
            return "the token was signed with a certificate that this node does not trust"
        if not is_signed(key, _CONTEXT, _message(method, target, content), signature):
            return "the token was not signed for this request"
        claims = json.loads(content)
        return _Claims(claims["node"], claims["issued_ns"], claims["nonce"])

    def _forget(self, now_ns: int) -> None:
        """Forget tokens that are refused for their age. After the clock was set back, those that it
        could accept once more stay.
        """
        while self._seen and now_ns - self._seen[0][0] >= LIFETIME_S * NS_PER_S:
            self._nonces.discard(heappop(self._seen)[1])


def _message(method: str, target: bytes, content: bytes) -> bytes:
    return b"\n".join((method.encode(), target, content))


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64url") from error
