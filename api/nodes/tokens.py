"""Signed, short-lived tokens for single requests to the node API.

A token is an HMAC-SHA256 over method, target and expiry. This module does no I/O.
"""

from __future__ import annotations

import hashlib
import hmac

from api.nodes.wire_names import AUTHORIZATION_SCHEME
from domain.clock import NS_PER_S

LIFETIME_S = 60


def sign(key: bytes, method: str, target: bytes, now_ns: int) -> str:
    """Return the `Authorization` header of a request.

    `target` is the path with the query, as it is sent.
    """
    expires_s = now_ns // NS_PER_S + LIFETIME_S
    return f"{AUTHORIZATION_SCHEME} {expires_s}.{_mac(key, method, target, expires_s)}"


def refusal(key: bytes, authorization: str, method: str, target: bytes, now_ns: int) -> str:
    """Return why a token does not permit this request; empty where it does."""
    scheme, _, token = authorization.partition(" ")
    expires, _, mac = token.partition(".")
    is_expiry = expires.isascii() and expires.isdigit() and len(expires) <= 12
    if scheme != AUTHORIZATION_SCHEME or not is_expiry:
        return "the node API serves Sightline's own API only"
    # The signature is compared first, so that no client without the key learns about expiry.
    if not hmac.compare_digest(mac.encode(), _mac(key, method, target, int(expires)).encode()):
        return "the token was not made for this request by this site's key"
    left_s = int(expires) - now_ns // NS_PER_S
    if left_s <= 0:
        return "the token has expired; do the clocks of API and node agree?"
    if left_s > 2 * LIFETIME_S:
        return "the token is valid for longer than 60 s; do the clocks of API and node agree?"
    return ""


def _mac(key: bytes, method: str, target: bytes, expires_s: int) -> str:
    message = b"\n".join((method.encode(), target, str(expires_s).encode()))
    return hmac.new(key, message, hashlib.sha256).hexdigest()
