"""Fragments for several viewers: the held ones first, no hole, and a slow viewer alone skips."""

from __future__ import annotations

import asyncio

import pytest

from domain.clock import ManualClock
from domain.errors import SourceTimeout
from domain.media.held_gop import MemoryLimit
from domain.media.live_stream import (
    MAX_LAG_S,
    MAX_QUEUED_BYTES,
    LiveBroadcast,
    LiveFragment,
    LiveInit,
    LiveQueue,
)
from domain.media.packets import WallSource

INIT = LiveInit("video/mp4", "h264", 8, 8, b"init")
GOP = 10


def fragment(number: int, size_bytes: int = 100) -> LiveFragment:
    """A keyframe is every tenth one."""
    return LiveFragment(
        INIT, bytes(size_bytes), number % GOP == 0, number, number, WallSource.SENDER, number
    )


def numbers(queue: LiveQueue) -> list[int]:
    return [one.media_ns for one in queue.take()]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def broadcast(clock: ManualClock) -> LiveBroadcast:
    return LiveBroadcast(clock, MemoryLimit(1 << 20))


def test_a_viewer_begins_with_the_held_fragments(broadcast: LiveBroadcast) -> None:
    for number in range(13):
        broadcast.put(fragment(number))
    ready = asyncio.Event()
    queue = broadcast.join(ready)
    assert ready.is_set()
    broadcast.put(fragment(13))
    assert numbers(queue) == [10, 11, 12, 13]
    assert queue.skipped == 0


def test_a_viewer_can_begin_with_the_next_keyframe(broadcast: LiveBroadcast) -> None:
    for number in range(13):
        broadcast.put(fragment(number))
    ready = asyncio.Event()
    queue = broadcast.join(ready, from_held=False)
    for number in range(13, 22):
        assert queue.starts_ns == (20 if number > 20 else None)
        broadcast.put(fragment(number))
        assert ready.is_set() is (number >= 20)
    assert numbers(queue) == [20, 21]
    assert queue.skipped == 0


def test_a_viewer_can_leave_out_what_was_shown_already(broadcast: LiveBroadcast) -> None:
    queue = broadcast.join(asyncio.Event())
    for number in range(25):
        broadcast.put(fragment(number))
    queue.begin_after(9)
    assert queue.starts_ns == 10
    queue.begin_after(10)
    assert queue.starts_ns == 20
    queue.begin_after(20)
    assert queue.starts_ns is None
    for number in range(25, 32):
        broadcast.put(fragment(number))
    assert (numbers(queue), queue.skipped) == ([30, 31], 0)


def test_a_slow_viewer_continues_at_the_next_keyframe_and_no_other_notices(
    broadcast: LiveBroadcast, clock: ManualClock
) -> None:
    slow, quick = broadcast.join(asyncio.Event()), broadcast.join(asyncio.Event())
    received = []
    for number in range(25):
        broadcast.put(fragment(number))
        received += numbers(quick)
        clock.advance(MAX_LAG_S / 12)
    assert received == list(range(25))
    assert quick.skipped == 0
    # The fragment 0 had waited too long when 13 came, and 20 is the next keyframe.
    assert numbers(slow) == [20, 21, 22, 23, 24]
    assert slow.skipped == 20


def test_a_queue_is_bounded_in_bytes(broadcast: LiveBroadcast) -> None:
    queue = broadcast.join(asyncio.Event())
    size_bytes = MAX_QUEUED_BYTES // 4
    for number in range(6):
        broadcast.put(fragment(number, size_bytes))
    assert (numbers(queue), queue.skipped) == ([], 6)
    broadcast.put(fragment(10, size_bytes))
    assert numbers(queue) == [10]


def test_the_end_reaches_present_and_later_viewers(broadcast: LiveBroadcast) -> None:
    broadcast.put(fragment(0))
    ready = asyncio.Event()
    present = broadcast.join(ready)
    numbers(present)
    ready.clear()
    error = SourceTimeout("no video")
    broadcast.end(error)
    assert present.error is error
    assert ready.is_set()
    later = broadcast.join(asyncio.Event())
    assert (numbers(later), later.error) == ([], error)


def test_a_closed_broadcast_holds_nothing(clock: ManualClock) -> None:
    bound = MemoryLimit(1 << 20)
    broadcast = LiveBroadcast(clock, bound)
    broadcast.put(fragment(0))
    assert bound.used_bytes == 100
    broadcast.close()
    broadcast.put(fragment(10))
    assert bound.used_bytes == 0
