"""Streaming responses that close their source however they end."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from anyio import CancelScope, to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.limits.byte_budget import ByteBudget
from api.limits.rate_limits import PersonLimits
from api.limits.send_limits import CHECK_INTERVAL_S, Sending, SendRate
from api.requests.request_trace import Trace, trace_of
from domain.clock import Clock
from domain.errors import SightlineError
from storage.recordings.file_reader import Chunk

TOGETHER_BYTES = 1 << 20
"""How much is read before it is sent, as far as the budget of the process has it."""
TOGETHER_S = 0.005
"""Chunks are taken together for this long, so that few wait for those of a slow source."""
_log = logging.getLogger(__name__)


class StandingPermission(Protocol):
    """Whether the person of a response may still receive it."""

    async def has_changed(self) -> bool:
        """Return whether the response must end."""


FindPermission = Callable[[Trace], StandingPermission]


class HeldStream(StreamingResponse):
    """Streams the chunks of `source`, of bounded size, and calls `close`, also if the client
    disconnects, is too slow, its person may not receive the rest, or the response never starts.

    Raises StoreError before the response starts, where too many files are being sent, and
    RateLimited where one person has too many.
    """

    def __init__(
        self,
        source: Iterable[Chunk],
        close: Callable[[], None],
        status_code: int,
        headers: Mapping[str, str],
        media_type: str,
        together_bytes: int = 0,
    ) -> None:
        """Chunks of a source that seldom waits are taken together until they have `together_bytes`.

        Each time costs two changes of thread, which take longer than to read a chunk.
        """
        super().__init__((), status_code, headers, media_type)
        self._together_bytes = together_bytes
        self._chunks = iter(source)
        self._batches: ChunkBatches | None = None
        self._close = close
        self._reading = threading.Lock()

    def map_chunks(self, transform: Callable[[Iterator[Chunk]], Iterator[bytes]]) -> None:
        """Send what `transform` makes of the chunks, whose length is then unknown.

        It must not yield an empty chunk, which would end the response.
        """
        self._chunks = transform(self._chunks)
        if "Content-Length" in self.headers:
            del self.headers["Content-Length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending: Sending = scope["app"].state.sending
        try:
            with _person_stream(scope), sending.slot() as pace:
                await self._send_while_permitted(scope, sending, pace, receive, send)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._close_source, limiter=sending.limiter)

    def _close_source(self) -> None:
        """Close the source after the present read: when a response is cancelled, its thread reads
        on, and a generator that runs cannot be closed.
        """
        with self._reading:
            if self._batches is not None:
                self._batches.close()
            self._close()

    async def _send_while_permitted(
        self, scope: Scope, sending: Sending, pace: SendRate, receive: Receive, send: Send
    ) -> None:
        """Send all. If the client is too slow, or its person may not receive the rest, the last
        chunk is not sent. The server then closes the connection, so that no client uses the part as
        the whole.
        """
        permission = _permission_of(scope)  # It may raise, so it precedes the tasks.
        sent = asyncio.ensure_future(self._send(scope, sending, pace, send))
        left = asyncio.ensure_future(self.listen_for_disconnect(receive))
        ended = asyncio.ensure_future(_until_ended(pace, permission))
        tasks = (sent, left, ended)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if sent.done():
                sent.result()
            elif not left.done():
                _report_end(sending, trace_of(scope).request_id, is_too_slow=ended.result())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, scope: Scope, sending: Sending, pace: SendRate, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        batches = ChunkBatches(self._chunks, self._together_bytes, sending.clock, sending.budget)
        self._batches = batches
        try:
            while batch := await to_thread.run_sync(self._next, batches, limiter=sending.limiter):
                while batch:  # none is held after it was sent
                    chunk = batch.popleft()
                    with pace.sending(len(chunk)):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except SightlineError as error:
            # As with a slow client, the last chunk is not sent.
            _log.warning(
                "request %s: the response ends early: %s", trace_of(scope).request_id, error
            )
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _next(self, batches: ChunkBatches) -> deque[Chunk]:
        with self._reading:
            return batches.next()


class ChunkBatches:
    """Takes chunks of a source together, of which an empty one is the end. One thread at a time
    uses it.
    """

    def __init__(
        self, chunks: Iterator[Chunk], together_bytes: int, clock: Clock, budget: ByteBudget
    ) -> None:
        """Chunks are taken together until they have `together_bytes`, or what the budget has left
        of them; for 0, each is alone.
        """
        self._chunks = chunks
        self._together_bytes = together_bytes
        self._clock = clock
        self._budget = budget
        self._held_bytes = 0
        """The bytes of the budget that the last batch uses."""
        self._error: Exception | None = None
        self._is_closed = False

    def next(self) -> deque[Chunk]:
        """Return at least one chunk, or none after the last one. The batch before must be sent.

        Raises what the source raises, after the chunks before it.
        """
        taken = deque[Chunk]()
        self._give(0)
        if self._error is not None:
            raise self._error
        if self._is_closed:
            return taken
        self._held_bytes = self._budget.take(self._together_bytes)
        size_bytes, until_s = 0, self._clock.monotonic_s() + TOGETHER_S
        try:
            while chunk := next(self._chunks, b""):
                taken.append(chunk)
                size_bytes += len(chunk)
                if size_bytes >= self._held_bytes or self._clock.monotonic_s() >= until_s:
                    break
        except Exception as error:
            if not taken:
                raise
            self._error = error
        self._give(size_bytes)
        return taken

    def close(self) -> None:
        """Give back what the last batch uses; there is no further one."""
        self._is_closed = True
        self._give(0)

    def _give(self, kept_bytes: int) -> None:
        """Give the budget back what exceeds `kept_bytes`."""
        unused_bytes = max(0, self._held_bytes - kept_bytes)
        self._budget.give(unused_bytes)
        self._held_bytes -= unused_bytes


def _person_stream(scope: Scope) -> AbstractContextManager[None]:
    """Count the stream of a person. Raises RateLimited where the person has too many."""
    person = trace_of(scope).person
    if person is None:  # The node API sends to the API, which counts.
        return nullcontext()
    limits: PersonLimits = scope["app"].state.person_limits
    return limits.stream(person.name)


def _permission_of(scope: Scope) -> StandingPermission | None:
    trace = trace_of(scope)
    if trace.person is None:  # The node API sends to the API, which checks.
        return None
    find: FindPermission = scope["app"].state.standing_permission
    return find(trace)


async def _until_ended(pace: SendRate, permission: StandingPermission | None) -> bool:
    """Return True once the client is too slow, and False once its person may not receive the
    rest.
    """
    while not pace.is_too_slow():
        if permission is not None and await permission.has_changed():
            return False
        await asyncio.sleep(CHECK_INTERVAL_S)
    return True


def _report_end(sending: Sending, request_id: str, is_too_slow: bool) -> None:
    if is_too_slow:
        sending.close_slow(request_id)
    else:
        _log.warning(
            "request %s: the response ends early: the token, the rights or the scope of its "
            "person, or the access policy, no longer permit it",
            request_id,
        )


class GeneratedStream(StreamingResponse):
    """Streams what `generator` yields and closes it, also if the client disconnects early.

    A generator that is not closed ends when the garbage collector finds it, which may take hours:
    the exception that ended the response refers to its frame. Until then it holds its resources.
    """

    def __init__(
        self, generator: AsyncGenerator[bytes], headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(generator, headers=headers, media_type=media_type)
        self._generator = generator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with _person_stream(scope):
                await super().__call__(scope, receive, send)
        finally:
            await self._generator.aclose()
