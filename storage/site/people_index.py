"""People in Redis, and their records in the object store, for programs without the people key.

{people}:records     hash of name to the person's record, as JSON with its HMAC
{people}:tokens      hash of the SHA-256 of a token to the name
{people}:identities  hash of the SHA-256 of issuer and subject to the name

Nothing here decides what a person may do: that is `People`, which verifies each record.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from domain.paths.object_keys import PEOPLE_PREFIX
from storage.clients.readable_records import read_or_skip
from storage.clients.redis import Command, Redis, text, texts
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import Listing
from storage.site.person_records import PersonRecord, person_records

_log = logging.getLogger(__name__)
RECORDS, TOKENS = "{people}:records", "{people}:tokens"
IDENTITIES = "{people}:identities"
_ATTEMPTS = 5
_FORMER_KEYS = ("{people}:by_name", "{people}:by_token")
"""The keys of versions before the HMAC; they are deleted, so that no old program trusts them."""


@dataclass(frozen=True, slots=True)
class PeopleIndex:
    """Compares and restores the index of people. Thread-safe."""

    redis: Redis
    objects: ObjectStore

    def names(self) -> tuple[str, ...]:
        """Return the names of the people in Redis, sorted."""
        return tuple(sorted(texts(self.redis.do("HKEYS", RECORDS))))

    def unverified(self, name: str) -> PersonRecord | None:
        """Return the record of a person in Redis, which may be forged, or None."""
        found = text(self.redis.do("HGET", RECORDS, name))
        return None if found is None else read_or_skip(PersonRecord, found, "people")

    def lost(self) -> tuple[str, ...]:
        """Return the names in Redis of which the object store has no record, sorted."""
        # Not `folders`: SeaweedFS also lists folders whose objects are gone.
        keys = [found.key.removeprefix(PEOPLE_PREFIX) for found in self.objects.list(PEOPLE_PREFIX)]
        recorded = {key.partition("/")[0] for key in keys}
        return tuple(name for name in self.names() if name not in recorded)

    def records(self) -> Listing[PersonRecord]:
        """Return the newest record of each person, also of removed ones, and what is damaged."""
        return person_records(self.objects).all(PEOPLE_PREFIX)

    def restore(self) -> int:
        """Replace the people in Redis by those of the object store, in one step.

        Return their number. People whose record is damaged are left out, so their tokens are not
        valid. What changes meanwhile is restored too: Redis would have the older record, and with
        it a token that was revoked.
        """
        stored = person_records(self.objects, caches=True)
        listing = stored.all(PEOPLE_PREFIX)
        for damaged in listing.damaged:
            _log.error("%s; the tokens of this person are not valid", damaged.why)
        commands: list[Command] = [
            ("DEL", key) for key in (RECORDS, TOKENS, IDENTITIES, *_FORMER_KEYS)
        ]
        commands += [entry for record in listing.records for entry in entries(record)]
        self.redis.do_all(commands, atomic=True)
        for _ in range(_ATTEMPTS):
            known = {(record.name, record.version) for record in listing.records}
            listing = stored.all(PEOPLE_PREFIX)
            later = [one for one in listing.records if (one.name, one.version) not in known]
            if not later:
                break
            self.redis.do_all([entry for one in later for entry in entries(one)], atomic=True)
        return sum(record.removed_at is None for record in listing.records)

    def is_restored(self, record: PersonRecord) -> bool:
        """Return whether Redis has this record, its tokens and its identity."""
        hashes = [token.token_sha256 for token in record.tokens]
        identities = [] if record.identity is None else [record.identity.hash]
        found = self.redis.do_all(
            [
                ("HGET", RECORDS, record.name),
                *(("HGET", TOKENS, token_sha256) for token_sha256 in hashes),
                *(("HGET", IDENTITIES, one) for one in identities),
            ]
        )
        owners = {text(reply) for reply in found[1:]}
        return text(found[0]) == record.text() and owners <= {record.name}


def entries(record: PersonRecord) -> list[Command]:
    """Return the commands that make Redis agree with a record.

    The record of a removed person stays too: it shows that an older one is not in force.
    """
    identity = record.identity
    return [
        ("HSET", RECORDS, record.name, record.text()),
        *([] if identity is None else [("HSET", IDENTITIES, identity.hash, record.name)]),
        *(("HSET", TOKENS, token.token_sha256, record.name) for token in record.tokens),
    ]
