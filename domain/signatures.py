"""Ed25519 signatures of the API. Only the API has the private key; others verify and cannot sign.

Each signature is for one context, so that a signature of one kind of text is none of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class ApiSigner:
    """The signing key of the API with its certificate, and the other keys of APIs of the site."""

    key: Ed25519PrivateKey = field(repr=False)
    certificate: bytes
    """DER. A node gets it with each request and verifies that the site's root signed it."""
    others: Sequence[Ed25519PublicKey] = ()
    """Keys that were replaced and still verify what they have signed."""

    def sign(self, context: bytes, message: bytes) -> bytes:
        return self.key.sign(_in_context(context, message))

    def is_signed(self, context: bytes, message: bytes, signature: bytes) -> bool:
        """Return whether an API of the site has signed the message."""
        keys = (self.key.public_key(), *self.others)
        return any(is_signed(key, context, message, signature) for key in keys)


def is_signed(key: Ed25519PublicKey, context: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether the owner of `key` has signed the message."""
    try:
        key.verify(signature, _in_context(context, message))
    except InvalidSignature:
        return False
    return True


def _in_context(context: bytes, message: bytes) -> bytes:
    return context + b"\n" + message
