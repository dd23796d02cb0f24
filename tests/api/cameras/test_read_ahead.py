"""Chunks are read ahead in order, in bounded memory, and end with their response."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from api.cameras.read_ahead import read_ahead
from api.limits.byte_budget import ByteBudget
from domain.errors import DataLoss
from tests.waiting import PATIENCE_S, wait_event

CHUNK = b"x" * 10


class Source:
    """Chunks whose reading is noted."""

    def __init__(
        self,
        count: int,
        error: Exception | None = None,
        read_after: tuple[int, threading.Event] | None = None,
    ) -> None:
        """The chunk with the number in `read_after` is not read before its event is set."""
        self.count, self.error, self.read_after = count, error, read_after
        self.read = 0
        self.is_at = threading.Condition()
        self.closed = threading.Event()

    def chunks(self) -> Generator[bytes]:
        try:
            for number in range(self.count):
                with self.is_at:
                    self.read += 1
                    self.is_at.notify_all()
                if self.read_after is not None and number == self.read_after[0]:
                    wait_event("release of a read", self.read_after[1])
                yield CHUNK + bytes([number])
            if self.error is not None:
                raise self.error
        finally:
            self.closed.set()

    def wait_until_read(self, count: int) -> None:
        with self.is_at:
            assert self.is_at.wait_for(lambda: self.read >= count, PATIENCE_S)


def test_chunks_keep_their_order() -> None:
    source = Source(200)
    assert list(read_ahead(source.chunks(), ByteBudget(), 100)) == [
        CHUNK + bytes([number]) for number in range(200)
    ]
    assert source.closed.wait(PATIENCE_S)


def test_reading_waits_for_the_sender() -> None:
    """The chunk after those that fit is read, and waits to be added."""
    chunks, source = 5, Source(100)
    sent = read_ahead(source.chunks(), ByteBudget(), chunks * (len(CHUNK) + 1))
    for taken in range(1, 20):
        next(sent)
        source.wait_until_read(taken + chunks + 1)
        assert source.read == taken + chunks + 1
    sent.close()
    assert source.closed.wait(PATIENCE_S)


@pytest.mark.parametrize("taken", [1, 3])
def test_reading_ends_before_the_response_does(taken: int) -> None:
    """Otherwise threads and connections of many responses that ended early would add up."""
    release = threading.Event()
    source = Source(5, read_after=(3, release))
    sent = read_ahead(source.chunks(), ByteBudget())
    for _ in range(taken):
        next(sent)
    source.wait_until_read(4)
    threading.Timer(0.2, release.set).start()
    sent.close()
    assert release.is_set()
    assert source.closed.is_set()
    assert "read-ahead" not in [thread.name for thread in threading.enumerate()]


def test_a_chunk_that_is_too_large_is_sent_alone() -> None:
    assert len(list(read_ahead(Source(5).chunks(), ByteBudget(), 1))) == 5


def test_an_error_is_raised_after_the_chunks_before_it() -> None:
    sent = read_ahead(Source(3, DataLoss("damaged")).chunks(), ByteBudget())
    assert [next(sent) for _ in range(3)] == [CHUNK + bytes([number]) for number in range(3)]
    with pytest.raises(DataLoss, match="damaged"):
        next(sent)


def test_responses_share_a_budget_and_give_it_back() -> None:
    """Without budget, one chunk waits and one is read; the first chunk needs none."""
    size_bytes = len(CHUNK) + 1
    budget = ByteBudget(3 * size_bytes)
    first, second = Source(100), Source(100)
    sent = read_ahead(first.chunks(), budget), read_ahead(second.chunks(), budget)
    next(sent[0])
    first.wait_until_read(6)  # one taken, one free, three of the budget, one in hand
    next(sent[1])
    second.wait_until_read(3)
    assert (first.read, second.read, budget.left_bytes) == (6, 3, 0)
    sent[0].close()
    assert budget.left_bytes == 3 * size_bytes
    next(sent[1])
    second.wait_until_read(7)
    assert len(list(sent[1])) == 98
    assert budget.left_bytes == 3 * size_bytes
