"""People and their tokens: versioned records in the object store, with Redis as their index.

Each use of a token looks the person up, so a change is in force as soon as it is in Redis. Each
record is verified with the people key before it is used.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from domain.camera_scope import UNLIMITED, CameraScope
from domain.clock import Clock
from domain.errors import (
    BadInput,
    DataLoss,
    NotFound,
    RecordChanged,
    RecordConflict,
    RecordExists,
)
from domain.paths.object_keys import person_prefix
from domain.people import Person, Right, Role
from storage.clients.redis import Redis, maybe_texts, text
from storage.clients.s3 import ObjectStore
from storage.site.people_index import RECORDS, TOKENS, PeopleIndex, entries
from storage.site.person_records import (
    FIRST_TOKEN,
    PersonRecord,
    TokenRecord,
    is_authentic,
    person_records,
    signed,
)
from storage.site.verified_people import VerifiedPeople

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
TOKEN_PREFIX = "sl_"
MOST_TOKENS = 50
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new token, which is shown once, and the record of its person."""

    token: str
    record: PersonRecord


class People:
    """The people of the site, for programs that have the people key. Thread-safe."""

    def __init__(self, redis: Redis, objects: ObjectStore, key: bytes, clock: Clock) -> None:
        self.index = PeopleIndex(redis, objects)
        self._redis = redis
        self._records = person_records(objects)
        self.key = key
        """The people key, from which `domain/derived_keys.py` derives others."""
        self._clock = clock
        self._cache = VerifiedPeople(key)

    # Reading

    def by_token(self, token: str) -> Person | None:
        """Return the person of a valid token, or None."""
        token_sha256 = _hash(token)
        name = self._cache.owner(token_sha256)
        if name is None:
            name = text(self._redis.do("HGET", TOKENS, token_sha256))
        record = None if name is None else self._current(name)
        found = None if record is None else record.token_by_hash(token_sha256)
        return None if record is None else self._person(record, found)

    def holder(self, name: str, token_id: str) -> Person | None:
        """Return the person `name` if the token of this id is still valid, or None."""
        record = self._current(name)
        return None if record is None else self._person(record, record.token_by_id(token_id))

    def present(self, name: str) -> PersonRecord | None:
        """Return the authentic record of a person in Redis; None if there is none."""
        record = self._current(name)
        return None if record is None or record.removed_at is not None else record

    def list(self) -> tuple[PersonRecord, ...]:
        """Return the authentic record of each person in Redis, by name.

        People are few: the staff of a city, not its citizens.
        """
        found = self._all_in_redis().values()
        present = [one for one in found if one is not None and one.removed_at is None]
        return tuple(sorted(present, key=lambda record: record.name))

    def get(self, name: str) -> PersonRecord:
        """Return the record of a person from the object store. Raises NotFound, DataLoss."""
        check_name(name)
        record = self.newest(name)
        if record is None or record.removed_at is not None:
            raise NotFound("there is no person {name}; GET /v1/people lists all", name=repr(name))
        return record

    def verified(self, name: str, version: int | None = None) -> PersonRecord:
        """Return the authentic record of a person from the object store.

        Raises NotFound, DataLoss if it is not authentic, and RecordChanged if `version` is given
        and is not the newest.
        """
        record = self.get(name)
        if not self.is_authentic(record):
            raise DataLoss(
                "the record of {name} is not signed by this site, so it is not "
                "used; remove the object, or sign it with  sightline user sign",
                name=name,
            )
        if version is not None and version != record.version:
            raise _changed(name)
        return record

    def refused(self) -> tuple[str, ...]:
        """Return the names of the people in Redis whose record is not authentic."""
        return tuple(sorted(name for name, one in self._all_in_redis().items() if one is None))

    def is_authentic(self, record: PersonRecord) -> bool:
        return is_authentic(record, self.key)

    def newest(self, name: str) -> PersonRecord | None:
        """Return the newest record, also of a removed person; it may be forged. Raises DataLoss.

        A change may have ended between the two stores, for example a revocation while Redis did not
        respond. So Redis is brought up to date: otherwise a repeated revocation would find nothing
        to change, and the token would stay valid.
        """
        record = self._newest(name)
        is_followed = record is None or self.index.is_restored(record)
        if record is not None and not is_followed and self.is_authentic(record):
            self._publish(record)
        return record

    # Changes

    def add(
        self,
        name: str,
        role: Role,
        grants: Iterable[Right] = (),
        scope: CameraScope = UNLIMITED,
        expires_ns: int | None = None,
        token_name: str = FIRST_TOKEN,
    ) -> NewToken:
        """Add a person with one token.

        Raises BadInput for an invalid name, and RecordExists for one in use.
        """
        check_name(name)
        # Redis is tried first, so that no person is added without the token being shown.
        self._redis.ping()
        former = self._version_of_free_name(name)
        token, token_record = self._new_token(token_name, expires_ns)
        record = PersonRecord(
            name=name,
            role=role,
            grants=tuple(sorted(set(grants))),
            tokens=(token_record,),
            added_at=self._clock.wall_ns(),
        ).model_copy(update=scope_fields(scope))
        try:
            return NewToken(token, self._write(record, former + 1))
        except RecordConflict as error:
            raise _in_use(name) from error

    def change(
        self,
        name: str,
        *,
        role: Role | None = None,
        grants: Iterable[Right] | None = None,
        scope: CameraScope | None = None,
        version: int | None = None,
    ) -> PersonRecord:
        """Change the role, the granted rights or the scope.

        Raises NotFound, and RecordChanged if `version` is given and is not the newest.
        """
        record = self.verified(name, version)
        update: dict[str, object] = {}
        if role is not None:
            update["role"] = role
        if grants is not None:
            update["grants"] = tuple(sorted(set(grants)))
        if scope is not None:
            update |= scope_fields(scope)
        return self._replace(record, update, version)

    def add_token(self, name: str, token_name: str, expires_ns: int | None = None) -> NewToken:
        """Add a token, or replace the one of the same name, which is then no longer valid."""
        self._redis.ping()
        record = self.verified(name)
        record.check_is_local("a token")
        token, token_record = self._new_token(token_name, expires_ns)
        others = tuple(one for one in record.tokens if one.name != token_name)
        if len(others) >= MOST_TOKENS:
            raise BadInput(
                "{name} has {most_tokens} tokens; revoke one first",
                name=name,
                most_tokens=MOST_TOKENS,
            )
        changed = record.model_copy(update={"tokens": (*others, token_record)})
        return NewToken(token, self._write(changed, record.version + 1))

    def revoke(self, name: str, token_name: str | None = None) -> PersonRecord:
        """Revoke the token of this name, or all tokens and sessions. Raises NotFound."""
        record = self.verified(name)
        if token_name is None:
            update = {"tokens": (), "session_generation": record.session_generation + 1}
            return self._write(record.model_copy(update=update), record.version + 1)
        left = tuple(one for one in record.tokens if one.name != token_name)
        if len(left) == len(record.tokens):
            raise NotFound(
                "{name} has no token {token_name}", name=name, token_name=repr(token_name)
            )
        return self._write(record.model_copy(update={"tokens": left}), record.version + 1)

    def end_sessions(self, name: str) -> PersonRecord:
        """End all sessions of a person; a session record that is written back stays invalid."""
        return self.update(
            name, lambda record: {"session_generation": record.session_generation + 1}
        )

    def update(
        self, name: str, change: Callable[[PersonRecord], dict[str, object]]
    ) -> PersonRecord:
        """Write the fields that `change` returns for the newest record.

        Raises NotFound, and RecordConflict if another process changes the record meanwhile.
        """
        record = self.verified(name)
        return self._write(record.model_copy(update=change(record)), record.version + 1)

    def remove(self, name: str, version: int | None = None) -> None:
        """Remove a person with all tokens. The record stays, so the name keeps its history.

        Raises NotFound, and RecordChanged if `version` is given and is not the newest.
        """
        record = self.verified(name, version)
        update: dict[str, object] = {
            "tokens": (),
            "grants": (),
            "password": None,
            "second_factor": None,
            "removed_at": self._clock.wall_ns(),
            # A person of the identity provider may be restored, and their sessions stay ended.
            "session_generation": record.session_generation + 1,
        }
        self._replace(record, update, version)

    def put_version(self, record: PersonRecord, version: int) -> PersonRecord:
        """Write a version of a record that the caller has composed. Raises RecordConflict."""
        return self._write(record, version)

    def sign_older(self) -> tuple[str, ...]:
        """Sign the records of versions before the HMAC; return their names.

        This trusts the object store, so it is done once, when a site is upgraded.
        """
        older = [one for one in self.index.records().records if not one.is_signed]
        for record in older:
            version = self._newest_version(record.name)
            self._write(record, version + 1)
        return tuple(record.name for record in older)

    def _replace(
        self, record: PersonRecord, update: dict[str, object], expected: int | None
    ) -> PersonRecord:
        """Write the next version of a record of which the caller expects a version, or any."""
        try:
            return self._write(record.model_copy(update=update), record.version + 1)
        except RecordConflict as error:
            if expected is None:
                raise
            raise _changed(record.name) from error

    def _new_token(self, name: str, expires_ns: int | None) -> tuple[str, TokenRecord]:
        if _NAME.fullmatch(name) is None:
            raise BadInput(
                "{name} is not a valid name of a token; {valid_names}",
                name=repr(name[:80]),
                valid_names=_VALID_NAMES,
            )
        now_ns = self._clock.wall_ns()
        if expires_ns is not None and expires_ns <= now_ns:
            raise BadInput("the expiry of a token must be in the future")
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        return token, TokenRecord(
            name=name, token_sha256=_hash(token), added_at=now_ns, expires_at=expires_ns
        )

    def _write(self, record: PersonRecord, version: int) -> PersonRecord:
        """Write a version, then bring Redis up to date with the newest version."""
        written = signed(record.model_copy(update={"version": version}), self.key)
        self._records.add(person_prefix(record.name), version, written)
        self._publish(written)
        return written

    def _publish(self, record: PersonRecord) -> None:
        """Bring Redis up to date with a record, and with a newer one that was written meanwhile."""
        self._redis.do_all(entries(record), atomic=True)
        # A process that wrote a newer version at the same time may have updated Redis before.
        for _ in range(_ATTEMPTS):
            newest = self._newest(record.name)
            if newest is None or newest.version <= record.version:
                return
            record = newest
            self._redis.do_all(entries(record), atomic=True)

    # The records behind both

    def _newest(self, name: str) -> PersonRecord | None:
        found = self._records.newest(person_prefix(name))
        return None if found is None else found.record

    def _newest_version(self, name: str) -> int:
        return self._records.newest_version(person_prefix(name))

    def _version_of_free_name(self, name: str) -> int:
        """Return the version of the removed person of this name, or 0. Raises RecordExists."""
        try:
            newest = self._newest(name)
        except DataLoss as error:
            raise _in_use(name) from error
        if newest is not None and newest.removed_at is None:
            raise _in_use(name)
        return 0 if newest is None else self._newest_version(name)

    def _current(self, name: str) -> PersonRecord | None:
        return self._cache.read(name, text(self._redis.do("HGET", RECORDS, name)))

    def _person(self, record: PersonRecord, token: TokenRecord | None) -> Person | None:
        if token is None or not token.is_valid(self._clock.wall_ns()):
            return None
        return record.person(token)

    def _all_in_redis(self) -> dict[str, PersonRecord | None]:
        names = self.index.names()
        if not names:
            return {}
        found = maybe_texts(self._redis.do("HMGET", RECORDS, *names))
        # A person who was added or removed between the two reads is left out.
        pairs = [pair for pair in zip(names, found, strict=True) if pair[1] is not None]
        return {name: self._cache.read(name, record) for name, record in pairs}


_VALID_NAMES = "use at most 64 letters, digits, dots, dashes and underscores"


def check_name(name: str) -> None:
    """Check the name of a person. Raises BadInput."""
    if _NAME.fullmatch(name) is None:
        raise BadInput(
            "{name} is not a valid name; {valid_names}",
            name=repr(name[:80]),
            valid_names=_VALID_NAMES,
        )


def scope_fields(scope: CameraScope) -> dict[str, object]:
    """Return the fields of a record for a scope, in an order that does not depend on the caller."""
    return {
        "areas": tuple(sorted(set(scope.areas))),
        "classes": tuple(sorted(set(scope.classes))),
        "cameras": tuple(sorted(set(scope.cameras))),
    }


def _in_use(name: str) -> RecordExists:
    return RecordExists("the name {name} is in use; choose another", name=repr(name))


def _changed(name: str) -> RecordChanged:
    return RecordChanged(
        "{name} was changed in the meantime; read it again, then decide", name=name
    )


def _hash(token: str) -> str:
    # A token has 256 random bits, so a slow hash would add nothing.
    return hashlib.sha256(token.encode()).hexdigest()
