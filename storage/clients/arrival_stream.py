"""A bounded stream in Redis of what arrived, in the order of arrival; each has a number that only
rises.

A number is the server's time of arrival in microseconds, or one more than the number before: so it
rises over an emptied or restarted Redis too, and says when. Each item names the number before it:
so a reader knows whether anything was trimmed behind its back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script

ARRIVE = load_script("clients", "stream", "stream_arrive")
"""What a script that adds begins with: KEYS[1] is the stream's hash tag, under which all its
keys lie.
"""

_ADD = load_script("clients", "stream", "stream_arrive", "stream_add")
_READ = load_script("clients", "stream", "stream_read")


@dataclass(frozen=True, slots=True)
class Page:
    """`items` by number, as they arrived. All that came after `known_from` is still there;
    `last` is the newest number.
    """

    last: int
    known_from: int
    items: tuple[tuple[int, bytes], ...]


class ArrivalStream:
    """Every call raises IndexUnavailable where Redis is away."""

    def __init__(self, redis: Redis, tag: str, most: int) -> None:
        """`most`: of how many the newest are kept, and some hundred more."""
        self._redis = redis
        self._tag = tag
        self._most = most

    def add(self, items: Sequence[bytes]) -> None:
        if items:
            self._redis.run_all([Script(_ADD, self._tag, (self._most, *items))])

    def after(self, number: int, limit: int) -> Page:
        """At most `limit` that arrived after `number`, the oldest first."""
        (answer,) = self._redis.run_all([Script(_READ, self._tag, (number, limit))])
        last, known_from, *rest = cast("list[bytes]", answer)
        return Page(
            int(last),
            int(known_from),
            tuple((int(a), b) for a, b in zip(rest[::2], rest[1::2], strict=True)),
        )
