"""The route of the node API that sends a live stream to the API, once for all of its viewers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Literal

from api.node_api.context import CameraOfPath, NodeApiContext, NodeContext
from api.nodes.live_wire import LiveWriter, alive_record, error_record
from api.requests.streams import GeneratedStream
from domain.errors import SightlineError

ALIVE_EVERY_S = 2.0
"""A node that sends nothing for some of these intervals counts as offline."""
MEDIA_TYPE = "application/vnd.sightline.live"


async def live(
    context: NodeContext, camera: CameraOfPath, stream: Literal["main", "sub"] = "main"
) -> GeneratedStream:
    """Send the fragments of a camera, the held ones first, until the client disconnects."""
    return GeneratedStream(_records(context, camera, stream == "sub"), {}, MEDIA_TYPE)


async def _records(context: NodeApiContext, camera: str, is_sub: bool) -> AsyncGenerator[bytes]:
    ready, writer = asyncio.Event(), LiveWriter()
    try:
        async with context.live(camera, is_sub, ready) as queue:
            yield alive_record()
            while True:
                await _wait(ready)
                if fragments := queue.take():
                    yield writer.records(fragments)
                elif queue.error is not None:
                    raise queue.error
                else:
                    yield alive_record()
    except SightlineError as error:
        yield error_record(error)


async def _wait(ready: asyncio.Event) -> None:
    """Wait until something can be taken, or until it is time to say that the node is alive."""
    try:
        async with asyncio.timeout(ALIVE_EVERY_S):
            await ready.wait()
    except TimeoutError:
        return
    ready.clear()
