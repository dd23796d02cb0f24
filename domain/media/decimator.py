"""An even part of things that come one after the other. Pure."""

from __future__ import annotations


class Decimator:
    """`takes` is asked of each, with the part that is wanted now."""

    def __init__(self) -> None:
        self._credit = 0.0

    def takes(self, part: float) -> bool:
        self._credit += part
        if self._credit < 1.0 - 1e-9:
            return False
        self._credit -= 1.0
        return True
