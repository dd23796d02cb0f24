"""When an estimate shows that a path is narrow, and when it only follows the stream."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from api.webrtc.congestion.estimate_trend import EARLY_S, EstimateTrend
from tests.api.webrtc.simulated_path import SimulatedPath, mean_bits_per_s, pictures

WIDE = SimulatedPath()
KEYFRAME_BYTES = {1.0: 60_000, 2.0: 60_000, 4.0: 120_000}
EVEN = [10_000] * (40 * 25)
NARROWS_AT_S = 20.0


def trend(*estimates: tuple[float, float]) -> EstimateTrend:
    """Return the trend after estimates, each at a time in s; feedback began at 0."""
    found = EstimateTrend()
    found.on_feedback(0.0)
    for now_s, bits_per_s in estimates:
        found.put(bits_per_s, now_s)
    return found


@pytest.mark.parametrize(
    ("estimates", "has_fallen", "is_held_down"),
    [
        ([(5.0, 100.0)], False, False),
        ([(5.0, 100.0), (5.5, 104.0), (6.0, 104.0)], False, False),
        ([(5.0, 100.0), (5.5, 98.0)], False, False),
        ([(5.0, 100.0), (5.5, 90.0), (6.0, 90.0), (9.0, 90.0)], True, True),
        ([(5.0, 100.0), (5.5, 90.0), (6.0, 92.0)], True, False),
        ([(5.0, 100.0), (5.5, 90.0), (5.6, 92.0), (5.7, 90.0), (5.9, 88.0)], True, True),
        ([(5.0, 100.0), (5.5, 80.0), (7.0, 93.0)], False, False),
        ([(EARLY_S - 0.1, 100.0)], True, True),
    ],
)
def test_a_low_estimate_counts_where_it_fell_and_does_not_rise(
    estimates: Sequence[tuple[float, float]], has_fallen: bool, is_held_down: bool
) -> None:
    found = trend(*estimates)
    assert (found.has_fallen, found.is_held_down) == (has_fallen, is_held_down)


def test_a_fall_says_nothing_about_another_stream() -> None:
    found = trend((5.0, 100.0), (5.5, 50.0))
    found.forget()
    found.put(50.0, 6.0)
    assert not found.has_fallen
    found.put(40.0, 6.5)
    assert found.has_fallen


@pytest.mark.parametrize("gop_s", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("factor", [3, 5, 8])
def test_motion_after_a_still_scene_reduces_no_viewer_on_a_wide_path(
    gop_s: float, factor: int
) -> None:
    for phase in range(0, round(25 * gop_s), 10):
        sizes = pictures(
            60,
            gop_s,
            KEYFRAME_BYTES[gop_s],
            1500,
            1500 * factor,
            lambda now_s: now_s % 30 >= 20,
            phase,
        )
        assert WIDE.reduced_s(sizes) is None, phase


@pytest.mark.parametrize("factor", [1.5, 3, 5, 8])
def test_an_even_stream_that_rises_reduces_no_viewer_on_a_wide_path(factor: float) -> None:
    assert WIDE.reduced_s([4000] * 500 + [round(4000 * factor)] * 1000) is None


@pytest.mark.parametrize(
    ("gop_s", "keyframe_bytes", "still_bytes"),
    [(1.0, 60_000, 3000), (2.0, 60_000, 1500), (2.0, 80_000, 8000), (4.0, 120_000, 2000)],
)
def test_opening_a_still_scene_reduces_no_viewer_on_a_wide_path(
    gop_s: float, keyframe_bytes: int, still_bytes: int
) -> None:
    for phase in range(0, round(25 * gop_s), 5):
        sizes = pictures(20, gop_s, keyframe_bytes, still_bytes, phase=phase)
        assert WIDE.reduced_s(sizes) is None, phase


@pytest.mark.parametrize("seed", range(6))
def test_streams_of_any_kind_reduce_no_viewer_on_a_wide_path_with_short_delays(seed: int) -> None:
    chosen = random.Random(seed)
    delays = [(chosen.uniform(1, 58), chosen.uniform(0.02, 0.3)) for _ in range(4)]
    still = chosen.randrange(300, 5000)
    motion = sorted(chosen.uniform(0, 60) for _ in range(4))
    sizes = pictures(
        60,
        chosen.choice([1.0, 2.0, 4.0]),
        chosen.randrange(20_000, 150_000),
        still,
        still * chosen.randrange(2, 9),
        lambda now_s: sum(now_s >= at_s for at_s in motion) % 2 == 1,
        chosen.randrange(100),
    )

    def more_delay_s(now_s: float) -> float:
        """Return the rest of a delay: what was held is delivered at once."""
        rests = [long_s - (now_s - at_s) for at_s, long_s in delays if now_s >= at_s]
        return max([0.0, *rests])

    assert SimulatedPath(more_delay_s=more_delay_s).reduced_s(sizes) is None


@pytest.mark.parametrize(
    ("part", "queue_s", "within_s"),
    [(0.8, 0.04, 1.5), (0.8, 0.5, 1.5), (0.4, 0.04, 1.5), (0.4, 0.5, 1.5), (0.9, 0.5, 2.0)],
)
def test_a_path_that_becomes_narrow_leads_to_the_sub_stream_soon(
    part: float, queue_s: float, within_s: float
) -> None:
    """The times are those of a rule that takes every low estimate as a narrow path."""
    rate = mean_bits_per_s(EVEN)
    path = SimulatedPath(lambda now_s: part * rate if now_s >= NARROWS_AT_S else 100e6, queue_s)
    reduced_s = path.reduced_s(EVEN)
    assert reduced_s is not None
    assert NARROWS_AT_S < reduced_s <= NARROWS_AT_S + within_s


@pytest.mark.parametrize(
    ("part", "queue_s", "within_s"),
    [(0.8, 0.04, 2.0), (0.8, 0.5, 3.5), (0.4, 0.04, 2.0), (0.4, 0.5, 2.0), (0.9, 0.5, 5.0)],
)
def test_a_path_that_is_narrow_from_the_start_leads_to_the_sub_stream_soon(
    part: float, queue_s: float, within_s: float
) -> None:
    rate = mean_bits_per_s(EVEN)
    reduced_s = SimulatedPath(lambda _: part * rate, queue_s).reduced_s(EVEN)
    assert reduced_s is not None
    assert reduced_s <= within_s


@pytest.mark.parametrize("part", [0.4, 0.8])
def test_a_narrow_path_of_a_stream_with_keyframes_leads_to_the_sub_stream(part: float) -> None:
    sizes = pictures(40, 2.0, 80_000, 8000, phase=7)
    rate = mean_bits_per_s(sizes)
    path = SimulatedPath(lambda now_s: part * rate if now_s >= NARROWS_AT_S else 100e6)
    reduced_s = path.reduced_s(sizes)
    assert reduced_s is not None
    assert NARROWS_AT_S < reduced_s <= NARROWS_AT_S + 2.0
