"""The streams that a node's live process sends, which end when the process stops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from domain.errors import NodeOffline

ALIVE_EVERY_S = 2.0
"""A node that sends nothing for some of these intervals counts as offline."""


class OpenStreams:
    """The streams of one app. Only its event loop may use it."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._is_ending = False
        self._waits: set[asyncio.Event] = set()

    @contextmanager
    def open(self) -> Iterator[asyncio.Event]:
        """Yield the event on which a stream waits. The end of the process sets it, too."""
        ready = asyncio.Event()
        self._waits.add(ready)
        try:
            yield ready
        finally:
            self._waits.discard(ready)

    async def wait(self, ready: asyncio.Event) -> None:
        """Wait until a stream has something to send, or until it is time to say that the node is
        alive. Raises NodeOffline if the process stops: the stream ends with that reason.
        """
        if not self._is_ending:
            with suppress(TimeoutError):
                async with asyncio.timeout(ALIVE_EVERY_S):
                    await ready.wait()
                    ready.clear()
        if self._is_ending:
            raise NodeOffline(
                "{node}, the node that holds this camera, is being stopped or restarted",
                node=self._node,
            )

    def end(self) -> None:
        """End all streams, because the process stops."""
        self._is_ending = True
        for ready in self._waits:
            ready.set()
