"""Reads the live streams of nodes, in an event loop."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
from anyio import CancelScope

from api.nodes.detection_wire import DetectionReader
from api.nodes.live_wire import LiveReader
from api.nodes.node_requests import (
    CONNECT_TIMEOUT_S,
    TRUSTS_NO_SERVER,
    NodeRequest,
    mapped_errors,
    raise_problem,
)
from api.nodes.wire_names import PATH_PREFIX
from domain.clock import Clock
from domain.errors import NodeOffline
from domain.media.live_detections import LiveDetections
from domain.media.live_stream import LiveFragment, LiveStreamName
from domain.signatures import ApiSigner

SILENCE_S = 6.0
"""A node that sends nothing for this long is offline. It sends a record every two seconds."""


class LiveNodeClient:
    """Reads live streams from nodes. It has no connections but those of the streams being read."""

    def __init__(self, signer: ApiSigner, clock: Clock, tls: ssl.SSLContext | None) -> None:
        self._signer = signer
        self._clock = clock
        self._tls = tls

    async def fragments(
        self, node_api_url: str, node: str, camera_id: str, stream_name: LiveStreamName
    ) -> AsyncGenerator[list[LiveFragment]]:
        """Yield the fragments of a stream as they arrive, the held ones first.

        Raises NodeOffline where the node does not respond any more, and otherwise the error with
        which the node ends the stream. The caller closes the generator, and cancels it only by an
        anyio scope, from which the opening of the connection is shielded.
        """
        path = f"{PATH_PREFIX}/cameras/{camera_id}/live"
        asked = NodeRequest(node_api_url, node, path, {"stream": stream_name})
        reader = LiveReader(node)
        async with aclosing(self._chunks(asked)) as chunks:
            async for chunk in chunks:
                if fragments := reader.feed(chunk):
                    yield fragments

    async def detections(
        self, node_api_url: str, node: str, camera_id: str
    ) -> AsyncGenerator[list[LiveDetections]]:
        """Yield the detections of a checkpoint as they arrive. The rest is as for `fragments`."""
        path = f"{PATH_PREFIX}/cameras/{camera_id}/detections"
        reader = DetectionReader(node)
        async with aclosing(self._chunks(NodeRequest(node_api_url, node, path))) as chunks:
            async for chunk in chunks:
                if detections := reader.feed(chunk):
                    yield detections

    async def _chunks(self, asked: NodeRequest) -> AsyncGenerator[bytes]:
        """Yield the body of a response that has no end of its own."""
        node = asked.node
        with mapped_errors(node):
            async with self._connection() as client:
                request = asked.signed(client, self._signer, self._clock)
                with CancelScope(shield=True):
                    # httpcore does not close a connection whose opening is cancelled.
                    response = await client.send(request, stream=True)
                async with aclosing(response):
                    if response.status_code != 200:
                        await response.aread()
                        raise_problem(response, node)
                    async for chunk in response.aiter_raw():
                        yield chunk
        raise NodeOffline("{node}, the node that holds this camera, ended the stream", node=node)

    def _connection(self) -> httpx.AsyncClient:
        """Return a client for one stream. It closes all of its connections at its end."""
        return httpx.AsyncClient(
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_TIMEOUT_S),
            trust_env=False,
            verify=self._tls or TRUSTS_NO_SERVER,
        )
