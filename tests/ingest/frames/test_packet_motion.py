"""Motion by packet sizes: synthetic streams by table and property, and a scene that is really
encoded.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from ingest.frames.packet_motion import LEARN_WINDOWS, WINDOW_NS, MotionSink, PacketMotion
from tests.recorded import Material, packets_of

QUIET_S, FPS = 60, 25


def stream(
    seconds: float, size_bytes: float, noise: float, gop: int, b_frames: int, seed: int
) -> Iterator[tuple[int, bool]]:
    """Sizes and keyframes of a camera whose inter frames are of `size_bytes`, give or take
    `noise` of that; B-frames a third of it.
    """
    drawn = random.Random(seed)
    for number in range(round(seconds * FPS)):
        is_keyframe = number % gop == 0
        times = 12.0 if is_keyframe else 0.33 if b_frames and number % (b_frames + 1) else 1.0
        yield max(1, round(size_bytes * times * max(0.1, drawn.gauss(1, noise)))), is_keyframe


def answers(parts: Sequence[Iterator[tuple[int, bool]]]) -> list[list[bool]]:
    """What a detector says during each part, one after the other."""
    motion, number, found = PacketMotion(), 0, list[list[bool]]()
    for part in parts:
        found.append([])
        for size_bytes, is_keyframe in part:
            said = motion.put(number * NS_PER_S // FPS, size_bytes, is_keyframe)
            number += 1
            if said is not None:
                found[-1].append(said)
    return found


@pytest.mark.parametrize("gop", [12, 50, 250])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize(
    ("size_bytes", "noise"), [(150, 0.3), (2_000, 0.15), (20_000, 0.1), (20_000, 0.4)]
)
def test_something_passes_a_still_scene(
    gop: int, b_frames: int, size_bytes: int, noise: float
) -> None:
    def shape(seconds: float, times: float, seed: int) -> Iterator[tuple[int, bool]]:
        return stream(seconds, size_bytes * times, noise, gop, b_frames, seed)

    still, passing, after = answers([shape(QUIET_S, 1, 1), shape(4, 3.5, 2), shape(QUIET_S, 1, 3)])
    assert sum(still[20:]) <= 5, "false alarms after the first seconds, in a hundred half seconds"
    assert sum(passing) >= 5, "of eight half seconds"
    assert sum(after[2:]) <= 5


@given(
    seed=st.integers(0, 1 << 30),
    noise=st.floats(0.02, 0.25),
    size_bytes=st.integers(200, 60_000),
    times=st.floats(3, 50),
)
@settings(max_examples=40, deadline=None)
def test_three_times_the_bytes_are_motion_whatever_the_scene(
    seed: int, noise: float, size_bytes: int, times: float
) -> None:
    quiet, loud = answers(
        [
            stream(30, size_bytes, noise, 50, 0, seed),
            stream(3, size_bytes * times, noise, 50, 0, seed + 1),
        ]
    )
    assert sum(quiet[LEARN_WINDOWS:]) <= len(quiet) // 10
    assert any(loud[:3])


@given(
    st.lists(
        st.tuples(st.integers(-(1 << 40), 1 << 40), st.integers(0, 1 << 24), st.booleans()),
        max_size=300,
    )
)
def test_no_packets_make_it_fail(packets: list[tuple[int, int, bool]]) -> None:
    motion = PacketMotion()
    for at_ns, size_bytes, is_keyframe in packets:
        assert motion.put(at_ns, size_bytes, is_keyframe) in (None, True, False)


def after_keyframes(seconds: float, seed: int, times: float = 1.0) -> Iterator[tuple[int, bool]]:
    """What an encoder makes of steady noise: several times as much after a keyframe, less and
    less until the next.
    """
    for number, (size_bytes, is_keyframe) in enumerate(stream(seconds, 2_000, 0.1, 50, 0, seed)):
        yield (
            round(size_bytes * times * (1 if is_keyframe else 1 + 4 * 0.9 ** (number % 50))),
            is_keyframe,
        )


def test_noise_that_costs_more_after_keyframes_is_no_motion_once_that_is_learned() -> None:
    learning, still, passing, after = answers(
        [
            after_keyframes(40, 1),
            after_keyframes(60, 2),
            after_keyframes(2, 3, 3),
            after_keyframes(60, 4),
        ]
    )
    assert any(learning), "as long as it is not known"
    assert sum(still) <= 2
    assert sum(passing) >= 3, "of four half seconds"
    assert sum(after[1:]) <= 2


@pytest.mark.parametrize("times", [3, 8])
def test_what_surges_is_known_before_its_half_second_is_over(times: float) -> None:
    motion, number, surged = PacketMotion(), 0, list[int]()
    loud_from = 60 * FPS + 2
    for part in (after_keyframes(60, 1), after_keyframes(1, 2, times)):
        for size_bytes, is_keyframe in part:
            motion.put(number * NS_PER_S // FPS, size_bytes, is_keyframe)
            if motion.surges and number >= 40 * FPS:
                surged.append(number)
            number += 1
    assert surged, "it is reported"
    assert 0 <= surged[0] - loud_from < round(WINDOW_NS * FPS / NS_PER_S) - 2
    assert motion.lasted_ns < WINDOW_NS


def test_a_slow_dusk_is_no_motion() -> None:
    """Noise grows fivefold over an hour."""
    parts = [stream(60, 1_000 * 5 ** (minute / 60), 0.1, 50, 0, minute) for minute in range(60)]
    assert sum(sum(part) for part in answers(parts)[1:]) <= 20


def test_a_stream_of_keyframes_alone_says_nothing() -> None:
    assert answers([stream(30, 20_000, 0.1, 1, 0, 1)]) == [[]]


def test_a_walker_in_an_encoded_scene_is_seen() -> None:
    """Half a minute of camera noise by libx264 at constant quality; from 15 to 20 s a figure of
    3 % of the picture walks through it.
    """
    said = _encoded_scene(walks=lambda second: 15 <= second < 20)
    assert sum(1 for second, moves in said if moves and 15 <= second < 20.5) >= 8
    assert not [second for second, moves in said if moves and not 14.5 <= second < 21.5]


def _encoded_scene(walks: object) -> list[tuple[float, bool]]:
    assert callable(walks)
    drawn = np.random.default_rng(7)
    context = av.VideoCodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 320, 180, "yuv420p"
    context.framerate = Fraction(FPS)
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "crf": "26", "g": "50"}
    background = drawn.integers(40, 200, (180, 320)).astype(np.float64)
    background = (np.roll(background, 1, 0) + np.roll(background, 1, 1) + background) / 3
    motion, said = PacketMotion(), list[tuple[float, bool]]()
    for number in range(30 * FPS):
        second = number / FPS
        picture = background + drawn.normal(0, 2, background.shape)
        if walks(second):
            left = round((second - 15) / 5 * 270)
            picture[60:120, left : left + 28] = 230
        frame = av.VideoFrame.from_ndarray(
            np.clip(picture, 0, 255).astype(np.uint8), "gray"
        ).reformat(format="yuv420p")
        frame.pts = number
        for packet in context.encode(frame):
            answer = motion.put(number * NS_PER_S // FPS, packet.size, packet.is_keyframe)
            if answer is not None:
                said.append((second, answer))
    return said


def test_the_sink_reports_wall_times_of_motion_and_restarts_with_a_session() -> None:
    moved: list[tuple[int, int]] = []
    sink = MotionSink(lambda from_ns, to_ns: moved.append((from_ns, to_ns)))
    packets = packets_of(Material(length=25 * 12))
    small = [replace(packet, data=b"\0" * 900) for packet in packets]
    large = [
        replace(packet, data=b"\0" * 9000) if at >= 25 * 10 else small[at]
        for at, packet in enumerate(packets)
    ]
    for packet in large:
        sink.put(packet)
    assert moved
    assert moved[0][0] >= packets[25 * 10].wall_ns - 2 * WINDOW_NS
    assert all(end - start == WINDOW_NS for start, end in moved)
    assert all(before[0] < after[0] for before, after in pairwise(moved))
    moved.clear()
    for packet in large[-50:]:
        sink.put(replace(packet, stream=replace(packet.stream, session=2)))
    assert moved == []
