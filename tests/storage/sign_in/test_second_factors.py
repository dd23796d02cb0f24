"""The second factor of people: codes count once, in every process, and nothing is readable."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from domain.clock import NS_PER_S, ManualClock
from domain.errors import DataLoss
from domain.one_time_codes import new_secret
from domain.people import Role
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.sign_in.attempts import SignInAttempts
from storage.sign_in.second_factors import SecondFactors
from storage.site.people import People
from storage.site.person_records import PersonRecord
from tests.people import people_of

SECRET = new_secret()


@pytest.fixture
def people(redis: Redis, objects: ObjectStore, clock: ManualClock) -> People:
    found = people_of(redis, objects, clock)
    found.add("li.wei", Role.OPERATOR)
    return found


def _process(people: People, redis: Redis, clock: ManualClock) -> SecondFactors:
    return SecondFactors(people, SignInAttempts(redis, clock), clock)


@pytest.fixture
def factors(people: People, redis: Redis, clock: ManualClock) -> SecondFactors:
    return _process(people, redis, clock)


def _enrol(factors: SecondFactors, name: str = "li.wei") -> tuple[str, ...]:
    return factors.enrol(name, factors.encrypted(name, SECRET))


def _record(people: People, name: str = "li.wei") -> PersonRecord:
    record = people.present(name)
    assert record is not None
    return record


def _code(clock: ManualClock, steps: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(clock.wall_ns() // NS_PER_S + 30 * steps)


def test_a_code_of_the_app_is_accepted_once(
    people: People, factors: SecondFactors, redis: Redis, clock: ManualClock
) -> None:
    assert not factors.accepts(_record(people), _code(clock)), "without a second factor"
    _enrol(factors)
    other = _process(people, redis, clock)
    assert factors.accepts(_record(people), _code(clock))
    for process in (factors, other):
        assert not process.accepts(_record(people), _code(clock)), "a replay"
        assert not process.accepts(_record(people), _code(clock, -1)), "an older step"
    assert other.accepts(_record(people), _code(clock, 1)), "the positive control"
    assert not factors.accepts(_record(people), "000000")
    assert not factors.accepts(_record(people), "")


def test_a_recovery_code_is_accepted_once(
    people: People, factors: SecondFactors, redis: Redis, objects: ObjectStore, clock: ManualClock
) -> None:
    codes = _enrol(factors)
    other = _process(people_of(redis, objects, clock), redis, clock)
    before = _record(people)
    assert factors.accepts(before, codes[0].upper())
    for process in (factors, other):
        assert not process.accepts(_record(people), codes[0])
        assert not process.accepts(before, codes[0]), "with the former record"
    assert other.accepts(_record(people), codes[1].replace("-", " "))
    factor = _record(people).second_factor
    assert factor is not None
    assert len(factor.recovery_codes) == 8


def test_a_recovery_code_that_many_send_at_once_is_accepted_once(
    people: People, factors: SecondFactors, redis: Redis, objects: ObjectStore, clock: ManualClock
) -> None:
    code = _enrol(factors)[0]
    other = _process(people_of(redis, objects, clock), redis, clock)
    record = _record(people)
    with ThreadPoolExecutor(8) as threads:
        asked = [
            threads.submit((factors, other)[number % 2].accepts, record, code)
            for number in range(8)
        ]
        assert sum(one.result() for one in asked) == 1


def test_neither_secret_nor_codes_are_readable_in_a_store(
    factors: SecondFactors, redis: Redis, objects: ObjectStore
) -> None:
    codes = _enrol(factors)
    stored = str(redis.do("HGETALL", "{people}:records"))
    stored += repr([objects.get(found.key) for found in objects.list("")])
    assert "encrypted_secret" in stored
    for secret in (SECRET, *codes, *(code.replace("-", "") for code in codes)):
        assert secret not in stored


def test_a_secret_of_another_person_is_refused(
    people: People, factors: SecondFactors, clock: ManualClock
) -> None:
    people.add("chief", Role.ADMIN)
    with pytest.raises(DataLoss, match="chief cannot be decrypted"):
        factors.is_code_right("chief", factors.encrypted("li.wei", SECRET), _code(clock))


def test_a_recovery_code_belongs_to_one_person(people: People, factors: SecondFactors) -> None:
    people.add("chief", Role.ADMIN)
    own = _enrol(factors)
    _enrol(factors, "chief")
    assert not factors.accepts(_record(people, "chief"), own[0])
    assert factors.accepts(_record(people), own[0])


def test_a_new_enrolment_replaces_secret_and_recovery_codes(
    people: People, factors: SecondFactors
) -> None:
    former = _enrol(factors)
    newer = _enrol(factors)
    assert not factors.accepts(_record(people), former[0])
    assert factors.accepts(_record(people), newer[0])


def test_a_reset_removes_the_second_factor_and_ends_sessions(
    people: People, factors: SecondFactors
) -> None:
    codes = _enrol(factors)
    before = _record(people).session_generation
    factors.reset("li.wei")
    record = _record(people)
    assert (record.second_factor, record.session_generation) == (None, before + 1)
    assert not factors.accepts(record, codes[0])
