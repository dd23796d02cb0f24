"""Sentences about a wrong word: the likely right one, and a value shown short."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

_NEAR = 0.65
"""How alike two words must be, by difflib's ratio: `xyzzy` and `fuzzy`, two letters of five
apart, are not.
"""


_PLAIN_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
"""What ids, areas, keys and names of secrets look like; `user:password` and URLs do not."""


def is_plain_word(value: object) -> bool:
    """Whether `value` may be repeated in a message. Any other text may be a mistyped secret."""
    return isinstance(value, str) and _PLAIN_WORD.fullmatch(value) is not None


def likely(word: str, known: Sequence[str]) -> str:
    """`did you mean …?`, whatever the case, or all that is known where nothing comes near."""
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=_NEAR)
    if close:
        return f"did you mean `{folded[close[0]]}`?"
    return f"known here: {', '.join(known)}" if known else "none is known here"


def shown(value: object, most: int = 60) -> str:
    """A value as it may stand in a sentence: quoted, printable, short."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
