"""Holds the pictures since the newest keyframe, so that a new viewer need not wait for the next
one. Several holders share one bound on memory.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from domain.media.viewer_metrics import LIVE_GOPS_NOT_HELD

MAX_GOP_BYTES = 8 << 20
_IDLE_PART = 0.75
"""The part of the bound that holders without viewers may fill together with the others."""
T = TypeVar("T")


class MemoryLimit:
    """Counts the bytes of all holders against a limit. Thread-safe."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._used_bytes = 0

    @property
    def used_bytes(self) -> int:
        return self._used_bytes

    def take(self, size_bytes: int, is_idle: bool = False) -> bool:
        """Count `size_bytes` more; return False if they exceed the limit. A holder without viewers
        (`is_idle`) leaves a quarter of the limit to the others.
        """
        with self._lock:
            limit_bytes = self._limit_bytes * (_IDLE_PART if is_idle else 1.0)
            if self._used_bytes + size_bytes > limit_bytes:
                return False
            self._used_bytes += size_bytes
            return True

    def give_back(self, size_bytes: int) -> None:
        with self._lock:
            self._used_bytes -= size_bytes


class HeldGop(Generic[T]):
    """The items since the newest keyframe. It holds none if they exceed a bound, until the next
    keyframe; this is counted. The caller serialises the calls.
    """

    def __init__(self, bound: MemoryLimit, max_bytes: int = MAX_GOP_BYTES) -> None:
        self._bound = bound
        self._max_bytes = max_bytes
        self._items: list[T] = []
        self._bytes = 0

    @property
    def items(self) -> tuple[T, ...]:
        """The held items in order; the first one is a keyframe."""
        return tuple(self._items)

    def put(self, item: T, size_bytes: int, is_keyframe: bool, is_idle: bool = False) -> None:
        if is_keyframe:
            self.clear()
        elif not self._items:
            return
        if self._bytes + size_bytes > self._max_bytes or not self._bound.take(size_bytes, is_idle):
            LIVE_GOPS_NOT_HELD.inc()
            self.clear()
            return
        self._items.append(item)
        self._bytes += size_bytes

    def clear(self) -> None:
        self._bound.give_back(self._bytes)
        self._items, self._bytes = [], 0
