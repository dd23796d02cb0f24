"""The routes of the node API that send a live stream and its detections to the API, once for all
of its viewers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, cast

from fastapi import Depends, Request

from api.node_api.context import CameraOfPath, NodeApiContext, NodeContext
from api.node_api.open_streams import OpenStreams
from api.nodes.detection_wire import alive_line, detections_line, error_line
from api.nodes.live_wire import LiveWriter, alive_record, error_record
from api.requests.streams import GeneratedStream
from domain.errors import SightlineError
from domain.media.live_stream import LiveStreamName

MEDIA_TYPE = "application/vnd.sightline.live"
DETECTIONS_TYPE = "application/x-ndjson"


async def _open_streams(request: Request) -> OpenStreams:
    return cast(OpenStreams, request.app.state.streams)


Streams = Annotated[OpenStreams, Depends(_open_streams)]


async def live(
    context: NodeContext, streams: Streams, camera: CameraOfPath, stream: LiveStreamName = "main"
) -> GeneratedStream:
    """Send the fragments of a camera, or of its sound, until the client disconnects or the process
    stops. The held ones are first.
    """
    return GeneratedStream(_records(context, streams, camera, stream), {}, MEDIA_TYPE)


async def _records(
    context: NodeApiContext, streams: OpenStreams, camera: str, stream: LiveStreamName
) -> AsyncGenerator[bytes]:
    writer = LiveWriter()
    try:
        with streams.open() as ready:
            async with context.live(camera, stream, ready) as queue:
                yield alive_record()
                while True:
                    await streams.wait(ready)
                    if fragments := queue.take():
                        yield writer.records(fragments)
                    elif queue.error is not None:
                        raise queue.error
                    else:
                        yield alive_record()
    except SightlineError as error:
        yield error_record(error)


async def detections(
    context: NodeContext, streams: Streams, camera: CameraOfPath
) -> GeneratedStream:
    """Send the detections of a checkpoint until the client disconnects or the process stops."""
    return GeneratedStream(_detection_lines(context, streams, camera), {}, DETECTIONS_TYPE)


async def _detection_lines(
    context: NodeApiContext, streams: OpenStreams, camera: str
) -> AsyncGenerator[bytes]:
    try:
        with streams.open() as ready, context.detections(camera, ready) as waiting:
            yield alive_line()
            while True:
                await streams.wait(ready)
                yield b"".join(map(detections_line, waiting.take())) or alive_line()
    except SightlineError as error:
        yield error_line(error)
