"""Delays after failed sign-ins: they grow by place, end, and lock no other person out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.clock import ManualClock
from storage.clients.redis import Redis, connect
from storage.sign_in.attempts import (
    ALARM_FAILURES,
    ALARM_MINUTES,
    LONGEST_DELAY_S,
    SignInAttempts,
    attempt_places,
)

OFFICE, HOME = "10.1.2.3", "10.9.9.9"


@pytest.fixture
def attempts(redis: Redis, clock: ManualClock) -> SignInAttempts:
    return SignInAttempts(redis, clock)


def _waits(
    attempts: SignInAttempts, clock: ManualClock, number: int, person: str = "li.wei"
) -> list[float]:
    """Fail so often, each time as soon as it is allowed; return the delays before each attempt."""
    waits = []
    for _ in range(number):
        wait_s = attempts.begin(attempt_places(person, OFFICE, None))
        if wait_s:
            clock.advance(wait_s)
            assert attempts.begin(attempt_places(person, OFFICE, None)) == 0
        waits.append(wait_s)
    return waits


def test_delays_double_and_have_an_end(attempts: SignInAttempts, clock: ManualClock) -> None:
    assert _waits(attempts, clock, 10) == [0, 0, 0, 0, 0, 0, 1, 2, 4, 8]
    assert max(_waits(attempts, clock, 12)) == LONGEST_DELAY_S


def test_an_attempt_during_a_delay_is_refused_and_makes_it_no_longer(
    attempts: SignInAttempts, clock: ManualClock
) -> None:
    _waits(attempts, clock, 8)
    places = attempt_places("li.wei", OFFICE, None)
    waits = [attempts.begin(places) for _ in range(50)]
    assert set(waits) == {4}
    clock.advance(4)
    assert attempts.begin(places) == 0


def test_other_people_addresses_and_known_browsers_are_not_delayed(
    attempts: SignInAttempts, clock: ManualClock
) -> None:
    _waits(attempts, clock, 12)
    assert attempts.begin(attempt_places("li.wei", OFFICE, None)) > 0, "the positive control"
    assert attempts.begin(attempt_places("wang.fang", OFFICE, None)) == 0
    assert attempts.begin(attempt_places("li.wei", HOME, None)) == 0
    assert attempts.begin(attempt_places("li.wei", OFFICE, "device")) == 0


def test_many_names_from_one_address_are_delayed(
    attempts: SignInAttempts, clock: ManualClock
) -> None:
    waits = [attempts.begin(attempt_places(f"person-{n}", OFFICE, None)) for n in range(40)]
    assert waits[:31] == [0] * 31
    assert all(wait_s > 0 for wait_s in waits[31:])
    assert attempts.begin(attempt_places("person-1", HOME, None)) == 0
    assert attempts.begin(attempt_places("person-1", OFFICE, "device")) == 0


def test_a_known_browser_has_a_delay_of_its_own(
    attempts: SignInAttempts, clock: ManualClock
) -> None:
    places = attempt_places("li.wei", OFFICE, "device")
    assert [attempts.begin(places) for _ in range(12)] == [0] * 11 + [1]
    assert attempts.begin(attempt_places("li.wei", OFFICE, None)) == 0


def test_a_success_forgets_the_failures_of_the_person_but_not_of_the_address(
    attempts: SignInAttempts, clock: ManualClock
) -> None:
    """An attacker with an account of the own cannot clear the address by signing in."""
    for number in range(29):
        attempts.begin(attempt_places(f"person-{number}", OFFICE, None))
    own = attempt_places("attacker", OFFICE, None)
    for _ in range(3):
        assert attempts.begin(own) == 0
        attempts.succeed(own)
    assert attempts.begin(attempt_places("person-30", OFFICE, None)) == 0
    assert attempts.begin(attempt_places("person-31", OFFICE, None)) == 0
    assert attempts.begin(attempt_places("person-32", OFFICE, None)) == 1
    _waits(attempts, clock, 8, "li.wei")
    places = attempt_places("li.wei", OFFICE, None)
    clock.advance(attempts.begin(places))
    attempts.succeed(places)
    clock.advance(LONGEST_DELAY_S)
    assert attempts.begin(places[:1]) == 0
    assert attempts.begin(places[:1]) == 0


def test_failures_are_forgotten_after_a_day(
    attempts: SignInAttempts, redis: Redis, clock: ManualClock
) -> None:
    places = attempt_places("li.wei", OFFICE, None)
    attempts.begin(places)
    for place in places:
        left = redis.do("PTTL", place.key)
        assert isinstance(left, int)
        assert 86_000_000 < left <= 86_400_000


def test_a_clock_that_was_set_back_locks_nobody_out(
    attempts: SignInAttempts, redis: Redis, clock: ManualClock
) -> None:
    _waits(attempts, clock, 8)
    before = ManualClock(clock.wall_ns() - 10**9 * 86_400 * 365)
    wait_s = SignInAttempts(redis, before).begin(attempt_places("li.wei", OFFICE, None))
    assert wait_s == LONGEST_DELAY_S


def test_attempts_at_the_same_time_share_one_count(
    attempts: SignInAttempts, valkey_server: str, clock: ManualClock
) -> None:
    processes = [SignInAttempts(connect(valkey_server), clock) for _ in range(2)]
    places = attempt_places("li.wei", OFFICE, None)
    with ThreadPoolExecutor(16) as threads:
        asked = [threads.submit(processes[n % 2].begin, places) for n in range(60)]
        admitted = sum(one.result() == 0 for one in asked)
    assert admitted == 6


def test_many_failures_raise_an_alarm_that_ends(
    attempts: SignInAttempts, clock: ManualClock
) -> None:
    assert attempts.alarm() is None
    for _ in range(ALARM_FAILURES):
        attempts.fail()
    assert attempts.recent_failures() == ALARM_FAILURES
    assert f"{ALARM_FAILURES} sign-ins have failed" in str(attempts.alarm())
    clock.advance(60 * (ALARM_MINUTES - 1))
    attempts.fail()
    assert attempts.recent_failures() == ALARM_FAILURES + 1
    clock.advance(60)
    assert attempts.recent_failures() == 1
    assert attempts.alarm() is None


def test_without_redis_there_is_no_alarm_of_its_own(clock: ManualClock) -> None:
    away = connect("redis://127.0.0.1:1/0")
    assert SignInAttempts(away, clock).alarm() is None
    away.close()


def test_a_time_step_is_accepted_once_and_never_an_older_one(
    attempts: SignInAttempts, valkey_server: str, clock: ManualClock
) -> None:
    other = SignInAttempts(connect(valkey_server), clock)
    assert attempts.accept_step("li.wei", 100)
    assert not attempts.accept_step("li.wei", 100)
    assert not other.accept_step("li.wei", 100)
    assert not other.accept_step("li.wei", 99)
    assert other.accept_step("li.wei", 101)
    assert attempts.accept_step("wang.fang", 100)
    with ThreadPoolExecutor(16) as threads:
        asked = [
            threads.submit((attempts, other)[n % 2].accept_step, "li.wei", 102) for n in range(40)
        ]
        assert sum(one.result() for one in asked) == 1
