"""A node sends a live stream to the API: the held pictures first, every picture, and its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING

import httpx
import pytest

from api.nodes.live_client import LiveNodeClient
from api.nodes.tokens import sign
from api.nodes.wire_names import PATH_PREFIX
from domain.clock import SystemClock
from domain.errors import NodeOffline, NotFound
from domain.media.live_stream import LiveFragment
from tests.api.site_data import NODE, SIGNER
from tests.live_station import Station, tapped
from tests.recorded import PLAIN, packets_of
from tests.waiting import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from tests.api.conftest import Site

PACKETS = packets_of(PLAIN)
CAMERA = "east-gate"


@pytest.fixture
def station(site: Site) -> Iterator[Station]:
    station = Station(CAMERA)
    with tapped(site.layout.live_socket(0), station):
        yield station
        wait_for("end of the pull", lambda: not station.watchers.total())


def _run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await work()

    asyncio.run(limited())


def _put(station: Station, first: int, last: int) -> None:
    wait_for("the pull", lambda: station.fanout.taps)
    for packet in PACKETS[first:last]:
        station.fanout.put(packet)


def _stream(site: Site) -> AsyncGenerator[list[LiveFragment]]:
    client = LiveNodeClient(SIGNER, SystemClock(), None)
    return client.fragments(site.node_api_url, NODE, CAMERA, "main")


async def _read(
    stream: AsyncGenerator[list[LiveFragment]], count: int, on_begin: Callable[[], None]
) -> list[LiveFragment]:
    """Read so many fragments; `on_begin` runs in a thread at the same time."""
    found: list[LiveFragment] = []
    begun = asyncio.create_task(asyncio.to_thread(on_begin))
    while len(found) < count:
        found += await anext(stream)
    await begun
    return found


def test_every_picture_arrives_with_its_times(site: Site, station: Station) -> None:
    async def work() -> None:
        async with aclosing(_stream(site)) as first, aclosing(_stream(site)) as second:
            found = await _read(first, 60, lambda: _put(station, 0, 60))
            assert [one.wall_ns for one in found] == [one.wall_ns for one in PACKETS[:60]]
            assert [one.is_keyframe for one in found] == [one.is_keyframe for one in PACKETS[:60]]
            # The second receiver begins with the held pictures.
            again = await _read(second, 12, lambda: _put(station, 60, 62))
            assert [one.wall_ns for one in again] == [one.wall_ns for one in PACKETS[50:62]]
            assert station.watchers.total() == 1

    _run(work)


def test_a_camera_that_the_node_does_not_pull_is_reported(site: Site, station: Station) -> None:
    async def work() -> None:
        client = LiveNodeClient(SIGNER, SystemClock(), None)
        with pytest.raises(NotFound, match="no camera west-gate here"):
            await anext(client.fragments(site.node_api_url, NODE, "west-gate", "main"))
        with pytest.raises(NotFound, match="no camera east-gate/sub here"):
            await anext(client.fragments(site.node_api_url, NODE, CAMERA, "sub"))

    _run(work)


def test_a_node_that_is_gone_is_offline(site: Site) -> None:
    async def work() -> None:
        client = LiveNodeClient(SIGNER, SystemClock(), None)
        with pytest.raises(NodeOffline, match="node-1"):
            await anext(client.fragments("http://127.0.0.1:9", NODE, CAMERA, "main"))
        with pytest.raises(NodeOffline, match="TLS"):
            await anext(client.fragments("http://10.1.2.3:9", NODE, CAMERA, "main"))

    _run(work)


def test_an_api_that_reads_nothing_holds_up_no_other(site: Site, station: Station) -> None:
    path = f"{PATH_PREFIX}/cameras/{CAMERA}/live?stream=main"
    host, port = httpx.URL(site.node_api_url).host, httpx.URL(site.node_api_url).port
    token = sign(SIGNER, NODE, "GET", path.encode(), SystemClock().wall_ns())
    with ExitStack() as stack:

        def put_after_the_lazy_one_has_begun() -> None:
            # The pull exists because the reader has joined, so it misses none of the packets.
            wait_for("the pull", lambda: station.fanout.taps)
            lazy = stack.enter_context(socket.create_connection((host, port or 0)))
            lazy.sendall(
                f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\n\r\n".encode()
            )
            assert lazy.recv(12) == b"HTTP/1.1 200"
            _put(station, 0, 300)

        async def work() -> None:
            async with aclosing(_stream(site)) as stream:
                found = await _read(stream, 300, put_after_the_lazy_one_has_begun)
                assert station.watchers.total() == 1
            assert [one.wall_ns for one in found] == [one.wall_ns for one in PACKETS]

        _run(work)
