"""The states of a camera, by the facts that lead to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.camera_states import CameraState, Why
from domain.clock import NS_PER_DAY, NS_PER_S
from domain.errors import (
    SourceError,
    SourceNoVideo,
    SourceRejected,
    SourceTimeout,
    SourceUnreachable,
    SourceUnsupported,
)
from ingest.health.decode_failures import DecodeFailures
from ingest.health.freeze_detection import Moment
from ingest.health.health import CLOCK_RIGHT_NS, CLOCK_WRONG_NS, NO_KEYFRAME_S, CameraHealth

START_NS = 1_760_000_000 * NS_PER_S


def at(seconds: float) -> Moment:
    return Moment(seconds, START_NS + round(seconds * NS_PER_S))


def keyframe(
    health: CameraHealth, seconds: float, number: int | None = None, between_bytes: int = 5000
) -> None:
    """One a second, each of its own but for those of the same `number`, with 25 packets between."""
    data = (
        b"\0\0\1\x65"
        + (number if number is not None else round(seconds * 1000) + 7).to_bytes(4, "big") * 100
    )
    health.keyframe(
        "h264", data, round(seconds) * 25, round(seconds) * (between_bytes + len(data)), at(seconds)
    )


def live(health: CameraHealth, first: int, last: int) -> None:
    for second in range(first, last):
        keyframe(health, second)


def connected() -> CameraHealth:
    health = CameraHealth(at(0))
    health.connecting(at(0))
    return health


def test_from_connecting_to_live() -> None:
    health = CameraHealth(at(0))
    assert health.status(at(5)).state is CameraState.CONNECTING
    health.connecting(at(5))
    keyframe(health, 6)
    standing = health.status(at(7))
    assert (standing.state, standing.since_ns, standing.last_error) == (
        CameraState.LIVE,
        at(6).ns,
        "",
    )


@pytest.mark.parametrize(
    ("error", "state", "why"),
    [
        (SourceUnreachable("refused", Why.REFUSED), CameraState.UNREACHABLE, Why.REFUSED),
        (SourceUnreachable("broke"), CameraState.UNREACHABLE, Why.FAILED),
        (SourceTimeout("silent"), CameraState.UNREACHABLE, Why.SILENT),
        (SourceRejected("401"), CameraState.WRONG_PASSWORD, Why.LOGIN),
        (SourceNoVideo("sound"), CameraState.NO_VIDEO, Why.NO_VIDEO),
        (SourceUnsupported("mjpeg"), CameraState.CODEC_UNSUPPORTED, Why.CODEC),
    ],
)
def test_a_failure_stays_during_retries_and_its_error_remains_after_them(
    error: SourceError, state: CameraState, why: Why
) -> None:
    health = connected()
    live(health, 1, 5)
    health.failed(error, at(5))
    health.connecting(at(6))
    health.failed(error, at(7))
    health.connecting(at(8))
    standing = health.status(at(9))
    assert (standing.state, standing.why, standing.last_error) == (state, why, str(error))
    assert (standing.since_ns, standing.last_error_ns) == (at(5).ns, at(7).ns)
    live(health, 10, 12)
    standing = health.status(at(12))
    assert (standing.state, standing.since_ns) == (CameraState.LIVE, at(10).ns)
    assert (standing.last_error, standing.last_error_ns) == (str(error), at(7).ns)


def test_packets_without_a_keyframe_from_the_start_are_of_no_use() -> None:
    health = connected()
    assert health.status(at(NO_KEYFRAME_S + 5)).state is CameraState.CONNECTING, (
        "nothing was received"
    )
    health.no_usable_keyframe()
    standing = health.status(at(NO_KEYFRAME_S + 5))
    assert (standing.state, standing.since_ns) == (CameraState.NO_KEYFRAMES, at(NO_KEYFRAME_S).ns)
    live(health, 30, 33)
    standing = health.status(at(33))
    assert (standing.state, standing.since_ns) == (CameraState.LIVE, at(30).ns)


def test_a_keyframe_a_minute_is_live_with_a_warning_that_stays_until_they_come_sooner() -> None:
    health = connected()
    keyframe(health, 1)
    assert health.status(at(1 + NO_KEYFRAME_S)).state is CameraState.LIVE
    for second in (61, 121, 181):
        standing = health.status(at(second - 1))
        assert standing.state is CameraState.SPARSE_KEYFRAMES
        assert (standing.since_ns, standing.why) == (at(21).ns, Why.SPARSE_KEYFRAMES)
        assert standing.state.is_live
        assert not standing.state.is_down
        keyframe(health, second)
    standing = health.status(at(182))
    assert (standing.state, standing.since_ns) == (CameraState.SPARSE_KEYFRAMES, at(21).ns)
    assert "60 s apart" in standing.last_error
    assert "GOP" in standing.last_error
    live(health, 183, 185)
    standing = health.status(at(185))
    assert (standing.state, standing.since_ns) == (CameraState.LIVE, at(183).ns)


def test_a_new_connection_measures_keyframes_again() -> None:
    health = connected()
    keyframe(health, 1)
    keyframe(health, 61)
    health.failed(SourceUnreachable("gone"), at(62))
    assert health.status(at(63)).state is CameraState.UNREACHABLE
    health.connecting(at(70))
    keyframe(health, 95)
    assert health.status(at(96)).state is CameraState.LIVE


@pytest.mark.parametrize(
    ("lacking", "part"), [("SPS, PPS", "without their parameter sets (SPS, PPS"), ("", "be read")]
)
def test_keyframes_that_no_parameter_sets_describe_are_a_state_of_their_own(
    lacking: str, part: str
) -> None:
    health = connected()
    health.no_usable_keyframe(3, lacking)
    assert health.status(at(NO_KEYFRAME_S)).state is CameraState.CONNECTING
    standing = health.status(at(NO_KEYFRAME_S + 5))
    assert (standing.state, standing.why) == (
        CameraState.NO_PARAMETER_SETS,
        Why.NO_PARAMETER_SETS,
    )
    assert standing.since_ns == at(NO_KEYFRAME_S).ns
    assert part in standing.last_error
    assert "GOP" not in standing.last_error
    assert standing.state.is_down
    keyframe(health, 30)
    assert health.status(at(31)).state is CameraState.LIVE


def test_pictures_that_cannot_be_decoded_are_a_state_until_one_can() -> None:
    failures = DecodeFailures()
    health = CameraHealth(at(0), failures)
    health.connecting(at(0))
    for second in range(1, 40):
        keyframe(health, second)
        failures.failed(at(second))
    standing = health.status(at(40))
    assert (standing.state, standing.since_ns) == (CameraState.UNDECODABLE, at(1).ns)
    assert standing.why is Why.UNDECODABLE
    assert not standing.state.is_live
    assert standing.state.is_down
    failures.decoded()
    assert health.status(at(41)).state is CameraState.LIVE


def test_a_frozen_picture_is_reported_from_its_freeze_until_it_moves() -> None:
    health = connected()
    live(health, 1, 10)
    for second in range(10, 25):
        keyframe(health, second, number=5, between_bytes=500)
    standing = health.status(at(25))
    assert (standing.state, standing.why) == (CameraState.FROZEN, Why.FROZEN)
    assert at(10).ns <= standing.since_ns <= at(11).ns
    live(health, 25, 27)
    standing = health.status(at(27))
    assert (standing.state, standing.since_ns) == (CameraState.LIVE, at(25).ns)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_wrong_clock_is_a_state_of_a_live_camera_and_does_not_go_to_and_fro(sign: int) -> None:
    health = connected()
    live(health, 1, 10)
    health.skewed(sign * (CLOCK_WRONG_NS + 1), at(10))
    standing = health.status(at(11))
    assert (standing.state, standing.since_ns, standing.why) == (
        CameraState.CLOCK_WRONG,
        at(10).ns,
        Why.CLOCK,
    )
    assert standing.state.is_live
    health.skewed(sign * (CLOCK_WRONG_NS - 1), at(12))
    assert health.status(at(12)).state is CameraState.CLOCK_WRONG
    health.skewed(sign * (CLOCK_RIGHT_NS - 1), at(13))
    assert (health.status(at(14)).state, health.status(at(14)).since_ns) == (
        CameraState.LIVE,
        at(13).ns,
    )


def test_how_far_the_clock_is_off_is_reported_in_words() -> None:
    health = connected()
    keyframe(health, 1)
    health.skewed(-(2 * 3600 + 180) * NS_PER_S, at(1))
    assert "2 h 3 min behind this node's" in health.status(at(2)).last_error
    health.skewed(400 * NS_PER_DAY, at(1))
    assert "400 d ahead of this node's" in health.status(at(2)).last_error


def test_without_reports_of_this_connection_the_skew_is_unknown() -> None:
    health = connected()
    health.skewed(60 * NS_PER_S, at(1))
    keyframe(health, 2)
    health.failed(SourceUnreachable("gone"), at(3))
    health.connecting(at(4))
    keyframe(health, 5)
    assert health.skew_ns is None
    assert health.status(at(6)).state is CameraState.LIVE


NAMES = [
    "connecting",
    "keyframe",
    "same",
    "failed",
    "skewed",
    "no_usable_keyframe",
    "unreadable",
    "undecodable",
    "idle",
    "requested",
]
NEEDS_A_REASON = (CameraState.FROZEN, CameraState.CLOCK_WRONG, CameraState.SPARSE_KEYFRAMES)
FACTS = st.lists(st.tuples(st.sampled_from(NAMES), st.floats(0, 30)))


@given(FACTS)
def test_for_any_facts_the_state_began_no_later_than_now_and_no_earlier_than_the_first_fact(
    facts: list[tuple[str, float]],
) -> None:
    failures = DecodeFailures()
    health, now_s = CameraHealth(at(0), failures), 0.0
    for fact, pause_s in facts:
        now_s += pause_s
        if fact in ("keyframe", "same"):
            keyframe(health, now_s, number=1 if fact == "same" else None)
        elif fact == "failed":
            health.failed(SourceRejected("401"), at(now_s))
        elif fact == "skewed":
            health.skewed(round(now_s) * NS_PER_S, at(now_s))
        elif fact == "no_usable_keyframe":
            health.no_usable_keyframe()
        elif fact == "unreadable":
            health.no_usable_keyframe(1)
        elif fact == "undecodable":
            failures.failed(at(now_s))
        else:
            {"connecting": health.connecting, "idle": health.idle, "requested": health.requested}[
                fact
            ](at(now_s))
        standing = health.status(at(now_s))
        assert START_NS <= standing.since_ns <= at(now_s).ns
        assert standing.last_error_ns <= at(now_s).ns
        if standing.state.is_down or standing.state in NEEDS_A_REASON:
            assert standing.last_error
