"""Clocks at the wrong rate are detected and corrected; right ones are not changed."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S
from ingest.packets.clock_rate import WINDOW_NS, ClockRate

START_NS = 1_760_000_000 * NS_PER_S
FRAME_NS = 40 * NS_PER_MS
FOUND_FRAMES = 5 * WINDOW_NS // FRAME_NS
"""Four windows give three slopes; the first one may begin late."""
seeds = st.integers(0, 2**32)


@given(
    st.sampled_from([0.1, 0.5, 25 / 30, 30 / 25, 2.0, 4.0])
    | st.floats(0.1, 0.9)
    | st.floats(1.1, 5.0),
    st.integers(1, 300),
    seeds,
)
@settings(max_examples=40, deadline=None)
def test_a_counter_at_the_wrong_speed_runs_as_fast_as_time_within_twenty_seconds(
    speed: float, jitter_ms: int, seed: int
) -> None:
    rng, clock_rate = random.Random(seed), ClockRate()
    given_ns = [
        clock_rate.correct(
            round(number * FRAME_NS * speed),
            START_NS + number * FRAME_NS + rng.randrange(jitter_ms * NS_PER_MS),
        )
        for number in range(3 * FOUND_FRAMES)
    ]
    assert all(a < b for a, b in pairwise(given_ns))
    settled = given_ns[FOUND_FRAMES:]
    assert (settled[-1] - settled[0]) / ((len(settled) - 1) * FRAME_NS) == pytest.approx(
        1.0, abs=0.04
    )
    assert clock_rate.speed == pytest.approx(speed, rel=0.04)


@given(st.integers(-500, 500), st.integers(1, 300), seeds)
@settings(max_examples=30, deadline=None)
def test_a_counter_that_drifts_is_left_alone_whatever_the_network_does(
    ppm: int, jitter_ms: int, seed: int
) -> None:
    """Jitter, and every ten seconds a stall of three seconds whose packets arrive together."""
    rng, clock_rate = random.Random(seed), ClockRate()
    for number in range(3000):
        stall_frames = max(0, 75 - number % 250)
        pts_ns = number * FRAME_NS * (1_000_000 + ppm) // 1_000_000
        assert (
            clock_rate.correct(
                pts_ns,
                START_NS
                + (number + stall_frames) * FRAME_NS
                + rng.randrange(jitter_ms * NS_PER_MS),
            )
            == pts_ns
        )
    assert clock_rate.speed == 1.0


@given(st.integers(1, 10), st.integers(1, 300), seeds)
@settings(max_examples=20, deadline=None)
def test_a_camera_of_few_frames_is_left_alone_too(fps: int, jitter_ms: int, seed: int) -> None:
    rng, clock_rate = random.Random(seed), ClockRate()
    for number in range(100 * fps):
        pts_ns = number * NS_PER_S // fps
        assert (
            clock_rate.correct(pts_ns, START_NS + pts_ns + rng.randrange(jitter_ms * NS_PER_MS))
            == pts_ns
        )


def test_a_counter_that_stands_still_is_replaced_by_when_packets_come_after_a_second() -> None:
    """The packets are read three at a time; for 20 s none arrive."""
    clock_rate = ClockRate()
    given_ns = []
    for number in range(1000):
        taken_ns = START_NS + number * FRAME_NS + (20 * NS_PER_S if number >= 600 else 0)
        given_ns.append((clock_rate.correct(77, taken_ns - taken_ns % (3 * FRAME_NS)), taken_ns))
    assert clock_rate.speed == 0
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(given_ns[30:])]
    assert all(step > 0 for step, _ in steps)
    assert sum(step for step, _ in steps) == pytest.approx(
        sum(real for _, real in steps), abs=4 * FRAME_NS
    )
    assert max(steps)[0] == pytest.approx(20 * NS_PER_S, abs=5 * FRAME_NS), (
        "the hole stays a hole, in one piece"
    )
    assert sum(step > 3 * FRAME_NS for step, _ in steps) == 1


def test_a_counter_that_is_mended_is_believed_again() -> None:
    clock_rate, pts_ns = ClockRate(), 0
    for number in range(4 * FOUND_FRAMES):
        pts_ns += FRAME_NS * (2 if number < 2 * FOUND_FRAMES else 1)
        clock_rate.correct(pts_ns, START_NS + number * FRAME_NS)
    assert clock_rate.speed == 1.0
