"""Unpacks gzip objects up to a limit: a few bytes could become more than the memory holds."""

from __future__ import annotations

import gzip
import io
import zlib

from domain.errors import DataLoss

UNPACKED_MAX_BYTES = 256 << 20


def unpacked(packed: bytes, key: str, most_bytes: int = UNPACKED_MAX_BYTES) -> bytes:
    """Return the content of a gzip object, which may have several members. Raises DataLoss if it
    is damaged or larger than `most_bytes`.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            data = file.read(most_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataLoss("{key} cannot be unpacked: {error}", key=key, error=error) from error
    if len(data) > most_bytes:
        raise DataLoss(
            "{key} has more than {most_bytes} bytes when unpacked; it is not read",
            key=key,
            most_bytes=most_bytes,
        )
    return data
