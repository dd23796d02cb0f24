"""Delays after failed sign-ins, and one-time codes that were used, in Redis.

{sign_in}:attempts:<digest>   attempts from one place: their number, and when the next may be made
{sign_in}:failures:<minute>   the failed sign-ins of the site in a minute (UTC)
{sign_in}:step:<person>       the last time step of which a one-time code was accepted

An attempt is counted before the password is verified, so that many at the same time cannot pass the
same check. Nothing locks an account as a whole: delays are by place, and a browser in which the
person has signed in before is a place of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from domain.clock import NS_PER_MS, S_PER_DAY, Clock
from domain.errors import IndexUnavailable
from domain.messages.message import Message
from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script, Word, maybe_texts

LONGEST_DELAY_S = 900
ALARM_MINUTES = 10
ALARM_FAILURES = 100
"""So many failures of the whole site within `ALARM_MINUTES` raise an alarm."""
_TAG = "{sign_in}"
_KEPT_MS = S_PER_DAY * 1000
_STEP_KEPT_S = 600
_S_PER_MINUTE = 60
_ATTEMPT = load_script("sign_in", "sign_in_attempt")
_SUCCESS = load_script("sign_in", "sign_in_success")
_STEP = load_script("sign_in", "sign_in_step")


@dataclass(frozen=True, slots=True)
class AttemptPlace:
    """Where attempts come from; each place has delays of its own."""

    name: str
    free: int
    """So many attempts have no delay; each further one doubles the delay."""
    is_shared: bool = False
    """Whether people share the place; a success then takes back its own attempt only."""

    @property
    def key(self) -> str:
        return f"{{sign_in}}:attempts:{hashlib.sha256(self.name.encode()).hexdigest()}"


def attempt_places(person: str, network: str, device: str | None) -> tuple[AttemptPlace, ...]:
    """Return the places of an attempt to sign in as `person`.

    `device` is the id of a browser in which this person has signed in before. It has a budget of
    its own, so attempts from elsewhere do not delay it, not even from the same address.
    """
    if device is not None:
        return (AttemptPlace(f"device\n{person}\n{device}", free=10),)
    return (
        AttemptPlace(f"person\n{person}\n{network}", free=5),
        AttemptPlace(f"network\n{network}", free=30, is_shared=True),
    )


class SignInAttempts:
    """The attempts of all processes of the API. Thread-safe; raises IndexUnavailable."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock

    def begin(self, places: tuple[AttemptPlace, ...]) -> float:
        """Count an attempt and return 0, or return the seconds after which one may be made."""
        words: list[Word] = [self._now_ms(), _KEPT_MS, LONGEST_DELAY_S * 1000]
        for place in places:
            words += [place.key, place.free]
        (wait_ms,) = self._redis.run_all([Script(_ATTEMPT, _TAG, tuple(words))])
        assert isinstance(wait_ms, int)
        return wait_ms / 1000

    def succeed(self, places: tuple[AttemptPlace, ...]) -> None:
        """Take back the attempt of a success, and forget the earlier ones of the same person."""
        words: list[Word] = []
        for place in places:
            words += [place.key, int(place.is_shared)]
        self._redis.run_all([Script(_SUCCESS, _TAG, tuple(words))])

    def fail(self) -> None:
        """Count a failed sign-in of the site, for the alarm."""
        place = _failures(self._now_ms() // 1000 // _S_PER_MINUTE)
        expiry = ("EXPIRE", place, (ALARM_MINUTES + 1) * _S_PER_MINUTE)
        self._redis.do_all([("INCR", place), expiry], atomic=True)

    def recent_failures(self) -> int:
        """Return the number of failed sign-ins of the site within `ALARM_MINUTES`."""
        minute = self._now_ms() // 1000 // _S_PER_MINUTE
        places = [_failures(minute - ago) for ago in range(ALARM_MINUTES)]
        counts = maybe_texts(self._redis.do("MGET", *places))
        return sum(int(one) for one in counts if one and one.isdecimal() and len(one) < 10)

    def alarm(self) -> Message | None:
        """Return what is wrong and what to do if many sign-ins fail.

        Without Redis no person can sign in, and `index_unreachable` says so.
        """
        try:
            failures = self.recent_failures()
        except IndexUnavailable:
            return None
        if failures < ALARM_FAILURES:
            return None
        return Message(
            "{failures} sign-ins have failed within {minutes} minutes: passwords may be tried out; "
            "read the lines session.sign_in of the audit log for names and addresses, and block "
            "those addresses in front of the site",
            failures=failures,
            minutes=ALARM_MINUTES,
        )

    def accept_step(self, person: str, step: int) -> bool:
        """Return whether a one-time code of this time step is used for the first time by a person.

        A step before the last accepted one was missed, and is refused too.
        """
        words = (f"{{sign_in}}:step:{person}", step, _STEP_KEPT_S)
        (is_first,) = self._redis.run_all([Script(_STEP, _TAG, words)])
        return is_first == 1

    def _now_ms(self) -> int:
        return self._clock.wall_ns() // NS_PER_MS


def _failures(minute: int) -> str:
    return f"{{sign_in}}:failures:{minute}"
