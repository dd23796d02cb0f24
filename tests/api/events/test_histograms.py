"""Histograms: round buckets that cover the range, and counts that agree with a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.events.histograms import MAX_BUCKETS, buckets_of
from domain.clock import MS_PER_HOUR, NS_PER_DAY
from domain.errors import QueryInvalid

if TYPE_CHECKING:
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

DAY = "from=2025-11-24T16:00:00Z&to=2025-11-25T16:00:00Z"


@given(st.integers(0, 10**13), st.integers(1, 10**12), st.integers(1, MAX_BUCKETS))
def test_round_buckets_hold_the_whole_range_and_are_few(
    from_ms: int, span_ms: int, most: int
) -> None:
    buckets = buckets_of(from_ms, from_ms + span_ms, None, most)
    assert 1 <= buckets.count <= most
    assert buckets.start_ms <= from_ms
    assert (
        buckets.start_ms + (buckets.count - 1) * buckets.width_ms
        < from_ms + span_ms
        <= buckets.start_ms + buckets.count * buckets.width_ms
    )
    if buckets.width_ms >= MS_PER_HOUR:
        assert buckets.start_ms % MS_PER_HOUR == buckets.width_ms % MS_PER_HOUR == 0, (
            "so that whole hours lie in one bucket"
        )


def test_too_many_buckets_are_refused_with_what_to_do() -> None:
    with pytest.raises(QueryInvalid, match="makes 8640000 buckets"):
        buckets_of(0, 8_640_000_000, 1, 60)


def test_a_day_by_hours(site: Site, make_event: MakeEvent) -> None:
    site.context.index.put_all(
        [make_event(at_s) for at_s in (0, 10, 3600, 7300)] + [make_event(20, "west-gate", None)]
    )
    answer = site.get(f"/v1/events/histogram?{DAY}&bucket_s=3600").json()
    assert answer == {
        "from": "2025-11-24T16:00:00.000Z",
        "to": "2025-11-25T16:00:00.000Z",
        "bucket_s": 3600,
        "counts": [3, 1, 1] + [0] * 21,
        "total": 5,
        "exact": True,
        "whole_from": None,
        "unanalysed": {
            "from": "2025-11-24T16:00:00.000Z",
            "to": "2025-11-25T16:00:00.000Z",
            "camera_count": 0,
            "missing_ms": 0,
            "cameras": [],
            "is_summary": False,
        },
    }
    for query, counts in {
        "kind=face": [1, 0, 0],
        "camera=west-gate": [1, 0, 0],
        "plate=鄂F8888?": [2, 1, 1],
        "min_confidence=0.95": [0] * 3,
    }.items():
        assert (
            site.get(f"/v1/events/histogram?{DAY}&bucket_s=3600&{query}").json()["counts"][:3]
            == counts
        ), query


def test_the_first_bucket_may_begin_before_and_counts_nothing_before(
    site: Site, make_event: MakeEvent
) -> None:
    site.context.index.put_all([make_event(0), make_event(60)])
    answer = site.get(
        "/v1/events/histogram?from=2025-11-24T16:00:30Z&to=2025-11-25T16:00:00Z&buckets=30"
    ).json()
    assert (answer["from"], answer["bucket_s"], answer["total"]) == (
        "2025-11-24T16:00:00.000Z",
        3600,
        1,
    )


def test_without_a_range_the_last_thirty_days_are_counted(
    site: Site, make_event: MakeEvent
) -> None:
    now_ns = site.context.clock.wall_ns() // 1_000_000 * 1_000_000
    started = now_ns - 40 * NS_PER_DAY
    site.context.index.put_all(
        [
            make_event((at_ns - make_event(0).started_at) / 1e9)
            for at_ns in (started, now_ns - 60 * 1_000_000_000)
        ]
    )
    assert site.get("/v1/events/histogram").json()["total"] == 1
