"""The routes of the node API that send a live stream and its detections to the API, once for all
of its viewers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from api.node_api.context import CameraOfPath, NodeApiContext, NodeContext
from api.nodes.detection_wire import alive_line, detections_line, error_line
from api.nodes.live_wire import LiveWriter, alive_record, error_record
from api.requests.streams import GeneratedStream
from domain.errors import SightlineError
from domain.media.live_stream import LiveStreamName

ALIVE_EVERY_S = 2.0
"""A node that sends nothing for some of these intervals counts as offline."""
MEDIA_TYPE = "application/vnd.sightline.live"
DETECTIONS_TYPE = "application/x-ndjson"


async def live(
    context: NodeContext, camera: CameraOfPath, stream: LiveStreamName = "main"
) -> GeneratedStream:
    """Send the fragments of a camera, or of its sound, until the client disconnects. The held ones
    are first.
    """
    return GeneratedStream(_records(context, camera, stream), {}, MEDIA_TYPE)


async def _records(
    context: NodeApiContext, camera: str, stream: LiveStreamName
) -> AsyncGenerator[bytes]:
    ready, writer = asyncio.Event(), LiveWriter()
    try:
        async with context.live(camera, stream, ready) as queue:
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


async def detections(context: NodeContext, camera: CameraOfPath) -> GeneratedStream:
    """Send the detections of a checkpoint until the client disconnects."""
    return GeneratedStream(_detection_lines(context, camera), {}, DETECTIONS_TYPE)


async def _detection_lines(context: NodeApiContext, camera: str) -> AsyncGenerator[bytes]:
    ready = asyncio.Event()
    try:
        with context.detections(camera, ready) as waiting:
            yield alive_line()
            while True:
                await _wait(ready)
                yield b"".join(map(detections_line, waiting.take())) or alive_line()
    except SightlineError as error:
        yield error_line(error)


async def _wait(ready: asyncio.Event) -> None:
    """Wait until something can be taken, or until it is time to say that the node is alive."""
    try:
        async with asyncio.timeout(ALIVE_EVERY_S):
            await ready.wait()
    except TimeoutError:
        return
    ready.clear()
