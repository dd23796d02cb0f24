"""Parts of messages about a wrong word: the likely correct word, and a shortened value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from domain.messages.message import NO_MESSAGE, Message

_NEAR = 0.65
"""The least similarity of two words by difflib's ratio. `xyzzy` and `fuzzy`, with two different
letters of five, are below it.
"""


_PLAIN_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
"""The form of ids, areas, keys and names of secrets; `user:password` and URLs do not match it."""


def is_plain_word(value: object) -> bool:
    """Return whether `value` may be repeated in a message. Other texts may be mistyped secrets."""
    return isinstance(value, str) and _PLAIN_WORD.fullmatch(value) is not None


def suggestion(word: str, known: Sequence[str]) -> Message:
    """Return `did you mean …?`, ignoring case, or all known words if none is similar."""
    if likely := likely_word(word, known):
        return likely
    if not known:
        return Message("none is known here")
    return Message("known here: {words}", words=", ".join(known))


def likely_word(word: str, known: Sequence[str]) -> Message:
    """Return `did you mean …?`, ignoring case; it is false if no known word is similar."""
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=_NEAR)
    return Message("did you mean `{word}`?", word=folded[close[0]]) if close else NO_MESSAGE


def shortened(value: object, most: int = 60) -> str:
    """Return a value for use in a sentence: quoted, printable and short."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
