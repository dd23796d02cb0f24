"""The matches of watches in Redis: which process searches them now and how far, the feed of
matches, and the pending webhooks.

The process may die, or lose its lease and continue, at any step: a match has the same id each time,
and is added once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from domain.clock import S_PER_DAY
from domain.events.watches import WatchMatch
from domain.stored_model import StoredModel
from storage.clients.arrival_stream import ARRIVE, ArrivalStream
from storage.clients.lua import load_script
from storage.clients.readable_records import read_or_skip
from storage.clients.redis import Redis, Script, maybe_texts, number, text, whole

TAG = "{watches}"
MOST_MATCHES = 10_000
MOST_DEAD = 1_000
SEEN_S = 8 * S_PER_DAY
"""A match is not published again within this time, however often its event arrives."""
LEASE_MS = 5_000

_LEASE = load_script("site", "watch_lease")
_ADD = ARRIVE + load_script("site", "watch_add")
_OWE = load_script("site", "watch_owe")
_CLAIM = load_script("site", "watch_claim")
_RETRY = load_script("site", "watch_retry")
_SETTLE = load_script("site", "watch_settle")


class Delivery(StoredModel):
    """A pending webhook."""

    match: WatchMatch
    tries: int = 0
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class MatchesPage:
    """A page of matches with the fields of `arrival_stream.ArrivalPage`."""

    last: int
    known_from: int
    items: tuple[tuple[int, WatchMatch], ...]


class WatchMatches:
    """The matches of a site. Every call raises IndexUnavailable if Redis is unreachable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._arrivals = ArrivalStream(redis, TAG, MOST_MATCHES)

    def acquire_lease(self, owner: str) -> bool:
        """Return whether `owner` is the process that matches now. Call it again well within
        `LEASE_MS`.
        """
        return self._run(_LEASE, owner, LEASE_MS) == 1

    def position(self) -> int | None:
        """Return the number of the feed up to which everything was matched; None if it is
        unknown.
        """
        found = text(self._redis.do("GET", f"{TAG}:position"))
        return None if found is None else whole(found)

    def owe(self, since_ms: int, position: int) -> None:
        """Record that events indexed since then must be looked up in the index, because the feed
        lacks them; from `position` on it has them.
        """
        self._run(_OWE, since_ms, position)

    def owed(self) -> int | None:
        """Return the time (UTC ms) from which events must be looked up, whichever process recorded
        it; None if there is none.
        """
        found = text(self._redis.do("GET", f"{TAG}:owed"))
        return None if found is None else whole(found)

    def clear_owed(self) -> None:
        self._redis.do("DEL", f"{TAG}:owed")

    def unseen(self, matches: Sequence[WatchMatch]) -> list[WatchMatch]:
        """Return the matches that were not added yet."""
        if not matches:
            return []
        seen = maybe_texts(self._redis.do("MGET", *(f"{TAG}:seen:{match.id}" for match in matches)))
        return [match for match, known in zip(matches, seen, strict=True) if known is None]

    def add(
        self, matches: Sequence[tuple[WatchMatch, bool]], position: int, now_ms: int
    ) -> list[str]:
        """Add matches, each once, those with `True` as webhooks too, together with the position;
        return the ids of the new ones.
        """
        words: list[str | int] = []
        for match, is_sent in matches:
            words += [
                match.id,
                match.model_dump_json(by_alias=True),
                _json(Delivery(match=match)) if is_sent else "",
                now_ms,
            ]
        return [
            found.decode()
            for found in cast(
                "list[bytes]", self._run(_ADD, MOST_MATCHES, SEEN_S, position, *words)
            )
        ]

    def after(self, after: int, limit: int) -> MatchesPage:
        """Return at most `limit` matches that were found after `after`, the oldest first."""
        page = self._arrivals.after(after, limit)
        found = ((at, read_or_skip(WatchMatch, data, "matches")) for at, data in page.items)
        matches = tuple((at, match) for at, match in found if match is not None)
        return MatchesPage(page.last, page.known_from, matches)

    def claim(self, now_ms: int, until_ms: int, most: int) -> list[Delivery]:
        """Return deliveries that are due. No other process gets them before `until_ms`; then they
        are due again, unless they were settled.
        """
        found = cast("list[bytes]", self._run(_CLAIM, now_ms, until_ms, most))
        deliveries = (read_or_skip(Delivery, one, "webhooks") for one in found if one)
        return [delivery for delivery in deliveries if delivery is not None]

    def retry(self, delivery: Delivery, due_ms: int) -> None:
        self._run(_RETRY, delivery.match.id, _json(delivery), due_ms)

    def settle(self, delivery: Delivery, dead: bool = False) -> None:
        """Remove a delivery: it succeeded, or it is `dead` and kept for a person to examine."""
        self._run(_SETTLE, delivery.match.id, _json(delivery) if dead else "", MOST_DEAD)

    def waiting(self) -> int:
        """Return how many webhooks are pending."""
        return number(self._redis.do("HLEN", f"{TAG}:deliveries"))

    def dead(self, watch_id: str) -> list[Delivery]:
        """Return the failed webhooks of a watch, the newest first; at most the last thousand of all
        watches are kept.
        """
        found = self._redis.do("LRANGE", f"{TAG}:dead", 0, MOST_DEAD - 1)
        deliveries = (read_or_skip(Delivery, one, "webhooks") for one in maybe_texts(found) if one)
        return [one for one in deliveries if one is not None and one.match.watch == watch_id]

    def _run(self, script: str, *words: str | int) -> object:
        return self._redis.run_all([Script(script, TAG, words)])[0]


def _json(delivery: Delivery) -> str:
    return delivery.model_dump_json(by_alias=True)
