"""Fragments are made once for all viewers of a source, and memory is free after the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import SourceUnsupported
from domain.media.live_stream import LiveFragment, LiveQueue
from ingest.live.fragment_streams import FragmentStreams
from tests.ingest.live.test_source import Node
from tests.live_station import tapped
from tests.recorded import PLAIN, packets_of
from tests.waiting import PATIENCE_S, wait_for

PACKETS = packets_of(PLAIN)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path)
    with tapped(node.path, node.station):
        yield node
        node.sources.stop()
        wait_for("end of the pulls", lambda: not node.threads())


async def _taken(queue: LiveQueue, ready: asyncio.Event, count: int) -> list[LiveFragment]:
    found: list[LiveFragment] = []
    while len(found) < count:
        await ready.wait()
        ready.clear()
        found += queue.take()
    return found


def _run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await work()

    asyncio.run(limited())


def _put(node: Node, first: int, last: int) -> None:
    wait_for("the pull", lambda: node.station.fanout.taps)
    for packet in PACKETS[first:last]:
        node.station.fanout.put(packet)


def test_two_viewers_get_the_same_fragments(node: Node) -> None:
    async def work() -> None:
        streams = FragmentStreams(node.sources, node.clock)
        ready, also_ready = asyncio.Event(), asyncio.Event()
        async with streams.watch("gate", "main", ready) as queue:
            await asyncio.to_thread(_put, node, 0, 30)
            first = await _taken(queue, ready, 30)
            async with streams.watch("gate", "main", also_ready) as other:
                second = await _taken(other, also_ready, 5)
                assert [id(one) for one in second] == [id(one) for one in first[25:]]
                await asyncio.to_thread(_put, node, 30, 40)
                more = await _taken(queue, ready, 10)
                assert await _taken(other, also_ready, 10) == more
        async with streams.watch("gate", "main", asyncio.Event()) as again:
            held = again.take() or await _taken(again, again._ready, 15)
            assert [one.wall_ns for one in held] == [one.wall_ns for one in PACKETS[25:40]]

    _run(work)
    node.sources.stop()
    wait_for("free memory", lambda: node.sources.bound.used_bytes == 0)


def test_a_stream_that_cannot_be_sent_ends_with_the_reason(node: Node) -> None:
    async def work() -> None:
        streams, ready = FragmentStreams(node.sources, node.clock), asyncio.Event()
        async with streams.watch("gate", "main", ready) as queue:
            bare = replace(PACKETS[0], data=b"\0\0\0\1\x65" + bytes(range(1, 60)))
            await asyncio.to_thread(wait_for, "the pull", lambda: node.station.fanout.taps)
            node.station.fanout.put(bare)
            await ready.wait()
            assert isinstance(queue.error, SourceUnsupported)
            assert "no parameter sets" in str(queue.error)

    _run(work)
