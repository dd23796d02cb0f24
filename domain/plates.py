"""The grammar of Chinese plates (GA 36-2018): for each position the characters that it may hold. It
also parses the plates that people type.

A plate's text is 7 characters (8 for new-energy): a province, a letter of the issuing office, then
letters and digits without I and O; O occurs only as that second letter, on older official plates.
Special plates end in one of 警 学 港 澳 挂 领 or begin with 使. The armed police's
are WJ, a province,
four digits and a digit or letter (WJ京1234X), without the province at their headquarters. The armed
forces' (2012 series, which GA 36 leaves out) are two letters, the first one of a few services and
regions, and five digits (VA12345).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import QueryInvalid
from domain.messages.message import Message

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
HEADS = "使"
TAILS = "警学港澳挂领"
DIGITS = "0123456789"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
OFFICE_LETTERS = LETTERS + "O"
SERIAL = LETTERS + DIGITS
NEW_ENERGY_MARKS = "ABCDEFGHJK"
ARMED_POLICE = "WJ"
MILITARY_FIRSTS = "VKHBSLJNGCY"
"""The first letters for the Military Commission, air force, navy, the regions and the support
force.
"""
FIRSTS = PROVINCES + HEADS + ARMED_POLICE[0] + MILITARY_FIRSTS
"""The characters with which a plate may begin."""
ALPHABET = PROVINCES + HEADS + TAILS + DIGITS + OFFICE_LETTERS
_LONGEST_PATTERN = 16


class PlateColor(StrEnum):
    BLUE = "blue"
    YELLOW = "yellow"
    GREEN = "green"
    WHITE = "white"
    BLACK = "black"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One form a plate can take: for each position, the characters that it may hold."""

    name: str
    positions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.positions)

    def matches(self, text: str) -> bool:
        return len(text) == len(self.positions) and all(
            c in allowed for c, allowed in zip(text, self.positions, strict=True)
        )


PATTERNS: tuple[Pattern, ...] = (
    Pattern("ordinary", (PROVINCES, OFFICE_LETTERS, *[SERIAL] * 5)),
    Pattern("tail", (PROVINCES, OFFICE_LETTERS, *[SERIAL] * 4, TAILS)),
    Pattern("new energy, small", (PROVINCES, LETTERS, NEW_ENERGY_MARKS, SERIAL, *[DIGITS] * 4)),
    Pattern("new energy, large", (PROVINCES, LETTERS, *[DIGITS] * 5, NEW_ENERGY_MARKS)),
    Pattern("embassy", (HEADS, *[DIGITS] * 6)),
    Pattern("armed police", (*ARMED_POLICE, PROVINCES, *[DIGITS] * 4, SERIAL)),
    Pattern("armed police headquarters", (*ARMED_POLICE, *[DIGITS] * 4, SERIAL)),
    Pattern("military", (MILITARY_FIRSTS, LETTERS, *[DIGITS] * 5)),
)


def is_plate(text: str) -> bool:
    """Return whether `text` is a plate that the grammar allows."""
    return any(pattern.matches(text) for pattern in PATTERNS)


def why_no_plate(text: str) -> Message | None:
    """Describe how `text` violates the grammar; None if it is a plate."""
    if is_plate(text):
        return None
    same = [pattern for pattern in PATTERNS if len(pattern) == len(text)]
    if not same:
        return Message(
            "has {count} characters; a plate has 7, and one of new energy or the armed police 8",
            count=len(text),
        )
    places = [
        next(i for i, allowed in enumerate(pattern.positions) if text[i] not in allowed)
        for pattern in same
    ]
    place = max(places)
    return Message(
        "{character} cannot stand at place {place} of {text}; a plate is a province, a letter, "
        "then letters and digits",
        character=repr(text[place]),
        place=place + 1,
        text=text,
    )


def normalise(text: str) -> str:
    """Return a plate in its stored form: full-width forms folded, upper case, without spaces, dots
    and dashes.
    """
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(c for c in folded if c not in " \t·•.-—_")


def search_pattern(typed: str) -> str:
    """Convert typed text to a search pattern: normalised, `?` for one character, `*` for any
    number. I becomes 1, and O becomes 0 after the second place.

    Raises QueryInvalid for a character that occurs on no plate.
    """
    text = normalise(typed).replace("I", "1")
    if not text:
        raise QueryInvalid("plate", "is empty; give a plate, or leave the parameter out")
    head, star, rest = text.partition("*")
    folded = head[:2] + head[2:].replace("O", "0") + star + rest.replace("O", "0")
    for character in folded:
        if character not in ALPHABET and character not in "?*":
            raise QueryInvalid(
                "plate",
                "{character} is on no plate; use plate characters, ? for one and * for any",
                character=repr(character),
            )
    return folded


def is_wildcard(pattern: str) -> bool:
    return "?" in pattern or "*" in pattern


def plate_expression(pattern: str) -> re.Pattern[str] | None:
    """Return the expression of a pattern (`?` one character, `*` any); None if the pattern is
    longer than any plate.
    """
    if sum(character != "*" for character in pattern) > _LONGEST_PATTERN:
        return None
    first, *rest = pattern.split("*")
    if not rest:
        return re.compile(_fixed(first), re.DOTALL)
    *middle, last = rest
    # The first place of each middle part is always right, so it is never tried again: matching is
    # fast for every pattern and every text, also for one that a stolen node has indexed.
    parts = [f"(?>.*?{_fixed(part)})" for part in middle if part]
    return re.compile(f"{_fixed(first)}{''.join(parts)}.*{_fixed(last)}", re.DOTALL)


def _fixed(part: str) -> str:
    return "".join("." if character == "?" else re.escape(character) for character in part)


def is_searched_by(plate: str, typed: str) -> bool:
    """Return whether a search for a typed plate or pattern looks for this whole plate."""
    try:
        expression = plate_expression(search_pattern(typed))
    except QueryInvalid:
        return False
    return expression is not None and expression.fullmatch(plate) is not None
