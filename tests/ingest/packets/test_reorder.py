"""Datagrams in any order leave in order, once each, and none waits for long."""

from __future__ import annotations

import struct
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ingest.packets.reorder import MAX_HELD, MAX_WAIT_S, Reorder


class Out:
    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.order = Reorder(self._take)

    def put(self, *numbers: int) -> None:
        for number in numbers:
            self.order.put(struct.pack(">BBHII", 0x80, 96, number & 0xFFFF, 0, 7) + b"x", 13)

    def _take(self, buffer: bytes | bytearray, start: int, stop: int) -> None:
        self.numbers.append(buffer[2] << 8 | buffer[3])


@given(
    st.integers(0, 0xFFFF), st.integers(1, 300), st.integers(1, MAX_HELD // 2), st.integers(0, 99)
)
def test_what_is_shuffled_within_the_window_comes_out_in_order(
    first: int, count: int, reach: int, seed: int
) -> None:
    random = Random(seed)
    places = sorted(range(1, count), key=lambda number: number + random.uniform(0, reach))
    out = Out()
    out.put(first, *(first + number for number in places))
    assert out.numbers == [first + number & 0xFFFF for number in range(count)]


@given(st.lists(st.integers(0, 0xFFFF), max_size=200))
def test_no_numbers_are_an_error_and_none_comes_out_twice_in_a_row(numbers: list[int]) -> None:
    out = Out()
    out.put(*numbers)
    out.order.flush()
    assert len(out.numbers) <= len(numbers)
    assert all(a != b for a, b in zip(out.numbers, out.numbers[1:], strict=False))


@given(st.sets(st.integers(1, 400)))
def test_what_is_lost_holds_nothing_up_for_long(lost: set[int]) -> None:
    out = Out()
    kept = [number for number in range(402) if number not in lost]
    out.put(*kept)
    out.order.expire(5.0)
    out.order.expire(5.0 + MAX_WAIT_S)
    assert out.numbers == kept


def test_one_that_is_late_or_comes_twice_is_dropped() -> None:
    out = Out()
    out.put(1, 2, 2, 1, 3, 0)
    assert out.numbers == [1, 2, 3]


def test_a_counter_that_begins_again_is_followed_at_once() -> None:
    out = Out()
    out.put(1, 2, 4, 30_000, 30_001)
    assert out.numbers == [1, 2, 4, 30_000, 30_001]


def test_what_is_no_rtp_is_passed_over() -> None:
    out = Out()
    out.order.put(b"short", 5)
    assert out.numbers == []
