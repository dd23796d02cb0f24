"""The people of the identity provider: records that name issuer and subject.

A person is found by issuer and subject alone, never by a name or an e-mail address. The name of the
record ends with a hash of both, so it is never the name of another person.
"""

from __future__ import annotations

import re

from domain.clock import Clock
from domain.errors import BadInput, DataLoss, Forbidden, NotFound, RecordConflict
from domain.openid import ProviderIdentity
from domain.paths.object_keys import PEOPLE_PREFIX
from storage.clients.redis import Redis, text
from storage.site.people import People, check_name, scope_fields
from storage.site.people_index import IDENTITIES
from storage.site.person_records import IdentityRecord, PersonRecord, identity_hash

_ATTEMPTS = 5
_HASH_DIGITS = 16
_MAX_NAME_CHARACTERS = 40
_OTHER_CHARACTERS = re.compile(r"[^A-Za-z0-9._-]+")
_NAMELESS = "person"


class ProviderPeople:
    """Adds and updates the people of the provider when they sign in. Thread-safe."""

    def __init__(self, people: People, redis: Redis, clock: Clock) -> None:
        self._people = people
        self._redis = redis
        self._clock = clock

    def admit(self, identity: ProviderIdentity) -> PersonRecord:
        """Return the record of a person, with the role and the scope that the claims give now.

        Raises Forbidden for a person who was removed here, and DataLoss for a record that is not
        authentic.
        """
        for _ in range(_ATTEMPTS):
            try:
                return self._admitted(identity)
            except RecordConflict:
                # Another process wrote the record at the same time; it is read again.
                continue
        raise RecordConflict("other processes change this person at the same time; try again")

    def name_of(self, issuer: str, subject: str) -> str | None:
        """Return the name of the record of a person, or None if the person never signed in."""
        name = text(self._redis.do("HGET", IDENTITIES, identity_hash(issuer, subject)))
        if name is not None:
            record = self._people.newest(name)
            if record is not None and _is_of(record, issuer, subject):
                return name
        # The index may be lost or changed, so the object store decides. Its names end with a hash.
        ending = "-" + identity_hash(issuer, subject)[:_HASH_DIGITS]
        keys = (found.key for found in self._people.index.objects.list(PEOPLE_PREFIX))
        names = {key.removeprefix(PEOPLE_PREFIX).partition("/")[0] for key in keys}
        return next((name for name in sorted(names) if name.endswith(ending)), None)

    def restore(self, name: str) -> PersonRecord:
        """Let a removed person of the provider sign in again. Raises NotFound, BadInput."""
        check_name(name)
        record = self._people.newest(name)
        if record is None or record.removed_at is None:
            raise NotFound("there is no removed person {name}", name=repr(name))
        if record.identity is None or not self._people.is_authentic(record):
            raise BadInput(
                "{name} is not a person of the identity provider; add the "
                "person again with  sightline user add",
                name=name,
            )
        restored = record.model_copy(update={"removed_at": None})
        return self._people.put_version(restored, record.version + 1)

    def _admitted(self, identity: ProviderIdentity) -> PersonRecord:
        name = self.name_of(identity.issuer, identity.subject)
        newest = None if name is None else self._people.newest(name)
        if newest is None:
            return self._added(identity)
        if not self._people.is_authentic(newest):
            raise DataLoss("the record of {newest} is not signed by this site", newest=newest.name)
        if not _is_of(newest, identity.issuer, identity.subject):
            raise Forbidden(
                "the record {newest} of this site is of another person; an "
                "administrator must remove it",
                newest=newest.name,
            )
        if newest.removed_at is not None:
            raise Forbidden(
                "{newest} was removed at this site; an administrator can admit "
                "the person again with  sightline user restore {newest}",
                newest=newest.name,
            )
        given = _given(identity)
        if all(getattr(newest, field) == value for field, value in given.items()):
            return newest
        return self._people.put_version(newest.model_copy(update=given), newest.version + 1)

    def _added(self, identity: ProviderIdentity) -> PersonRecord:
        record = PersonRecord(
            name=new_name(identity), role=identity.role, added_at=self._clock.wall_ns()
        )
        return self._people.put_version(record.model_copy(update=_given(identity)), 1)


def new_name(identity: ProviderIdentity) -> str:
    """Return the name of the record of a person who signs in for the first time."""
    readable = _OTHER_CHARACTERS.sub("-", identity.name).strip("._-")[:_MAX_NAME_CHARACTERS]
    ending = identity_hash(identity.issuer, identity.subject)[:_HASH_DIGITS]
    return f"{readable or _NAMELESS}-{ending}"


def _is_of(record: PersonRecord, issuer: str, subject: str) -> bool:
    own = record.identity
    return own is not None and (own.issuer, own.subject) == (issuer, subject)


def _given(identity: ProviderIdentity) -> dict[str, object]:
    """Return the fields of a record that the provider decides."""
    return {
        "role": identity.role,
        "grants": tuple(sorted(set(identity.grants))),
        "identity": IdentityRecord(
            issuer=identity.issuer, subject=identity.subject, name=identity.name
        ),
        **scope_fields(identity.scope),
    }
