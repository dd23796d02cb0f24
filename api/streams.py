"""Answers that stream from something held open, and let go of it however they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from anyio import to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class ByteStream(Protocol):
    """Chunks of bounded size, and what must be closed after them."""

    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class HeldStream(StreamingResponse):
    """Streams `source` and closes it, also where the reader leaves before the end or the answer never begins."""

    def __init__(
        self, source: ByteStream, close: Callable[[], None], status_code: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(iter(source), status_code, headers, media_type)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await to_thread.run_sync(self._close)
