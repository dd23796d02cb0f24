"""Bloom filters never say no to what they hold, and seldom maybe to what they do not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from storage.archive.bloom import BLOCK_BYTES, SLICES, bloom_of, interleaved, may_hold, parted


def asked(filters: list[bytes], keys: Iterable[str]) -> NDArray[np.bool_]:
    data = interleaved(filters)
    size = len(data) // SLICES
    return may_hold(
        lambda number: data[number * size : (number + 1) * size],
        [len(one) // BLOCK_BYTES for one in filters],
        keys,
    )


@given(st.lists(st.sets(st.text(max_size=6), max_size=40), min_size=1, max_size=4))
def test_what_is_in_a_filter_is_found_in_it(sets: list[set[str]]) -> None:
    filters = [bloom_of(keys) for keys in sets]
    for number, keys in enumerate(sets):
        assert all(asked(filters, [key])[number] for key in keys)
    assert not asked(filters, []).any()


@given(st.lists(st.integers(0, 9000), max_size=4))
def test_filters_of_unequal_size_come_apart_as_they_were(counts: list[int]) -> None:
    filters = [bloom_of(f"{count} {n}" for n in range(count)) if count else b"" for count in counts]
    assert parted(interleaved(filters), [len(one) // BLOCK_BYTES for one in filters]) == filters


def test_what_is_not_in_it_is_seldom_taken_for_it() -> None:
    filters = [bloom_of(f"in {n}" for n in range(50_000)), bloom_of([])]
    wrong = sum(asked(filters, [f"out {n}"])[0] for n in range(40_000))
    assert 0 < wrong < 40_000 * 0.0005
    assert not asked(filters, ["in 1"])[1]


def test_a_filter_that_is_not_known_may_hold_anything() -> None:
    assert list(asked([b"", bloom_of(["a"]), b""], ["b"])) == [True, False, True]
    assert list(asked([b""], ["b"])) == [True]
