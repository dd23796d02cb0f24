"""A plate's text in 48 bits, six for each of its eight places, and the conditions of a pattern on
those places. Pure.

Code 0 at the eighth place means a plate of seven characters. A plate of another length, or with a
character that its place cannot represent, has no code. Codes begin at 1, so that six bytes of zero
mean no plate.
"""

from __future__ import annotations

import string
from binascii import a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from domain.plates import DIGITS, HEADS, OFFICE_LETTERS, PROVINCES, TAILS

PLACES = 8
BITS = 6
SHORT, LONG = 7, 8
NO_PLATE = bytes(6)
_FIRST = PROVINCES + HEADS
_OTHER = DIGITS + OFFICE_LETTERS + TAILS
_ALPHABETS = (_FIRST, *[_OTHER] * (PLACES - 1))
_CODES = tuple(
    {character: code for code, character in enumerate(alphabet, 1)} for alphabet in _ALPHABETS
)
_SPELLED: tuple[list[str], ...] = tuple(
    ["", *alphabet, *[""] * (63 - len(alphabet))] for alphabet in (_FIRST, _OTHER)
)
_FIRST_PAIRS = [first + second for first in _SPELLED[0] for second in _SPELLED[1]]
_OTHER_PAIRS = [first + second for first in _SPELLED[1] for second in _SPELLED[1]]
"""What two places spell, by their twelve bits."""
_BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_NONE = "?"


class _Letters(dict[int, str]):
    """For str.translate: the base-64 letter of each character's code, by the character's number."""

    def __missing__(self, key: int) -> str:
        return _NONE


_FIRST_LETTERS = {character: _BASE64[code] for character, code in _CODES[0].items()}
_OTHER_LETTERS = _Letters({ord(character): _BASE64[code] for character, code in _CODES[1].items()})


def pack(text: str) -> bytes | None:
    """Return the six bytes of a plate, the first place in the highest bits; None if it has no code.

    Eight codes of six bits are decoded as base 64.
    """
    if len(text) not in (SHORT, LONG):
        return None
    spelled = (
        _FIRST_LETTERS.get(text[0], _NONE)
        + text[1:].translate(_OTHER_LETTERS)
        + "A" * (LONG - len(text))
    )
    return None if _NONE in spelled else a2b_base64(spelled)


def unpack(packed: bytes) -> str:
    """Return the text of six bytes that `pack` returned."""
    value = int.from_bytes(packed, "big")
    return (
        _FIRST_PAIRS[value >> 36]
        + _OTHER_PAIRS[value >> 24 & 4095]
        + _OTHER_PAIRS[value >> 12 & 4095]
        + _OTHER_PAIRS[value & 4095]
    )


@dataclass(frozen=True, slots=True)
class CodeMask:
    """One way to match: the known codes at some places, and the plate's length (None: either)."""

    codes: tuple[tuple[int, int], ...]
    """Pairs of place and code, by place."""
    length: int | None


@cache
def code_masks(pattern: str) -> tuple[CodeMask, ...]:
    """Return all ways in which a packed plate can match `pattern` (`?` one character, `*` any). It
    matches if it meets one of them.
    """
    short, long = (set(_laid_out(pattern, length)) for length in (SHORT, LONG))
    both = short & long
    found = [*(CodeMask(codes, None) for codes in both)]
    found += [CodeMask(codes, SHORT) for codes in short - both] + [
        CodeMask(codes, LONG) for codes in long - both
    ]
    return tuple(sorted(found, key=lambda mask: (mask.codes, mask.length or 0)))


def _laid_out(pattern: str, length: int) -> Iterator[tuple[tuple[int, int], ...]]:
    for text in _expansions(pattern, length):
        known = [
            (place, _CODES[place].get(character))
            for place, character in enumerate(text)
            if character != "?"
        ]
        if all(code is not None for _, code in known):
            yield tuple((place, code) for place, code in known if code is not None)


@cache
def _expansions(pattern: str, length: int) -> frozenset[str]:
    """Return `pattern` with every `*` replaced by `?` so that it has this length."""
    head, star, rest = pattern.partition("*")
    if not star:
        return frozenset([head] if len(head) == length else [])
    room = length - len(head) - len(rest.replace("*", ""))
    return frozenset(
        head + "?" * wide + tail
        for wide in range(room + 1)
        for tail in _expansions(rest, length - len(head) - wide)
    )
