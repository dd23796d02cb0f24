"""Signed, short-lived permission to ask a node's door for one thing: HMAC-SHA256 over method,
target and expiry. Pure.
"""

from __future__ import annotations

import hashlib
import hmac

from domain.clock import NS_PER_S

LIFETIME_S = 60
SCHEME = "Door"


def sign(key: bytes, method: str, target: bytes, now_ns: int) -> str:
    """The `Authorization` of a request. `target` is path and query as they go over the wire."""
    expires_s = now_ns // NS_PER_S + LIFETIME_S
    return f"{SCHEME} {expires_s}.{_mac(key, method, target, expires_s)}"


def refusal(key: bytes, authorization: str, method: str, target: bytes, now_ns: int) -> str:
    """Why a token does not open the door for this request; empty where it does."""
    scheme, _, token = authorization.partition(" ")
    expires, _, mac = token.partition(".")
    if scheme != SCHEME or not (expires.isascii() and expires.isdigit()) or len(expires) > 12:
        return "this door opens to Sightline's own API only"
    # Compared first, so that nobody learns of times without the key.
    if not hmac.compare_digest(mac.encode(), _mac(key, method, target, int(expires)).encode()):
        return "the token was not made for this request by this site's key"
    left_s = int(expires) - now_ns // NS_PER_S
    if left_s <= 0:
        return "the token has expired; do the clocks of API and node agree?"
    if left_s > 2 * LIFETIME_S:
        return "the token lasts longer than any should; do the clocks of API and node agree?"
    return ""


def _mac(key: bytes, method: str, target: bytes, expires_s: int) -> str:
    message = b"\n".join((method.encode(), target, str(expires_s).encode()))
    return hmac.new(key, message, hashlib.sha256).hexdigest()
