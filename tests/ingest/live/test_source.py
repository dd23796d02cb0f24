"""One pull for all viewers, the held packets first, a grace time, and an end that is explained."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain.clock import ManualClock
from domain.errors import NodeOffline, NotFound, SightlineError, SourceTimeout, StoreError
from domain.media.packets import AudioPacket, Packet
from ingest.live.source import SILENCE_S, LiveLimits, LiveSources
from tests.ingest.live.test_tap import packet_of
from tests.live_station import Station, tapped
from tests.waiting import wait_for

GRACE_S = 10.0


class Consumer:
    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.error: SightlineError | None = None

    def put(self, packet: Packet | AudioPacket) -> None:
        self.numbers.append(packet.pts // 3600)

    def end(self, error: SightlineError) -> None:
        self.error = error


class Node:
    """The sources of a node with one worker, on a manual clock."""

    def __init__(self, folder: Path) -> None:
        self.station = Station()
        self.clock = ManualClock()
        self.path = folder / "w.sock"
        self.reason = ""
        self.limits = LiveLimits(1 << 20, GRACE_S, 2)
        self.sources = LiveSources(self.locate, lambda _: self.reason, self.limits, self.clock)

    def locate(self, camera_id: str) -> Path:
        if camera_id == "nowhere":
            raise NotFound("no worker of this node has camera nowhere")
        return self.path

    def put(self, *numbers: int) -> None:
        """Put packets once the pull has begun, so that none of them is missed."""
        wait_for("the pull", lambda: self.station.fanout.taps)
        for number in numbers:
            self.station.fanout.put(packet_of(number))

    def threads(self) -> list[str]:
        return [one.name for one in threading.enumerate() if one.name.startswith("live gate")]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path)
    with tapped(node.path, node.station):
        yield node
        node.sources.stop()
        wait_for("end of the pulls", lambda: not node.threads())


def test_two_viewers_share_one_pull_and_the_second_begins_with_the_held_packets(
    node: Node,
) -> None:
    first, second = Consumer(), Consumer()
    with node.sources.watching("gate") as source, node.sources.watching("gate") as same:
        assert source is same
        source.attach(first)
        node.put(*range(13))
        wait_for("packets", lambda: len(first.numbers) == 13)
        same.attach(second)
        node.put(13, 14)
        wait_for("packets", lambda: len(first.numbers) == 15 and len(second.numbers) == 5)
        assert node.station.watchers.total() == 1
    assert second.numbers == [10, 11, 12, 13, 14]


def test_a_source_holds_its_packets_for_the_grace_time(node: Node) -> None:
    consumer, again = Consumer(), Consumer()
    with node.sources.watching("gate") as source:
        source.attach(consumer)
        node.put(*range(5))
        wait_for("packets", lambda: len(consumer.numbers) == 5)
        source.detach(consumer)
    node.clock.advance(GRACE_S - 0.1)
    node.put(5)
    with node.sources.watching("gate") as source:
        wait_for("the held packets", lambda: len(source._held.items) == 6)
        source.attach(again)
    assert again.numbers == list(range(6))
    node.clock.advance(GRACE_S)
    wait_for("end of the pull", lambda: node.station.watchers.total() == 0)
    wait_for("free memory", lambda: node.sources.bound.used_bytes == 0)


@pytest.mark.parametrize("reason", ["", "the codec is not supported"])
def test_a_silent_camera_ends_the_stream_with_the_reason(node: Node, reason: str) -> None:
    consumer, node.reason = Consumer(), reason
    with node.sources.watching("gate") as source:
        source.attach(consumer)
        wait_for("the pull", lambda: node.station.watchers.total())
        node.clock.advance(SILENCE_S)
        wait_for("the end", lambda: consumer.error)
        assert isinstance(consumer.error, SourceTimeout)
        assert str(consumer.error).endswith(reason)
        late = Consumer()
        source.attach(late)
        assert late.error is consumer.error
        with node.sources.watching("gate") as another:
            assert another is not source


def test_a_camera_that_does_not_exist_ends_at_once(node: Node) -> None:
    for stream, sentence in (("gate/sub", "no camera gate/sub here"), ("nowhere", "no worker")):
        consumer = Consumer()
        with node.sources.watching(stream) as source:
            source.attach(consumer)
            wait_for("the end", lambda consumer=consumer: consumer.error)  # type: ignore[misc]
        assert isinstance(consumer.error, NotFound)
        assert sentence in str(consumer.error)


def test_the_pull_continues_from_the_worker_that_replaces_another(tmp_path: Path) -> None:
    node, consumer = Node(tmp_path), Consumer()
    node.clock.wait = lambda event, timeout_s: event.wait(0.01)  # type: ignore[method-assign]
    with ExitStack() as stack, node.sources.watching("gate") as source:
        source.attach(consumer)
        first = stack.enter_context(ExitStack())
        first.enter_context(tapped(node.path, node.station))
        node.put(*range(12))
        wait_for("packets", lambda: len(consumer.numbers) == 12)
        first.close()
        wait_for("end of the pull", lambda: not node.station.fanout.taps)
        node.station.fanout.forget()
        stack.enter_context(tapped(node.path, node.station))
        node.put(20, 21)
        wait_for("packets of the next worker", lambda: consumer.numbers[-2:] == [20, 21])
        assert consumer.error is None
        node.sources.stop()
        wait_for("end of the pulls", lambda: not node.threads())


def test_a_worker_that_never_answers_ends_the_stream(tmp_path: Path) -> None:
    node, consumer = Node(tmp_path), Consumer()
    with node.sources.watching("gate") as source:
        source.attach(consumer)
        # Each wait for the next try moves the manual clock.
        wait_for("the end", lambda: consumer.error)
    assert isinstance(consumer.error, NodeOffline)


def test_streams_are_limited_and_one_without_viewers_makes_room(node: Node) -> None:
    with (
        node.sources.watching("gate"),
        node.sources.watching("gate/a"),
        pytest.raises(StoreError, match="2 live streams"),
        node.sources.watching("gate/b"),
    ):
        pytest.fail("a third stream was started")
    with node.sources.watching("gate/b"):
        pass
