"""Token buckets by property and table, and the limits of an API that is really served."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.limits.rate_limits import BURST_S, OTHERS, PersonLimits, TokenBuckets
from domain.clock import ManualClock
from domain.errors import RateLimited
from domain.metrics import REQUESTS_LIMITED
from domain.people import Role
from domain.settings import Settings
from tests.adjusted_clock import AdjustedClock

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite


@given(
    rate_per_s=st.floats(0.1, 1_000),
    pauses_s=st.lists(st.floats(0, 20), min_size=1, max_size=200),
)
def test_no_more_pass_than_flow_in(rate_per_s: float, pauses_s: list[float]) -> None:
    clock = ManualClock()
    buckets = TokenBuckets(clock, rate_per_s)
    passed = 0
    for pause_s in pauses_s:
        clock.advance(pause_s)
        passed += buckets.take("a") == 0.0
    capacity = max(1.0, rate_per_s * BURST_S)
    assert 1 <= passed <= capacity + rate_per_s * sum(pauses_s) + 1e-6


@given(rate_per_s=st.floats(0.1, 1_000))
def test_a_request_after_the_stated_time_passes(rate_per_s: float) -> None:
    clock = ManualClock()
    buckets = TokenBuckets(clock, rate_per_s)
    while not (retry_after_s := buckets.take("a")):
        pass
    clock.advance(retry_after_s + 1e-6)
    assert buckets.take("a") == 0.0


def test_each_key_has_a_bucket_and_a_rate_of_0_is_no_limit() -> None:
    clock = ManualClock()
    buckets, unlimited = TokenBuckets(clock, 0.2), TokenBuckets(clock, 0.0)
    assert [bool(buckets.take(key)) for key in "aabb"] == [False, True, False, True]
    assert not any(unlimited.take("a") for _ in range(10_000))


def test_keys_beyond_the_bound_share_a_bucket_and_full_ones_are_forgotten() -> None:
    clock = ManualClock()
    buckets = TokenBuckets(clock, 0.2, max_keys=2)
    assert [bool(buckets.take(key)) for key in ("a", "b", "c", "d")] == [False, False, False, True]
    assert set(buckets._buckets) == {"a", "b", OTHERS}
    clock.advance(BURST_S)
    assert buckets.take("e") == 0.0
    assert "a" not in buckets._buckets


def test_full_buckets_are_looked_for_once_a_second_and_not_at_each_new_key() -> None:
    """A client with many addresses must not make each request cost as much as all buckets."""
    clock = ManualClock()
    buckets = _CountingBuckets(clock, 0.2, max_keys=1)
    for number in range(100):
        buckets.take(f"key {number}")
    assert buckets.searches == 1
    clock.advance(1.0)
    buckets.take("one more")
    assert buckets.searches == 2


class _CountingBuckets(TokenBuckets):
    searches = 0

    def _forget_full(self, now_s: float) -> None:
        self.searches += 1
        super()._forget_full(now_s)


@pytest.mark.parametrize("kind", ["stream", "query", "export"])
def test_a_person_has_a_bounded_number_of_slots(kind: str) -> None:
    limits = PersonLimits(ManualClock(), 0.0, max_streams=2, max_queries=2, max_exports=2)
    hold = getattr(limits, kind)
    with ExitStack() as first:
        first.enter_context(hold("ann"))
        with hold("ann"), pytest.raises(RateLimited, match="ann has 2 "):
            first.enter_context(hold("ann"))
        with hold("ann"), hold("bob"):
            pass
    with hold("ann"), hold("ann"):
        pass


def test_one_person_is_limited_and_another_is_not(open_site: OpenSite) -> None:
    clock = AdjustedClock()
    clock.hold()
    site = open_site(
        clock=clock, settings=Settings(address_requests_per_s=0, person_requests_per_s=1)
    )
    before = REQUESTS_LIMITED.labels("person")._value.get()
    answers = [site.get("/v1/session", Role.OPERATOR) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert answers[-1].json()["type"] == "urn:sightline:problem:rate_limited"
    assert answers[-1].headers["retry-after"] == "1"
    assert REQUESTS_LIMITED.labels("person")._value.get() == before + 1
    assert site.get("/v1/session", Role.AUDITOR).status_code == 200
    clock.advance(1.0)
    assert site.get("/v1/session", Role.OPERATOR).status_code == 200


def test_an_address_is_limited_before_its_token_is_read(open_site: OpenSite) -> None:
    clock = AdjustedClock()
    clock.hold()
    site = open_site(
        clock=clock, settings=Settings(address_requests_per_s=1, person_requests_per_s=0)
    )
    token = site.tokens[Role.OPERATOR]
    answers = [
        site.http.get(site.url + "/v1/session", headers={"Authorization": f"Bearer {text}"})
        for text in [token] * 5 + ["sl_unknown", token]
    ]
    assert [one.status_code for one in answers] == [200] * 5 + [429, 429]
    assert answers[-1].headers["retry-after"] == "1"
