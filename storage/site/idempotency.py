"""The answers to requests with an idempotency key, in Redis, so that each takes effect once.

A key belongs to one person and one address. Its record is created before the request takes effect
and names the id of what will be created. A process that dies in between leaves it: the next request
with the key then uses the same id, and the store of that record refuses to write it twice.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import ConfigDict

from domain.clock import S_PER_DAY
from domain.errors import KeyBusy, KeyReused
from domain.stored_model import StoredModel
from storage.clients.readable_records import read_or_skip
from storage.clients.redis import Redis, text

RUNS_S = 60
"""A request that runs longer is regarded as dead, so that another with its key may run."""


class StoredAnswer(StoredModel):
    """An answer that is sent again."""

    model_config = ConfigDict(hide_input_in_errors=True)

    status: int
    headers: dict[str, str]
    body: str


class KeyRecord(StoredModel):
    """What is known of a key: the request, the id of what it creates, and its answer."""

    request: str
    """The SHA-256 of the request, of which neither the body nor the key is stored."""
    new_id: str
    answer: StoredAnswer | None = None


@dataclass(slots=True)
class KeyedRequest:
    """A request that runs now."""

    new_id: str
    answer: StoredAnswer | None
    """The answer of an earlier request, which is sent again; None: the request must run."""
    result: StoredAnswer | None = None
    """The answer to store. Without it the key is free again for the same request."""


class IdempotencyKeys:
    """The keys of the last 24 hours. It is thread-safe, and raises IndexUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @contextmanager
    def running(
        self, owner: str, key: str, request: bytes, draw_id: Callable[[], str]
    ) -> Iterator[KeyedRequest]:
        """Claim a key of `owner` for one request.

        Raises KeyReused if another request had the key, and KeyBusy while the same one runs.
        """
        name = _digest(f"{owner}\n{key}".encode())
        place, lock = f"{{requests}}:answer:{name}", f"{{requests}}:running:{name}"
        digest = _digest(request)
        self._redis.do(
            "SET", place, _json(KeyRecord(request=digest, new_id=draw_id())), "NX", "EX", S_PER_DAY
        )
        known = self._read(place, digest)
        if known.answer is not None:
            yield KeyedRequest(known.new_id, known.answer)
            return
        token = secrets.token_hex(8)
        if self._redis.do("SET", lock, token, "NX", "EX", RUNS_S) is None:
            raise KeyBusy("the first request with this Idempotency-Key has not ended; wait for it")
        try:
            known = self._read(place, digest)  # It may have been answered since it was read.
            keyed = KeyedRequest(known.new_id, known.answer)
            yield keyed
            if keyed.result is not None:
                answered = known.model_copy(update={"answer": keyed.result})
                self._redis.do("SET", place, _json(answered), "EX", S_PER_DAY)
        finally:
            if text(self._redis.do("GET", lock)) == token:
                self._redis.do("DEL", lock)

    def _read(self, place: str, digest: str) -> KeyRecord:
        found = text(self._redis.do("GET", place))
        if found is None:
            raise KeyBusy("the Idempotency-Key has expired in this moment; send it again")
        known = read_or_skip(KeyRecord, found, "idempotency keys")
        if known is None:
            raise KeyReused("the record of this Idempotency-Key cannot be read; use another key")
        if known.request != digest:
            raise KeyReused("another request has had this Idempotency-Key; use a key only once")
        return known


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(record: KeyRecord) -> str:
    return record.model_dump_json()
