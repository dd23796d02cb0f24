"""Limits on one request: the length of its address, and the size and time of its body."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope

from domain.errors import AddressTooLong, BodyTooLarge, BodyTooSlow

MAX_TARGET_BYTES = 8_192
MAX_BODY_BYTES = 65_536
BODY_TIMEOUT_S = 10.0
"""A body is so small that a client sends it in one go."""


def check_size(scope: Scope) -> None:
    """Raises AddressTooLong or BodyTooLarge."""
    target_bytes = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if target_bytes > MAX_TARGET_BYTES:
        raise AddressTooLong(
            f"the address is {target_bytes} bytes long; at most {MAX_TARGET_BYTES}"
        )
    headers: dict[bytes, bytes] = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if b"transfer-encoding" in headers or not length.isdigit() or int(length) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"a body must say its length and be at most {MAX_BODY_BYTES} bytes")


def within(receive: Receive, timeout_s: float) -> Receive:
    """Wrap `receive` so that it raises BodyTooSlow where the body takes longer."""
    deadline_s = asyncio.get_running_loop().time() + timeout_s
    is_complete = False

    async def receive_in_time() -> Message:
        nonlocal is_complete
        if is_complete:  # What follows is the end of the connection.
            return await receive()
        try:
            async with asyncio.timeout_at(deadline_s):
                message = await receive()
        except TimeoutError as error:
            raise BodyTooSlow(f"the body did not arrive within {timeout_s:.0f} s") from error
        is_complete = not message.get("more_body", False)
        return message

    return receive_in_time
