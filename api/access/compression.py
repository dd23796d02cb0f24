"""Compresses responses with gzip where the client accepts it.

Only the answers of some routes are compressed (`Declaration.may_be_compressed`). The length of a
compressed answer depends on its content. An attacker who can place text in an answer and see its
length could guess a secret in it (BREACH), so no answer with a secret is compressed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from api.headers.preferences import weights
from api.requests.declarations import COMPRESSIBLE_TYPES, Declaration
from api.requests.streams import HeldStream
from storage.recordings.file_reader import Chunk

LEAST_BYTES = 1_024
"""A shorter answer fits into one packet anyway."""
LEVEL = 3
"""The level of zlib; docs/performance.md has the measurement."""
_GZIP_FORMAT = 16 + zlib.MAX_WBITS


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an `Accept-Encoding` allows gzip (RFC 9110, section 12.5.3)."""
    accepted = weights(accept_encoding)
    return accepted.get("gzip", accepted.get("*", 0.0)) > 0.0


def is_large(response: Response) -> bool:
    """Return whether the whole content is at hand and is large enough to be compressed."""
    return len(getattr(response, "body", b"")) >= LEAST_BYTES


def compress(request: Request, declaration: Declaration | None, response: Response) -> Response:
    """Compress the content of a response, unless the route, the client or its size excludes it."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    if declaration is None or not declaration.may_be_compressed:
        return response
    if media_type not in COMPRESSIBLE_TYPES:
        return response
    response.headers.add_vary_header("Accept-Encoding")
    if not accepts_gzip(request.headers.get("Accept-Encoding", "")):
        return response
    if isinstance(response, HeldStream):
        response.map_chunks(gzip_chunks)
    elif is_large(response):
        response.body = _gzip(bytes(response.body))
        response.headers["Content-Length"] = str(len(response.body))
    else:
        return response
    response.headers["Content-Encoding"] = "gzip"
    return response


def _gzip(content: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP_FORMAT)
    return packer.compress(content) + packer.flush()


def gzip_chunks(chunks: Iterator[Chunk]) -> Iterator[bytes]:
    """Yield the compressed chunks. An interrupted stream lacks the end that gzip requires."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP_FORMAT)
    for chunk in chunks:
        if packed := packer.compress(chunk):  # an empty chunk would end the response
            yield packed
    yield packer.flush()
