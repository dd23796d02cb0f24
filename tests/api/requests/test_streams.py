"""Chunks are taken together in order, those before an error are not lost, and the source is closed
however the response ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Generator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from api.cameras.read_ahead import read_ahead
from api.limits.byte_budget import ByteBudget
from api.limits.rate_limits import PersonLimits
from api.limits.send_limits import LeastRate, Sending
from api.requests.request_trace import Trace, set_trace
from api.requests.streams import TOGETHER_S, ChunkBatches, HeldStream, StandingPermission
from domain.clock import ManualClock
from domain.errors import DataLoss, ObjectsUnavailable
from domain.people import Person, Role
from tests.waiting import PATIENCE_S

CHUNKS = [bytes([number]) * 10 for number in range(7)]


def batches_of(source: Iterator[bytes], together_bytes: int, clock: ManualClock) -> list[int]:
    """Return how many chunks each batch has, which together are CHUNKS."""
    batches = ChunkBatches(source, together_bytes, clock, ByteBudget())
    found = list(iter(batches.next, deque()))
    assert [chunk for batch in found for chunk in batch] == CHUNKS
    assert not batches.next()
    return [len(batch) for batch in found]


@pytest.mark.parametrize(
    ("together_bytes", "counts"),
    [(0, [1] * 7), (10, [1] * 7), (11, [2, 2, 2, 1]), (30, [3, 3, 1]), (1000, [7])],
)
def test_chunks_are_taken_together_up_to_a_size(together_bytes: int, counts: list[int]) -> None:
    assert batches_of(iter(CHUNKS), together_bytes, ManualClock()) == counts


def test_no_chunk_waits_for_a_slow_source() -> None:
    clock = ManualClock()

    def slow() -> Iterator[bytes]:
        for number, chunk in enumerate(CHUNKS):
            clock.advance(TOGETHER_S * (0.6 if number < 4 else 1.5))
            yield chunk

    assert batches_of(slow(), 1000, clock) == [2, 2, 1, 1, 1]


def test_an_error_is_raised_after_the_chunks_before_it() -> None:
    def damaged() -> Iterator[bytes]:
        yield from CHUNKS[:3]
        raise DataLoss("damaged")

    batches = ChunkBatches(damaged(), 20, ManualClock(), ByteBudget())
    assert [list(batches.next()), list(batches.next())] == [CHUNKS[:2], CHUNKS[2:3]]
    for _ in range(2):
        with pytest.raises(DataLoss, match="damaged"):
            batches.next()


def test_an_error_at_once_is_raised() -> None:
    def damaged() -> Iterator[bytes]:
        raise DataLoss("damaged")
        yield b""

    with pytest.raises(DataLoss, match="damaged"):
        ChunkBatches(damaged(), 20, ManualClock(), ByteBudget()).next()


def test_batches_share_a_budget_and_give_it_back() -> None:
    budget = ByteBudget(30)
    first, second = (ChunkBatches(iter(CHUNKS), 20, ManualClock(), budget) for _ in range(2))
    assert [len(first.next()), len(second.next()), budget.left_bytes] == [2, 1, 0]
    second.close()
    assert (not second.next(), budget.left_bytes) == (True, 10)
    assert [len(first.next()) for _ in range(3)] == [2, 2, 1]
    assert budget.left_bytes == 20, "what the last chunk does not need is given back"
    assert (not first.next(), budget.left_bytes) == (True, 30)


@pytest.mark.parametrize("is_ahead", [False, True])
def test_a_source_is_closed_after_the_read_during_which_the_client_left(is_ahead: bool) -> None:
    is_read, may_end, is_closed = threading.Event(), threading.Event(), threading.Event()
    budget = ByteBudget(2000)

    def slow() -> Generator[bytes]:
        try:
            yield CHUNKS[0]
            is_read.set()
            may_end.wait(PATIENCE_S)
            yield CHUNKS[1]
        finally:
            is_closed.set()

    async def leave() -> dict[str, Any]:
        await asyncio.to_thread(is_read.wait, PATIENCE_S)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        """The client receives nothing more that matters."""

    async def work() -> None:
        state = SimpleNamespace(sending=Sending(ManualClock(), LeastRate(), budget=budget))
        scope = {"type": "http", "app": SimpleNamespace(state=state)}
        set_trace(scope, Trace("request", "192.0.2.1"))
        source: Any = read_ahead(slow(), budget) if is_ahead else slow()
        response = HeldStream(source, source.close, 200, {}, "video/mp4", 1000)
        answer = asyncio.create_task(response(scope, leave, send))
        await asyncio.wait({answer}, timeout=0.3)
        assert not answer.done(), "it waits for the read"
        assert not is_closed.is_set()
        may_end.set()
        async with asyncio.timeout(PATIENCE_S):
            await answer

    asyncio.run(work())
    assert is_closed.is_set()
    assert budget.left_bytes == 2000


def test_nothing_is_sent_where_the_permission_cannot_be_read() -> None:
    """The response would otherwise be sent by a task that nothing waits for or ends."""
    is_closed, sent = threading.Event(), list[Any]()

    def no_permission(trace: Trace) -> StandingPermission:
        raise ObjectsUnavailable("the registry cannot be read")

    async def connected() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    async def work() -> None:
        state = SimpleNamespace(
            sending=Sending(ManualClock(), LeastRate()),
            person_limits=PersonLimits(ManualClock(), 0),
            standing_permission=no_permission,
        )
        scope = {"type": "http", "app": SimpleNamespace(state=state)}
        set_trace(scope, Trace("request", "192.0.2.1", person=Person("a", Role.OPERATOR)))
        response = HeldStream(iter(CHUNKS), is_closed.set, 200, {}, "video/mp4")
        with pytest.raises(ObjectsUnavailable):
            await response(scope, connected, send)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(work())
    assert is_closed.is_set()
    assert sent == []
