"""The digest of a whole representation, which a request may ask for (RFC 9530)."""

from __future__ import annotations

import base64
import re
from typing import Annotated

from fastapi import Header

_SHA256_WANTED = re.compile(r"(?:^|,)\s*sha-256\s*=\s*(?:[1-9]|10)\s*(?:$|,)")
WantReprDigest = Annotated[
    str | None,
    Header(
        alias="Want-Repr-Digest",
        max_length=200,
        description="`sha-256=10`: answer with `Repr-Digest`, the SHA-256 of the whole file",
    ),
]


def wants_sha256(header: str | None) -> bool:
    """Return whether `Want-Repr-Digest` asks for SHA-256."""
    return _SHA256_WANTED.search(header or "") is not None


def repr_digest(sha256: bytes) -> str:
    """Return the value of `Repr-Digest`."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"
