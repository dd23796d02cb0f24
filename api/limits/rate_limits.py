"""Limits on the requests of one address and of one person: a token bucket for each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from domain.clock import Clock
from domain.errors import RateLimited
from domain.messages.message import Message
from domain.metrics import REQUESTS_LIMITED

BURST_S = 5.0
"""A bucket holds the requests of this many seconds: a page opens with dozens of them."""
MAX_KEYS = 4_096
FORGET_EVERY_S = 1.0
"""With all buckets in use, full ones are looked for this often and not at each request."""
OTHERS = "others"
"""The bucket that all keys share for which there is no room."""
MAX_STREAMS = 24
"""Feeds and files that one person may be sent at a time, by one process of the API."""
MAX_QUERIES = 16
"""Searches and lists of one person that one process answers at a time, with 40 threads for all."""
MAX_EXPORTS = 2
"""Exports that one process makes for one person at a time, of four for all."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_s: float
    """When `tokens` was right, in monotonic time."""


class TokenBuckets:
    """A bucket for each key. Each request takes a token; `rate_per_s` tokens flow in, up to
    `BURST_S` times as many. Thread-safe.
    """

    def __init__(self, clock: Clock, rate_per_s: float, max_keys: int = MAX_KEYS) -> None:
        """A `rate_per_s` of 0 limits nothing."""
        self._clock = clock
        self._rate_per_s = rate_per_s
        self._capacity = max(1.0, rate_per_s * BURST_S)
        self._max_keys = max_keys
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._forgotten_s = clock.monotonic_s() - FORGET_EVERY_S

    def take(self, key: str) -> float:
        """Take a token. Return 0, or the seconds after which there will be one."""
        if not self._rate_per_s:
            return 0.0
        now_s = self._clock.monotonic_s()
        with self._lock:
            bucket = self._bucket(key, now_s)
            self._fill(bucket, now_s)
            if bucket.tokens >= 1.0:
                bucket.tokens -= 1.0
                return 0.0
            return (1.0 - bucket.tokens) / self._rate_per_s

    def _bucket(self, key: str, now_s: float) -> _Bucket:
        if key not in self._buckets and len(self._buckets) >= self._max_keys:
            if now_s - self._forgotten_s >= FORGET_EVERY_S:
                self._forget_full(now_s)
            if len(self._buckets) >= self._max_keys:
                key = OTHERS
        return self._buckets.setdefault(key, _Bucket(self._capacity, now_s))

    def _fill(self, bucket: _Bucket, now_s: float) -> None:
        added = max(0.0, now_s - bucket.filled_s) * self._rate_per_s
        bucket.tokens = min(self._capacity, bucket.tokens + added)
        bucket.filled_s = now_s

    def _forget_full(self, now_s: float) -> None:
        """A full bucket is the same as none."""
        self._forgotten_s = now_s
        for bucket in self._buckets.values():
            self._fill(bucket, now_s)
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if bucket.tokens < self._capacity or key == OTHERS
        }


class PersonLimits:
    """What one person may ask of one process of the API. Thread-safe."""

    def __init__(
        self,
        clock: Clock,
        rate_per_s: float,
        max_streams: int = MAX_STREAMS,
        max_queries: int = MAX_QUERIES,
        max_exports: int = MAX_EXPORTS,
    ) -> None:
        self._buckets = TokenBuckets(clock, rate_per_s)
        self._streams = _PersonSlots("streams", Message("feeds and files open"), max_streams)
        self._queries = _PersonSlots("queries", Message("searches and lists running"), max_queries)
        self._exports = _PersonSlots("exports", Message("exports being made"), max_exports)

    def check(self, person: str) -> None:
        """Count a request. Raises RateLimited where the person sends too many."""
        retry_after_s = self._buckets.take(person)
        if retry_after_s:
            REQUESTS_LIMITED.labels("person").inc()
            raise RateLimited(
                "{person} sends too many requests; send fewer", retry_after_s, person=person
            )

    def stream(self, person: str) -> AbstractContextManager[None]:
        """Hold one of the person's streams. Raises RateLimited where too many are open."""
        return self._streams.held(person)

    def query(self, person: str) -> AbstractContextManager[None]:
        """Hold one of the person's threads for queries. Raises RateLimited where all are in use."""
        return self._queries.held(person)

    def export(self, person: str) -> AbstractContextManager[None]:
        """Hold one of the person's exports. Raises RateLimited where too many are being made."""
        return self._exports.held(person)


class _PersonSlots:
    """A number of slots for each person."""

    def __init__(self, label: str, requests: Message, most: int) -> None:
        self._label = label
        self._requests = requests
        self._most = most
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}

    @contextmanager
    def held(self, person: str) -> Iterator[None]:
        with self._lock:
            if self._used.get(person, 0) >= self._most:
                REQUESTS_LIMITED.labels(self._label).inc()
                raise RateLimited(
                    "{person} has {most} {requests} here already; wait for one of them",
                    retry_after_s=2.0,
                    person=person,
                    most=self._most,
                    requests=self._requests,
                )
            self._used[person] = self._used.get(person, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._used[person] -= 1
                if not self._used[person]:
                    del self._used[person]
