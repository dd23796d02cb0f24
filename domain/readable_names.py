"""Which characters a name or a reason may have, so that it is read as it was written."""

from __future__ import annotations

import unicodedata

from domain.messages.message import Message

_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""The classes of characters with which a text is shown in another order than it has."""


def why_unreadable(text: str) -> Message | None:
    """Describe what is wrong with a text of one line; None if nothing is."""
    if any(unicodedata.category(character) in _CONTROL for character in text):
        return Message("holds control characters; write it on one line")
    if any(unicodedata.bidirectional(character) in _TURNING for character in text):
        return Message("holds control characters that turn the text around them; leave them out")
    return None


def readable(name: str) -> str:
    """Return `name`. Raises ValueError, for models that validate a name."""
    if why := why_unreadable(name):
        raise ValueError(why)
    return name
