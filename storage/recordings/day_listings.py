"""Caches the listings of the object store, each of a camera's day."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from domain.clock import Clock

FRESH_FOR_S = 15.0
"""A listing is cached for this time: uploads are frequent, and a day may have thousands."""
MOST_LISTINGS = 64
Item = TypeVar("Item")


class DayListings(Generic[Item]):
    """The listings of the days that were used last. It is thread-safe."""

    def __init__(self, on_day: Callable[[str, str], Iterable[Item]], clock: Clock) -> None:
        """`on_day` lists the day `yyyymmdd` of a camera; what it raises, `of` raises."""
        self._on_day = on_day
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[float, tuple[Item, ...]]] = OrderedDict()

    def of(self, camera_id: str, day: str) -> tuple[Item, ...]:
        """Return a listing that is at most `FRESH_FOR_S` old."""
        now_s, asked = self._clock.monotonic_s(), (camera_id, day)
        with self._lock:
            known = self._known.get(asked)
        if known is not None and now_s - known[0] < FRESH_FOR_S:
            return known[1]
        listed = tuple(self._on_day(camera_id, day))
        with self._lock:
            self._known[asked] = (now_s, listed)
            self._known.move_to_end(asked)
            while len(self._known) > MOST_LISTINGS:
                self._known.popitem(last=False)
        return listed

    def forget(self, camera_id: str) -> None:
        """List the days of a camera again at the next call of `of`."""
        with self._lock:
            for asked in [one for one in self._known if one[0] == camera_id]:
                del self._known[asked]
