"""The bit rate of a stream by the times of its pictures."""

from __future__ import annotations

import pytest

from api.webrtc.frame_history import KNOWN_AFTER_S, WINDOW_S, BitRate

START, INTERVAL, FPS = 1_760_000_000 * 90_000, 3600, 25


def put(rate: BitRate, first: int, count: int, size_bytes: int) -> None:
    for number in range(first, first + count):
        rate.put(START + INTERVAL * number, size_bytes)


def test_the_bit_rate_is_known_after_some_seconds() -> None:
    rate = BitRate()
    assert rate.bits_per_s == 0
    put(rate, 0, int(KNOWN_AFTER_S * FPS), 5000)
    assert rate.bits_per_s == 0
    put(rate, int(KNOWN_AFTER_S * FPS), 1, 5000)
    assert rate.bits_per_s == pytest.approx(1_000_000)


def test_keyframes_count_with_the_pictures_after_them() -> None:
    rate = BitRate()
    for number in range(10 * FPS):
        rate.put(START + INTERVAL * number, 29_000 if number % FPS == 0 else 1000)
        if number > WINDOW_S * FPS:
            assert rate.bits_per_s == pytest.approx(8 * (29_000 + 24 * 1000), rel=0.15)


def test_only_the_last_seconds_count() -> None:
    rate = BitRate()
    put(rate, 0, 10 * FPS, 50_000)
    put(rate, 10 * FPS, int(WINDOW_S * FPS) + 1, 5000)
    assert rate.bits_per_s == pytest.approx(1_000_000)


def test_a_timeline_that_begins_again_is_measured_again() -> None:
    rate = BitRate()
    put(rate, 100, 10 * FPS, 50_000)
    put(rate, 0, 1, 5000)
    assert rate.bits_per_s == 0
    put(rate, 1, 3 * FPS, 5000)
    assert rate.bits_per_s == pytest.approx(1_000_000)
