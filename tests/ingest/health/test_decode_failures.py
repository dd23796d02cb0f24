"""When failures of a decoder say that a camera's stream cannot be decoded."""

from __future__ import annotations

from ingest.health.decode_failures import (
    MAX_FAILURE_AGE_S,
    MIN_FAILING_S,
    MIN_FAILURES,
    DecodeFailures,
)
from ingest.health.freeze_detection import Moment


def at(seconds: float) -> Moment:
    return Moment(seconds, round(seconds * 1_000_000_000))


def test_failures_count_once_they_have_lasted_for_long_enough() -> None:
    failures = DecodeFailures()
    for second in range(5, 40):
        failures.failed(at(second))
        expected = at(5) if second - 5 >= MIN_FAILING_S else None
        assert failures.since(at(second)) == expected


def test_a_picture_ends_them() -> None:
    failures = DecodeFailures()
    for second in range(60):
        failures.failed(at(second))
    failures.decoded()
    assert failures.since(at(60)) is None
    failures.failed(at(61))
    assert failures.since(at(62)) is None


def test_a_camera_that_is_rarely_decoded_is_not_judged_by_one_damaged_picture_or_two() -> None:
    failures = DecodeFailures()
    for number in range(1, MIN_FAILURES + 1):
        failures.failed(at(60 * number))
        expected = at(60) if number >= MIN_FAILURES else None
        assert failures.since(at(60 * number + 1)) == expected


def test_failures_of_a_camera_that_is_not_decoded_any_more_lapse() -> None:
    failures = DecodeFailures()
    for second in range(31):
        failures.failed(at(second))
    assert failures.since(at(30 + MAX_FAILURE_AGE_S)) is not None
    assert failures.since(at(31 + MAX_FAILURE_AGE_S)) is None
