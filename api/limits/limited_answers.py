"""Answers of other servers, read as a whole within limits of size and of time.

The timeouts of httpx are for one read each, so an answer that arrives byte by byte has no end.
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from domain.clock import Clock


@dataclass(frozen=True, slots=True)
class AnswerLimit:
    """How large an answer may be, and how long it may take."""

    size_bytes: int
    duration_s: float
    """One more read may begin within it, which has its own timeout."""


def read_limited(
    response: httpx.Response, limit: AnswerLimit, clock: Clock, since_s: float
) -> httpx.Response:
    """Return a streamed response with its content, and close it.

    Raises httpx.ReadError for an answer that is too large, too slow since the monotonic time
    `since_s`, or compressed: a small compressed answer can be a large one.
    """
    content = bytearray()
    try:
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise httpx.ReadError("the answer is compressed")
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > limit.size_bytes:
                raise httpx.ReadError(
                    f"the answer is larger than {limit.size_bytes / 1_000_000:.0f} MB"
                )
            if clock.monotonic_s() - since_s >= limit.duration_s:
                raise httpx.ReadError(f"the answer has not ended within {limit.duration_s:.0f} s")
    finally:
        response.close()
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        content=bytes(content),
        extensions=response.extensions,
    )
