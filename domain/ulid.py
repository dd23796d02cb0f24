"""Event ids. An id is a ULID whose time is the track's start, and whose other 80 bits come from
camera and first frame.

A replay after a crash sees the same first frame of the same camera, and so creates the same id.
Storing an event is therefore idempotent. ULID: https://github.com/ulid/spec (26 characters of
Crockford's base 32, sortable by time).
"""

from __future__ import annotations

import hashlib
import re

from domain.clock import MS_PER_HOUR, NS_PER_MS

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_AS_PYTHON_READS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
END_MS = (1 << 20) * MS_PER_HOUR
"""No id is of this time (UTC ms, in 2089) or later: the index has 20 bits for the hour."""
_FORM = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def event_id(camera_id: str, kind: str, started_wall_ns: int, first_frame_key: str) -> str:
    """Return the id of a track's event. `first_frame_key` (such as its box) distinguishes the
    tracks of one frame.
    """
    seed = f"{camera_id}\n{kind}\n{started_wall_ns}\n{first_frame_key}".encode()
    tail = int.from_bytes(hashlib.sha256(seed).digest()[:10], "big")
    return _encode(((started_wall_ns // NS_PER_MS) << 80) | tail)


def wall_ms_of(event_id_text: str) -> int:
    """Return the start that an id contains, in UTC milliseconds."""
    number = 0
    for character in event_id_text[:10]:
        number = number * 32 + _ALPHABET.index(character)
    return number


def id_parts(event_id_text: str) -> tuple[int, bytes]:
    """Return an id's start in UTC milliseconds, and its other ten bytes. Raises ValueError if the
    text is not an id.
    """
    if _FORM.fullmatch(event_id_text) is None:
        raise ValueError(f"{event_id_text!r} is no event id")
    number = int(event_id_text.translate(_AS_PYTHON_READS), 32)
    return number >> 80, (number & (1 << 80) - 1).to_bytes(10, "big")


def id_text(wall_ms: int, tail: bytes) -> str:
    """Return the id for which `id_parts` returns these values."""
    return _encode(wall_ms << 80 | int.from_bytes(tail, "big"))


def is_event_id(text: str) -> bool:
    """Return whether `text` is the id of an event that started before `END_MS`."""
    return _FORM.fullmatch(text) is not None and text < _END


def _encode(number: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -10, -10)])


_END = _encode(END_MS << 80)
