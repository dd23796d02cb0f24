"""A set of names in 8 bytes each: a node knows of millions of segments whether they are
uploaded.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort


class NameSet:
    """Names by their hash of 64 bits, which Python seeds for each process; millions of names have
    no collision in practice.
    """

    def __init__(self) -> None:
        self._hashes = array("q")

    def add(self, name: str) -> None:
        if name not in self:
            insort(self._hashes, hash(name))

    def __contains__(self, name: str) -> bool:
        place = bisect_left(self._hashes, hash(name))
        return place < len(self._hashes) and self._hashes[place] == hash(name)

    def __len__(self) -> int:
        return len(self._hashes)
