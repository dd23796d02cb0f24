"""The purpose of a request: its reason and its case, and the one rule for where they come from.

`X-Reason` and `X-Case` are in any language, as raw UTF-8 or percent-encoded. Browsers can send only
the percent-encoded form, and none for images, videos, `EventSource` and WebSockets: there the
purpose is bound to the session, or is in a ticket.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from domain.errors import QueryInvalid, ReasonMissing
from domain.readable_names import why_unreadable

MAX_CHARACTERS = 500
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"
"""Letters that are shown as nothing, to fill up a syllable."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why a person accesses something; each text may be empty."""

    reason: str = ""
    case: str = ""
    is_emergency: bool = False
    """Whether it asks to pass the access policy's requirements of a case and an approval."""


def purpose_of(headers: Sequence[tuple[bytes, bytes]], bound: Purpose) -> Purpose:
    """Return the purpose of a request from its headers, or else the one bound to its session.

    A request with `X-Reason` states its whole purpose, so that its reason is never recorded with
    the case of the session. `X-Case` alone names another case for the reason of the session.
    A request with a ticket has the purpose of the ticket, and its headers count for nothing.
    """
    reason = decode_header("X-Reason", _first(headers, b"x-reason"))
    case = decode_header("X-Case", _first(headers, b"x-case"))
    is_emergency = _is_emergency(_first(headers, b"x-emergency"))
    if reason:
        return Purpose(reason, case, is_emergency)
    return Purpose(bound.reason, case or bound.case, is_emergency or bound.is_emergency)


def _is_emergency(raw: bytes | None) -> bool:
    if raw not in (None, b"1"):
        raise QueryInvalid("X-Emergency", "must be 1, or absent")
    return raw == b"1"


def require_reason(purpose: Purpose) -> None:
    """Raises ReasonMissing for a purpose without a reason."""
    if not purpose.reason:
        raise ReasonMissing(
            "this request needs a reason: send a header X-Reason, for example `X-Reason: "
            "theft 2026-118` (other than Latin letters as UTF-8 or percent-encoded); a browser may "
            "bind one to its session by PATCH /v1/session"
        )


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
        raise QueryInvalid(
            name,
            "is {count} characters long; at most {max_characters}",
            count=len(text),
            max_characters=MAX_CHARACTERS,
        )
    if why := why_unreadable(text):
        raise QueryInvalid(name, why)
    if text and not any(map(_is_word, text)):
        raise QueryInvalid(name, "has neither a letter nor a digit; write it in words")
    return text


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN" and character not in _BLANK_LETTERS


def _first(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)
