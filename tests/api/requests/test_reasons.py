"""Where the reason and the case of a request come from."""

from __future__ import annotations

import pytest

from api.requests.reasons import Purpose, purpose_of, require_reason
from domain.errors import QueryInvalid, ReasonMissing

BOUND = Purpose("theft", "2026-118")


@pytest.mark.parametrize(
    ("headers", "bound", "expected"),
    [
        ({}, Purpose(), Purpose()),
        ({}, BOUND, BOUND),
        ({"x-reason": "%E6%9F%A5"}, Purpose(), Purpose("查")),
        ({"x-reason": "a crash"}, BOUND, Purpose("a crash")),
        ({"x-reason": "a crash", "x-case": "7"}, BOUND, Purpose("a crash", "7")),
        ({"x-case": "7"}, BOUND, Purpose("theft", "7")),
        ({"x-reason": "  ", "x-case": ""}, BOUND, BOUND),
    ],
)
def test_headers_come_before_the_session(
    headers: dict[str, str], bound: Purpose, expected: Purpose
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert purpose_of(raw, bound) == expected


def test_a_reason_is_one_line_of_utf_8() -> None:
    for value in (b"%FF", b"a%0Ab", b"x" * 501):
        with pytest.raises(QueryInvalid, match="X-Reason"):
            purpose_of([(b"x-reason", value)], Purpose())


def test_a_purpose_without_a_reason_is_not_enough() -> None:
    require_reason(Purpose("theft"))
    with pytest.raises(ReasonMissing, match="X-Reason"):
        require_reason(Purpose(case="7"))
