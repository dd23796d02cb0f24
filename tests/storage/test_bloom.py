"""Bloom filters never say no to what they hold, and seldom maybe to what they do not."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.bloom import BLOCK_BYTES, Blooms, bloom_of


def asked(*filters: bytes) -> Blooms:
    return Blooms(np.frombuffer(b"".join(filters), np.uint8), [len(one) // BLOCK_BYTES for one in filters])


@given(st.lists(st.sets(st.text(max_size=6), max_size=40), min_size=1, max_size=4))
def test_what_is_in_a_filter_is_found_in_it(sets: list[set[str]]) -> None:
    blooms = asked(*(bloom_of(keys) for keys in sets))
    for number, keys in enumerate(sets):
        assert all(blooms.may_hold([key])[number] for key in keys)
    assert not blooms.may_hold([]).any()


def test_what_is_not_in_it_is_seldom_taken_for_it() -> None:
    blooms = asked(bloom_of(f"in {n}" for n in range(50_000)), bloom_of([]))
    wrong = sum(blooms.may_hold([f"out {n}"])[0] for n in range(20_000))
    assert 0 < wrong < 20_000 * 0.004
    assert not blooms.may_hold(["in 1"])[1]
