"""The streams of a live process that stops end with the reason, and are no errors in its log."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.node_api.app import make_node_api
from api.nodes.live_client import LiveNodeClient
from domain.clock import SystemClock
from domain.errors import NodeOffline
from domain.media.live_detections import LiveDetections
from domain.media.live_stream import LiveFragment
from domain.paths.data_layout import Layout
from sightline.connection_limits import ConnectionLimits
from sightline.http_server import HttpServer, server_config
from tests.api.node_contexts import node_context
from tests.api.site_data import NODE, SIGNER
from tests.live_station import Station, tapped
from tests.recorded import PLAIN, START_NS, packets_of
from tests.waiting import PATIENCE_S, wait_for

CAMERA = "east-gate"


@dataclass
class Process:
    """The server of a live process, in a thread."""

    server: HttpServer
    thread: threading.Thread
    url: str
    station: Station

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive(), "it waits for no client"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    layout = Layout(tmp_path)
    app = make_node_api(node_context(layout))
    config = server_config(app, ConnectionLimits(SystemClock()))
    station = Station(CAMERA)
    with (
        tapped(layout.live_socket(0), station),
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        server = HttpServer(config, app.state.streams.end)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        wait_for("the server", lambda: server.started)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        process = Process(server, thread, url, station)
        try:
            yield process
        finally:
            server.force_exit = True
            process.stop()
        wait_for("end of the pull", lambda: not station.watchers.total())


Stream = AsyncGenerator[list[LiveFragment]] | AsyncGenerator[list[LiveDetections]]


async def _read_all(stream: Stream) -> None:
    async for _ in stream:
        """What arrives before the end."""


async def _ends(stream: Stream, first: asyncio.Barrier) -> str:
    """Read a stream to its end, and return the reason. `first` is reached after its begin."""
    async with aclosing(stream):
        await anext(stream)
        await first.wait()
        with pytest.raises(NodeOffline) as ended:
            await _read_all(stream)
    return str(ended.value)


def test_viewers_learn_that_the_node_stops(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    station = process.station

    def put() -> None:
        wait_for("the pulls", lambda: station.fanout.taps and station.detections.is_watched)
        for packet in packets_of(PLAIN)[:5]:
            station.fanout.put(packet)
        station.detections.put(LiveDetections(wall_ns=START_NS, items=()))

    async def work() -> list[str]:
        client = LiveNodeClient(SIGNER, SystemClock(), None)
        begun = asyncio.Barrier(3)
        streams: tuple[Stream, ...] = (
            client.fragments(process.url, NODE, CAMERA, "main"),
            client.detections(process.url, NODE, CAMERA),
        )
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as reading:
            ends = [reading.create_task(_ends(one, begun)) for one in streams]
            await asyncio.to_thread(put)
            await begun.wait()
            await asyncio.to_thread(process.stop)
        return [one.result() for one in ends]

    sentence = f"{NODE}, the node that holds this camera, is being stopped or restarted"
    assert asyncio.run(work()) == [sentence, sentence]
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
