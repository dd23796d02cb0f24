"""Keys that are derived from the people key, and the encryption of secrets with them.

Each derived key has one purpose, so a value that was made for one purpose is valid for no other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.errors import DataLoss

_KEY_BYTES = 32
_NONCE_BYTES = 12


def derived_key(key: bytes, purpose: str) -> bytes:
    """Return the 256-bit key of a purpose, by HKDF-SHA256 (RFC 5869)."""
    info = f"sightline {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(key)


def keyed_hash(key: bytes, text: str) -> str:
    """Return the HMAC-SHA256 of a text, as hexadecimal digits."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class SecretCipher:
    """Encrypts secrets that are stored where others can read them, with AES-256-GCM."""

    key: bytes = field(repr=False)

    def encrypt(self, secret: str, context: str) -> str:
        """Return the secret as text that only the same key and context can decrypt."""
        nonce = os.urandom(_NONCE_BYTES)
        encrypted = AESGCM(self.key).encrypt(nonce, secret.encode(), context.encode())
        return base64.urlsafe_b64encode(nonce + encrypted).decode()

    def decrypt(self, encrypted: str, context: str) -> str:
        """Return the secret. Raises DataLoss for another key, another context or a change."""
        try:
            raw = base64.b64decode(encrypted, altchars=b"-_", validate=True)
            nonce, content = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return AESGCM(self.key).decrypt(nonce, content, context.encode()).decode()
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise DataLoss(
                "the secret of {owner} cannot be decrypted; it was encrypted "
                "with another people key, or was changed",
                owner=context,
            ) from error
