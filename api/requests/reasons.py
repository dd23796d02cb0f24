"""Parses `X-Reason` and `X-Case`: any language, as raw UTF-8 or percent-encoded.

Browsers can send only the percent-encoded form.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote_to_bytes

from domain.errors import QueryInvalid, ReasonMissing
from domain.readable_names import why_unreadable

MAX_CHARACTERS = 500
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"
"""Letters that are shown as nothing, to fill up a syllable."""


def read_reason(raw: bytes | None, required: bool) -> str:
    """Return the reason of an access. Raises ReasonMissing where it is required and absent."""
    reason = decode_header("X-Reason", raw)
    if required and not reason:
        raise ReasonMissing(
            "this request needs a reason: send a header X-Reason, for example `X-Reason: "
            "theft 2026-118` (other than Latin letters as UTF-8 or percent-encoded)"
        )
    return reason


def decode_header(name: str, raw: bytes | None) -> str:
    """Return the text of a header, trimmed; empty where it is absent. Raises QueryInvalid."""
    try:
        text = unquote_to_bytes(raw or b"").decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise QueryInvalid(name, "is not UTF-8; send it as UTF-8 or percent-encoded") from error
    return one_line(name, text)


def one_line(name: str, text: str) -> str:
    """Return `text`, which may be empty. Raises QueryInvalid where a reader of the audit log could
    not see it as it was written.
    """
    if len(text) > MAX_CHARACTERS:
        raise QueryInvalid(name, f"is {len(text)} characters long; at most {MAX_CHARACTERS}")
    if why := why_unreadable(text):
        raise QueryInvalid(name, why)
    if text and not any(map(_is_word, text)):
        raise QueryInvalid(name, "has neither a letter nor a digit; write it in words")
    return text


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN" and character not in _BLANK_LETTERS
