"""Bloom filters in blocks of 64 bytes: one key touches one block, so that asking thousands of filters costs a few gathers. Pure.

Sixteen bits a key: a filter says "maybe" to about two in a thousand keys that it does not hold, and never "no" to one that it holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

BITS_A_KEY = 16
BLOCK_BITS = 512
BLOCK_BYTES = BLOCK_BITS // 8
_PROBES = 7
_WORDS = BLOCK_BITS // 64
Words = NDArray[np.uint64]


def bloom_of(keys: Iterable[str]) -> bytes:
    """A filter that holds these keys."""
    hashes = [_hashed(key) for key in set(keys)]
    blocks = max(1, -(-len(hashes) * BITS_A_KEY // BLOCK_BITS))
    bits = np.zeros((blocks, BLOCK_BITS), np.bool_)
    for where, probes in hashes:
        bits[where % blocks, _places(probes)] = True
    return np.packbits(bits, axis=1, bitorder="little").tobytes()


class Blooms:
    """Several filters that lie one behind the other, asked at once."""

    def __init__(self, data: NDArray[np.uint8], blocks: Iterable[int]) -> None:
        """`blocks`: how many each filter has, in their order in `data`."""
        self._blocks = np.array(list(blocks), np.uint64)
        self._first = np.concatenate([np.zeros(1, np.uint64), np.cumsum(self._blocks, dtype=np.uint64)])[:-1]
        self._words: Words = data.view("<u8").reshape(-1, _WORDS)

    def may_hold(self, keys: Iterable[str]) -> NDArray[np.bool_]:
        """For each filter whether it may hold any of these keys."""
        found = np.zeros(len(self._blocks), np.bool_)
        for key in keys:
            where, probes = _hashed(key)
            mask = _mask(probes)
            blocks = self._words[self._first + np.uint64(where) % self._blocks]
            found |= ((blocks & mask) == mask).all(axis=1)
        return found


def _hashed(key: str) -> tuple[int, int]:
    """Which block (before the modulus), and the bits within it."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def _places(probes: int) -> list[int]:
    return [probes >> 9 * i & BLOCK_BITS - 1 for i in range(_PROBES)]


def _mask(probes: int) -> Words:
    words = [0] * _WORDS
    for place in _places(probes):
        words[place // 64] |= 1 << place % 64
    return np.array(words, np.uint64)
