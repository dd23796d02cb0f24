"""An HTTP transport that reads each answer as a whole, within limits of size and of time."""

from __future__ import annotations

import httpx

from api.limits.limited_answers import AnswerLimit, read_limited
from domain.clock import Clock

LIMIT = AnswerLimit(size_bytes=1_000_000, duration_s=10.0)


class LimitedTransport(httpx.BaseTransport):
    """Passes requests on to another transport. Thread-safe if that one is.

    Raises httpx.ReadError for an answer beyond the limit.
    """

    def __init__(self, inner: httpx.BaseTransport, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        since_s = self._clock.monotonic_s()
        response = self._inner.handle_request(request)
        return read_limited(response, LIMIT, self._clock, since_s)

    def close(self) -> None:
        self._inner.close()
