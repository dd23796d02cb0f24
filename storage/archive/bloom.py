"""Bloom filters in blocks of 64 bytes, divided into slices: one key uses one block, and the same
slice of every filter. Pure.

With twenty bits a key, a filter says "maybe" to about two in ten thousand keys that it does not
hold, and never "no" to one that it holds. Several filters are interleaved by slice, so that a query
of all of them reads one range of bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

BITS_A_KEY = 20
BLOCK_BITS = 512
BLOCK_BYTES = BLOCK_BITS // 8
SLICES = 128
_PROBES = 9
_WORDS = BLOCK_BITS // 64
Words = NDArray[np.uint64]


def bloom_of(keys: Iterable[str], blocks: int = 0) -> bytes:
    """Return a filter with these keys: `SLICES` slices of equally many blocks, and at least
    `blocks`.
    """
    hashes = [_hashed(key) for key in set(keys)]
    width = max(1, blocks // SLICES, -(-len(hashes) * BITS_A_KEY // (BLOCK_BITS * SLICES)))
    bits = np.zeros((SLICES * width, BLOCK_BITS), np.bool_)
    for where, probes in hashes:
        bits[where % SLICES * width + where // SLICES % width, _places(probes)] = True
    return np.packbits(bits, axis=1, bitorder="little").tobytes()


def slice_of(key: str) -> int:
    """Return the number of the slice that has a key."""
    return _hashed(key)[0] % SLICES


def interleaved(filters: Sequence[bytes]) -> bytes:
    """Interleave filters by slice. An empty filter is unknown: it may hold anything."""
    if not filters:
        return b""
    return np.concatenate(
        [np.frombuffer(one, np.uint8).reshape(SLICES, -1) for one in filters], axis=1
    ).tobytes()


def parted(data: bytes, blocks: Sequence[int]) -> list[bytes]:
    """Return the filters that were interleaved; `blocks` has the size of each."""
    if not data:
        return [b""] * len(blocks)
    slices = np.frombuffer(data, np.uint8).reshape(SLICES, -1)
    ends = np.cumsum([count // SLICES * BLOCK_BYTES for count in blocks])
    return [
        slices[:, end - count // SLICES * BLOCK_BYTES : end].tobytes()
        for end, count in zip(ends, blocks, strict=True)
    ]


def may_hold(
    read_slice: Callable[[int], bytes], blocks: Sequence[int], keys: Iterable[str]
) -> NDArray[np.bool_]:
    """Return for each interleaved filter whether it may hold any of these keys. `read_slice` reads
    one slice of all of them.
    """
    widths = np.array(blocks, np.int64) // SLICES
    first = np.cumsum(widths) - widths
    found: NDArray[np.bool_] = np.equal(widths, 0)
    known = np.flatnonzero(widths)
    for key in keys if len(known) else ():
        where, probes = _hashed(key)
        words = np.frombuffer(read_slice(where % SLICES), "<u8").reshape(-1, _WORDS)
        mask = _mask(probes)
        # `where // SLICES` has 57 bits, so that it fits.
        mine = words[first[known] + where // SLICES % widths[known]]
        found[known] |= ((mine & mask) == mask).all(axis=1)
    return found


def _hashed(key: str) -> tuple[int, int]:
    """Return slice and block (before the modulus) of a key, and its bits within the block."""
    digest = hashlib.blake2b(key.encode(), digest_size=24).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def _places(probes: int) -> list[int]:
    return [probes >> 9 * i & BLOCK_BITS - 1 for i in range(_PROBES)]


def _mask(probes: int) -> Words:
    words = [0] * _WORDS
    for place in _places(probes):
        words[place // 64] |= 1 << place % 64
    return np.array(words, np.uint64)
