"""Times, reasons and plates in parameters."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.requests.parameters import exact_plate
from api.requests.reasons import MAX_CHARACTERS, Purpose, decode_header, purpose_of, require_reason
from api.requests.times import parse_moment
from domain.clock import NS_PER_MS, NS_PER_S, rfc3339
from domain.errors import QueryInvalid, ReasonMissing

NOON_NS = 1_764_000_000 * NS_PER_S


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_round_trips(wall_ms: int) -> None:
    assert parse_moment(rfc3339(wall_ms * NS_PER_MS)) == wall_ms * NS_PER_MS


@pytest.mark.parametrize(
    "text",
    [
        "2025-11-24T16:00:00Z",
        "2025-11-25T00:00:00+08:00",
        "2025-11-25T00:00:00 08:00",
        " 2025-11-24T16:00:00.000Z",
    ],
)
def test_one_moment_is_written_in_many_ways(text: str) -> None:
    assert parse_moment(text) == NOON_NS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2025-11-24T16:00:00",
        "1764000000",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-08:00",
        "1969-12-31T23:59:59Z",
    ],
)
def test_an_invalid_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="2026-11-24T13:55:04Z"):
        parse_moment(text)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        assert parse_moment(text) >= 0
    except ValueError as error:
        assert "such as" in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("reason", ["theft 2026-118", "查找被盗车辆", "100% sure", "a%20b"])
def test_a_reason_may_be_raw_or_percent_encoded(reason: str) -> None:
    assert decode_header("X-Reason", quote(reason).encode()) == reason
    assert decode_header("X-Reason", reason.replace("%20", " ").encode()) == reason.replace(
        "%20", " "
    )


@pytest.mark.parametrize("raw", [None, b"", b"   ", b"%20"])
def test_no_reason_is_refused_where_one_is_required(raw: bytes | None) -> None:
    purpose = purpose_of([] if raw is None else [(b"x-reason", raw)], Purpose())
    assert purpose == Purpose()
    with pytest.raises(ReasonMissing, match="X-Reason"):
        require_reason(purpose)


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe", b"%ff", b"line%0abreak", b"x" * (MAX_CHARACTERS + 1), b"nul%00"]
)
def test_a_reason_must_be_one_line_of_text(raw: bytes) -> None:
    with pytest.raises(QueryInvalid, match="X-Reason"):
        decode_header("X-Reason", raw)


def test_a_journey_needs_a_whole_plate() -> None:
    assert exact_plate("鄂f·88888") == "鄂F88888"
    with pytest.raises(QueryInvalid, match="whole plate"):
        exact_plate("鄂F8888?")
