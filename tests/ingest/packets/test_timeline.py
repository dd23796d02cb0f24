"""The wall time of packets is monotonic, near the true time, and spaced like the pictures, whatever
the network and the clocks do.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S
from domain.media.packets import WallSource
from ingest.packets.timeline import TRUST_NS, Timeline

START_NS = 1_760_000_000 * NS_PER_S
FRAME_NS = 40 * NS_PER_MS
seeds = st.integers(0, 2**32)


def play(
    timeline: Timeline,
    frames: int,
    delay_ns: Callable[[int], int] = lambda _: 0,
    first: int = 0,
    pts_from: int = 0,
    ppm: int = 0,
) -> list[tuple[int, int]]:
    """(wall, true time) of frames taken every 40 ms of our clock, by a camera whose counter
    runs `ppm` fast.
    """
    pairs = []
    for number in range(first, first + frames):
        taken_ns = START_NS + number * FRAME_NS
        pts_ns = pts_from + number * FRAME_NS * (1_000_000 + ppm) // 1_000_000
        pairs.append((timeline.wall_time(pts_ns, taken_ns + delay_ns(number)).wall_ns, taken_ns))
    return pairs


def is_monotonic(pairs: list[tuple[int, int]]) -> bool:
    walls = [wall for wall, _ in pairs]
    return all(a < b for a, b in pairwise(walls))


@given(seeds, st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_jitter_never_shows_as_more_than_a_little(seed: int, most_ms: int) -> None:
    rng = random.Random(seed)
    pairs = play(Timeline(), 500, lambda _: rng.randrange(most_ms * NS_PER_MS))
    assert is_monotonic(pairs)
    settled = pairs[250:]
    most_error_ns = 0.3 * most_ms * NS_PER_MS + 25 * NS_PER_MS
    assert all(abs(wall - taken) < most_error_ns for wall, taken in settled)
    steps = [b[0] - a[0] for a, b in pairwise(settled)]
    # An error of 20 ms is corrected by 2 % of the elapsed time, and a larger one in proportion.
    most_slew_ns = FRAME_NS * 0.02 * most_error_ns / (20 * NS_PER_MS)
    assert all(abs(step - FRAME_NS) <= most_slew_ns + 1 for step in steps)


@given(st.integers(-500, 500), seeds)
@settings(max_examples=30, deadline=None)
def test_a_counter_that_runs_fast_or_slow_is_followed(ppm: int, seed: int) -> None:
    rng = random.Random(seed)
    pairs = play(Timeline(), 5000, lambda _: rng.randrange(30 * NS_PER_MS), ppm=ppm)
    assert is_monotonic(pairs)
    assert all(abs(wall - taken) < 50 * NS_PER_MS for wall, taken in pairs[100:])


@given(st.integers(-40, 40) | st.integers(-(2**42), 2**42), seeds)
@settings(max_examples=40, deadline=None)
def test_jumps_and_wraps_of_the_counter_do_not_move_wall_time(by_s: int, seed: int) -> None:
    rng = random.Random(seed)
    timeline = Timeline()
    pairs = play(timeline, 200, lambda _: rng.randrange(30 * NS_PER_MS))
    pairs += play(
        timeline, 400, lambda _: rng.randrange(30 * NS_PER_MS), first=200, pts_from=by_s * NS_PER_S
    )
    assert is_monotonic(pairs)
    assert all(abs(wall - taken) < 100 * NS_PER_MS for wall, taken in pairs[-100:])


def test_packets_that_arrive_together_after_a_stall_keep_their_spacing() -> None:
    timeline = Timeline()
    pairs = play(timeline, 100)
    pairs += play(timeline, 100, lambda n: max(0, 3 * NS_PER_S - (n - 100) * FRAME_NS), first=100)
    assert is_monotonic(pairs)
    assert all(abs(wall - taken) < FRAME_NS for wall, taken in pairs)


def test_a_camera_that_paused_is_stepped_to_the_present() -> None:
    timeline = Timeline()
    play(timeline, 100)
    pairs = [
        (
            timeline.wall_time(
                number * FRAME_NS, START_NS + 10 * NS_PER_S + number * FRAME_NS
            ).wall_ns,
            START_NS + 10 * NS_PER_S + number * FRAME_NS,
        )
        for number in range(100, 400)
    ]
    assert is_monotonic(pairs)
    assert all(abs(wall - taken) < FRAME_NS for wall, taken in pairs[250:])


def read_each_second(number: int) -> int:
    """The time until a picture is read; some wait for 1.1 s."""
    waits_ns = (24 - number % 25) * FRAME_NS
    return waits_ns + (NS_PER_S // 10 if number // 25 % 3 == 1 else 0)


def test_what_is_read_once_a_second_keeps_its_spacing_and_is_no_silence() -> None:
    timeline = Timeline()
    play(timeline, 250)
    timeline.read_interval_ns = NS_PER_S
    pairs = play(timeline, 1000, first=250, delay_ns=read_each_second)
    assert timeline._silence is None
    assert {after - before for (before, _), (after, _) in pairwise(pairs)} == {FRAME_NS}
    assert all(abs(wall - taken) <= FRAME_NS for wall, taken in pairs)


def test_a_pause_is_noticed_where_packets_are_read_once_a_second() -> None:
    timeline = Timeline()
    timeline.read_interval_ns = NS_PER_S
    play(timeline, 250, delay_ns=read_each_second)
    pairs = play(timeline, 300, first=350, pts_from=-100 * FRAME_NS, delay_ns=read_each_second)
    assert is_monotonic(pairs)
    assert all(abs(wall - taken) <= 2 * FRAME_NS for wall, taken in pairs[100:])


def test_a_counter_that_leaps_between_two_reads_leaves_no_hole() -> None:
    timeline = Timeline()
    timeline.read_interval_ns = NS_PER_S
    play(timeline, 250, delay_ns=read_each_second)
    last_ns, received_ns = 249 * FRAME_NS, START_NS + 274 * FRAME_NS + NS_PER_S // 100
    assert timeline.expected_pts_ns(received_ns, FRAME_NS) == last_ns + FRAME_NS
    assert timeline.expected_pts_ns(received_ns + 3 * NS_PER_S, FRAME_NS) > last_ns + 2 * NS_PER_S


def test_a_burst_of_old_pictures_at_the_start_is_corrected_slowly() -> None:
    timeline = Timeline()
    burst = [
        (timeline.wall_time(n * FRAME_NS, START_NS + 50 * FRAME_NS).wall_ns, 0) for n in range(50)
    ]
    pairs = burst + play(timeline, 600, first=50)
    assert is_monotonic(pairs)
    assert all(abs(wall - taken) < 30 * NS_PER_MS for wall, taken in pairs[-50:])


@given(st.integers(-4900, 4900))
@settings(max_examples=40, deadline=None)
def test_the_change_to_the_senders_clock_never_goes_back(skew_ms: int) -> None:
    timeline = Timeline()
    pairs = play(timeline, 100)
    timeline.on_sender_report(100 * FRAME_NS, START_NS + 100 * FRAME_NS + skew_ms * NS_PER_MS)
    pairs += play(timeline, 900, first=100)
    assert is_monotonic(pairs)
    last = timeline.wall_time(1000 * FRAME_NS, START_NS + 1000 * FRAME_NS)
    assert last.source is WallSource.SENDER
    assert abs(last.wall_ns - (START_NS + 1000 * FRAME_NS + skew_ms * NS_PER_MS)) < 25 * NS_PER_MS
    assert timeline.skew_ns is not None
    assert abs(timeline.skew_ns - skew_ms * NS_PER_MS) < 5 * NS_PER_MS


@given(st.sampled_from([-1, 1]), st.integers(1, 10**9))
@settings(max_examples=20, deadline=None)
def test_a_senders_clock_far_from_ours_is_published_and_not_trusted(
    sign: int, more_ms: int
) -> None:
    timeline = Timeline()
    skew_ns = sign * (TRUST_NS + (more_ms + 100) * NS_PER_MS)
    play(timeline, 10)
    timeline.on_sender_report(10 * FRAME_NS, START_NS + 10 * FRAME_NS + skew_ns)
    pairs = play(timeline, 100, first=10)
    assert all(abs(wall - taken) < FRAME_NS for wall, taken in pairs)
    assert timeline.skew_ns is not None
    assert abs(timeline.skew_ns - skew_ns) < 5 * NS_PER_MS
    assert timeline.sender_wall_ns(10 * FRAME_NS) == START_NS + 10 * FRAME_NS + skew_ns


def test_pictures_out_of_order_keep_their_distances() -> None:
    timeline = Timeline()
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    walls = {
        n: timeline.wall_time(n * FRAME_NS, START_NS + at * FRAME_NS).wall_ns
        for at, n in enumerate(order)
    }
    in_order = [walls[n] for n in sorted(walls)]
    assert in_order == sorted(in_order)
    assert all(abs(b - a - FRAME_NS) <= FRAME_NS // 2 for a, b in pairwise(in_order))
