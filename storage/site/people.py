"""People and their tokens: versioned records in the object store, with an index in Redis. A token
itself is stored nowhere.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets

from domain.clock import Clock, SystemClock
from domain.errors import BadInput, RecordConflict
from domain.paths.object_keys import PEOPLE_PREFIX, person_prefix
from domain.people import Person, Role
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.clients.redis import Command, Redis, text, texts
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import Listing, VersionedRecords

_log = logging.getLogger(__name__)
_PEOPLE = "{people}:by_name"
_TOKENS = "{people}:by_token"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
TOKEN_PREFIX = "sl_"


class PersonRecord(StoredModel):
    """The content of `state/people/<name>/<version>.json`; the highest version is valid."""

    name: str
    role: Role
    token_sha256: str
    added_at: WallNs
    schema_: int = schema_field()


class People:
    def __init__(self, redis: Redis, objects: ObjectStore, clock: Clock | None = None) -> None:
        self._redis = redis
        self._objects = objects
        self._records = VersionedRecords(objects, PersonRecord)
        self._clock = clock or SystemClock()

    def add(self, name: str, role: Role) -> str:
        """Add a person and return the token, which is shown only once. Raises BadInput if the name
        exists or is invalid.
        """
        if _NAME.fullmatch(name) is None:
            raise BadInput(
                f"{name!r} is not a name: use letters, digits, dots, dashes and underscores, 64 "
                "at most"
            )
        # This is checked first, so that no name is used up for a token that was never shown.
        self._redis.ping()
        taken = BadInput(f"the name {name!r} is taken; choose another")
        if any(True for _ in self._objects.list(person_prefix(name))):
            raise taken
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        record = PersonRecord(
            name=name, role=role, token_sha256=_digest(token), added_at=self._clock.wall_ns()
        )
        try:
            self._records.add(person_prefix(name), 1, record)
        except RecordConflict as error:
            raise taken from error
        self._redis.do_all(_entries(record), atomic=True)
        return token

    def by_token(self, token: str) -> Person | None:
        """Return the person of this token, or None."""
        found = text(self._redis.do("HGET", _TOKENS, _digest(token)))
        return None if found is None else _person(found)

    def list(self) -> list[Person]:
        """Return all people by name. They are few: a city's staff, not its citizens."""
        return sorted(
            (_person(found) for found in texts(self._redis.do("HVALS", _PEOPLE))),
            key=lambda person: person.name,
        )

    def lost(self) -> tuple[Person, ...]:
        """Return the people whom Redis knows and of whom the object store has no record, by
        name.
        """
        # Not `folders`: SeaweedFS also lists folders whose objects are gone.
        keys = [
            found.key.removeprefix(PEOPLE_PREFIX) for found in self._objects.list(PEOPLE_PREFIX)
        ]
        recorded = {key.partition("/")[0] for key in keys}
        return tuple(person for person in self.list() if person.name not in recorded)

    def restore(self) -> int:
        """Write the people of the object store to Redis in one step, and return their number. A
        person with a damaged record is left out.
        """
        listing = self.records()
        for damaged in listing.damaged:
            _log.error("%s; the token of such a person opens nothing", damaged.why)
        commands: list[Command] = [("DEL", _PEOPLE), ("DEL", _TOKENS)]
        self._redis.do_all(
            commands + [entry for record in listing.records for entry in _entries(record)],
            atomic=True,
        )
        return len(listing.records)

    def is_restored(self, record: PersonRecord) -> bool:
        """Return whether Redis knows this person, with role and token."""
        named, tokened = self._redis.do_all(
            [("HGET", _PEOPLE, record.name), ("HGET", _TOKENS, record.token_sha256)]
        )
        return text(named) == text(tokened) == _value(record)

    def records(self) -> Listing[PersonRecord]:
        """Return the newest record of each person in the object store, and the unreadable ones."""
        return self._records.all(PEOPLE_PREFIX)


def _digest(token: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()


def _value(record: PersonRecord) -> str:
    return f"{record.role} {record.name}"


def _person(value: str) -> Person:
    role, _, name = value.partition(" ")
    return Person(name, Role(role))


def _entries(record: PersonRecord) -> list[Command]:
    return [
        ("HSET", _PEOPLE, record.name, _value(record)),
        ("HSET", _TOKENS, record.token_sha256, _value(record)),
    ]
