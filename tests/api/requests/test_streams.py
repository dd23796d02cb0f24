"""Chunks are taken together in order, and those before an error are not lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.requests.streams import TOGETHER_S, ChunkBatches
from domain.clock import ManualClock
from domain.errors import DataLoss

CHUNKS = [bytes([number]) * 10 for number in range(7)]


def batches_of(source: Iterator[bytes], together_bytes: int, clock: ManualClock) -> list[int]:
    """Return how many chunks each batch has, which together are CHUNKS."""
    batches = ChunkBatches(source, together_bytes, clock)
    found = list(iter(batches.next, []))
    assert [chunk for batch in found for chunk in batch] == CHUNKS
    assert batches.next() == []
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

    batches = ChunkBatches(damaged(), 20, ManualClock())
    assert [batches.next(), batches.next()] == [CHUNKS[:2], CHUNKS[2:3]]
    for _ in range(2):
        with pytest.raises(DataLoss, match="damaged"):
            batches.next()


def test_an_error_at_once_is_raised() -> None:
    def damaged() -> Iterator[bytes]:
        raise DataLoss("damaged")
        yield b""

    with pytest.raises(DataLoss, match="damaged"):
        ChunkBatches(damaged(), 20, ManualClock()).next()
