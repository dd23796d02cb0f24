"""A bounded stream in Redis, in the order of arrival; each item has a number that only rises.

A number is the server's time of arrival in microseconds, or one more than the previous number. It
therefore also rises after Redis was emptied or restarted. Each item names the number before it, so
that a reader notices whether items were removed since its last read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script, whole

ARRIVE = load_script("clients", "stream", "stream_arrive")
"""The start of every script that adds to a stream: KEYS[1] is the stream's hash tag, which all its
keys have.
"""

_ADD = load_script("clients", "stream", "stream_arrive", "stream_add")
_READ = load_script("clients", "stream", "stream_read")


@dataclass(frozen=True, slots=True)
class ArrivalPage:
    """Items by number, in the order of arrival. Everything that arrived after `known_from` is still
    stored; `last` is the newest number.
    """

    last: int
    known_from: int
    items: tuple[tuple[int, bytes], ...]


class ArrivalStream:
    """A stream of the newest items. Every call raises IndexUnavailable if Redis is unreachable."""

    def __init__(self, redis: Redis, tag: str, most: int) -> None:
        """Keep the newest `most` items, and some hundred more."""
        self._redis = redis
        self._tag = tag
        self._most = most

    def add(self, items: Sequence[bytes]) -> None:
        if items:
            self._redis.run_all([Script(_ADD, self._tag, (self._most, *items))])

    def after(self, number: int, limit: int) -> ArrivalPage:
        """Return at most `limit` items that arrived after `number`, the oldest first."""
        (answer,) = self._redis.run_all([Script(_READ, self._tag, (number, limit))])
        last, known_from, *rest = cast("list[bytes]", answer)
        return ArrivalPage(
            whole(last),
            whole(known_from),
            tuple((whole(a), b) for a, b in zip(rest[::2], rest[1::2], strict=True)),
        )
