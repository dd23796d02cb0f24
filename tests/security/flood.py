"""Sends requests without a token as fast as one core can, where `wrk` is absent.

    python -m tests.security.flood ADDRESS PORT PATH SECONDS

It prints the number of answers.
"""

from __future__ import annotations

import asyncio
import sys

CONNECTIONS = 64
PIPELINED = 16


async def _send(host: str, port: int, path: str, end_s: float) -> int:
    """Send requests on one connection until the time is over; return the number of answers."""
    loop, answered = asyncio.get_running_loop(), 0
    request = f"GET {path} HTTP/1.1\r\nHost: flood\r\n\r\n".encode() * PIPELINED
    reader, writer = await asyncio.open_connection(host, port)
    try:
        while loop.time() < end_s:
            writer.write(request)
            await writer.drain()
            for _ in range(PIPELINED):
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                answered += 1
    finally:
        writer.close()
    return answered


async def _flood(host: str, port: int, path: str, seconds: float) -> int:
    end_s = asyncio.get_running_loop().time() + seconds
    sending = (_send(host, port, path, end_s) for _ in range(CONNECTIONS))
    found = await asyncio.gather(*sending, return_exceptions=True)
    return sum(one for one in found if isinstance(one, int))


if __name__ == "__main__":
    host_, port_, path_, seconds_ = sys.argv[1:]
    print(asyncio.run(_flood(host_, int(port_), path_, float(seconds_))))
