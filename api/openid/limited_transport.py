"""An HTTP transport that reads each answer as a whole, within limits of size and of time.

The timeouts of httpx are for one read each, so an answer that arrives byte by byte has no end.
"""

from __future__ import annotations

import httpx

from domain.clock import Clock

MAX_BYTES = 1_000_000
LONGEST_S = 10.0
"""How long an answer may take. One more read may begin within it, which has its own timeout."""


class LimitedTransport(httpx.BaseTransport):
    """Passes requests on to another transport. Thread-safe if that one is.

    Raises httpx.ReadError for an answer that is too large, too slow, or compressed: a small
    compressed answer can be a large one.
    """

    def __init__(self, inner: httpx.BaseTransport, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        until_s = self._clock.monotonic_s() + LONGEST_S
        response = self._inner.handle_request(request)
        try:
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding.strip().lower() != "identity":
                raise httpx.ReadError("the answer is compressed", request=request)
            content = self._content(request, response, until_s)
        finally:
            response.close()
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            content=content,
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._inner.close()

    def _content(self, request: httpx.Request, response: httpx.Response, until_s: float) -> bytes:
        content = bytearray()
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > MAX_BYTES:
                raise httpx.ReadError("the answer is larger than 1 MB", request=request)
            if self._clock.monotonic_s() >= until_s:
                raise httpx.ReadError(
                    f"the answer has not ended within {LONGEST_S:.0f} s", request=request
                )
        return bytes(content)
