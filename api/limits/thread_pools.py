"""The thread pools of blocking routes. Routes that wait for cameras and nodes delay no others.

A picture of a dead camera occupies a thread for ten seconds. In one common pool, forty of them
stopped searches, tokens and health. Each pool has its own bound, beyond which a request is refused
without waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial, wraps
from typing import Any, Protocol, TypeVar

from anyio import CapacityLimiter, to_thread

from domain.errors import StoreError
from domain.messages.message import Message
from domain.metrics import POOL_REQUESTS_REFUSED

T = TypeVar("T")


class Pool(StrEnum):
    """The pools, by what a route waits for."""

    # the index, the archive and small objects; the guard uses this pool too
    QUERIES = "queries"
    PICTURES = "pictures"  # a picture from a camera, a node or the object store
    PLAYBACK = "playback"  # lists and parts of recordings from nodes and the object store
    PROVIDER = "provider"  # the identity provider
    RECORDINGS = "recordings"  # the layouts of a recording, for up to a minute
    PASSWORDS = "passwords"  # the hash of a password, which takes CPU and memory by design


@dataclass(frozen=True, slots=True)
class _Size:
    running: int
    waiting: int


_SIZES = {
    Pool.PICTURES: _Size(32, 64),
    Pool.PLAYBACK: _Size(24, 48),
    Pool.RECORDINGS: _Size(8, 32),
    Pool.PASSWORDS: _Size(2, 16),
    Pool.PROVIDER: _Size(8, 16),
}
"""Queries use the default threads of the server, and wait for them without a bound."""


_NAMES = {
    Pool.QUERIES: Message("searches and lists"),
    Pool.PICTURES: Message("pictures"),
    Pool.PLAYBACK: Message("playback"),
    Pool.PROVIDER: Message("the identity provider"),
    Pool.RECORDINGS: Message("recordings"),
    Pool.PASSWORDS: Message("passwords"),
}


class Pools:
    """The pools of one app. Only its event loop may use it."""

    def __init__(self) -> None:
        self._limiters = {pool: CapacityLimiter(size.running) for pool, size in _SIZES.items()}
        self._inside = dict.fromkeys(_SIZES, 0)

    async def run(self, pool: Pool, work: Callable[..., T], *arguments: Any) -> T:
        """Run `work(*arguments)` in a thread of the pool.

        Raises StoreError where too many requests wait for the pool.
        """
        if pool not in _SIZES:
            return await to_thread.run_sync(work, *arguments)
        size = _SIZES[pool]
        if self._inside[pool] >= size.running + size.waiting:
            POOL_REQUESTS_REFUSED.labels(pool).inc()
            raise StoreError(
                "{running} requests for {pool} are being answered here and "
                "{waiting} wait; try again in a moment",
                running=size.running,
                pool=_NAMES[pool],
                waiting=size.waiting,
            )
        self._inside[pool] += 1
        try:
            return await to_thread.run_sync(work, *arguments, limiter=self._limiters[pool])
        finally:
            self._inside[pool] -= 1


class HasPools(Protocol):
    """The context of an app with pools."""

    @property
    def pools(self) -> Pools: ...


def pooled(pool: Pool, endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a blocking endpoint as an async one that runs in `pool`. It has a parameter `context`,
    which has the pools.
    """

    @wraps(endpoint)
    async def call(context: HasPools, **arguments: Any) -> Any:
        return await context.pools.run(pool, partial(endpoint, context=context, **arguments))

    return call
