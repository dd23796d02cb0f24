"""Reads a stream of a camera from its node for the viewers of an API process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from anyio import CancelScope

from domain.errors import SightlineError, StoreError


class NodeReading:
    """One task that reads. The event loop keeps no strong reference to it, so this object does."""

    def __init__(
        self, name: str, read: Callable[[], Awaitable[None]], end: Callable[[SightlineError], None]
    ) -> None:
        """Start `read`. `end` is called with the error by which it ends, but not after `cancel`."""
        self._read = read
        self._end = end
        # A cancelled task could leave its connection open, because httpcore and the client of the
        # node shield what they close from scopes only.
        self._scope = CancelScope()
        self._task = asyncio.create_task(self._run(), name=name)

    def cancel(self) -> None:
        """End the reading, because the last viewer has left."""
        self._scope.cancel()

    async def _run(self) -> None:
        try:
            with self._scope:
                await self._read()
        except SightlineError as error:
            self._end(error)
        except Exception as error:
            self._end(StoreError("a software fault: {kind}", kind=type(error).__name__))
            raise
