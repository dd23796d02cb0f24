"""The record of a person: its role, its rights and the hashes of its tokens, under an HMAC.

`record_macs.py` defines the HMAC. Only the API and the commands have the key. So a program that can
write to Redis or to the object store cannot grant a right.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import Field, model_validator

from domain.camera_scope import CameraScope
from domain.errors import BadInput, DataLoss
from domain.paths.object_keys import PEOPLE_PREFIX, person_object
from domain.people import RIGHTS, Person, Right, Role
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import VersionedRecords
from storage.site.record_macs import is_mac_of, record_mac, record_text

FIRST_TOKEN = "first"
_PREFIX = b"sightline person\n"
_SIGNED_SCHEMA = 2
"""Records of schema 1 have one token, no versions and no HMAC."""


class TokenRecord(StoredModel):
    """One token of a person. The token itself is stored nowhere."""

    name: str
    token_sha256: str
    added_at: WallNs
    expires_at: WallNs | None = None

    @property
    def id(self) -> str:
        """Identifies this token and no later one of the same name."""
        return self.token_sha256[:16]

    def is_valid(self, now_ns: int) -> bool:
        return self.expires_at is None or now_ns < self.expires_at


class PasswordRecord(StoredModel):
    """The password of a person: its argon2id hash, encrypted (`storage/sign_in/secrets.py`)."""

    encrypted_hash: str = Field(repr=False)
    set_at: WallNs


class SecondFactorRecord(StoredModel):
    """The second factor of a person (`storage/sign_in/second_factors.py`)."""

    encrypted_secret: str = Field(repr=False)
    enrolled_at: WallNs
    recovery_codes: tuple[str, ...] = Field(repr=False)
    """Keyed hashes of the codes that are not used up."""


class IdentityRecord(StoredModel):
    """Who a person of the identity provider is."""

    issuer: str
    subject: str
    name: str
    """For people to read; it does not identify the person."""

    @property
    def hash(self) -> str:
        return identity_hash(self.issuer, self.subject)


def identity_hash(issuer: str, subject: str) -> str:
    """Return the SHA-256 of issuer and subject; no two pairs have the same text."""
    return hashlib.sha256(f"{len(issuer)} {issuer}{subject}".encode()).hexdigest()


class PersonRecord(StoredModel):
    """What `state/people/<name>/<version>.json` holds; the highest version is in force."""

    name: str
    role: Role
    grants: tuple[Right, ...] = ()
    areas: tuple[str, ...] = ()
    classes: tuple[Literal["A", "B", "C"], ...] = ()
    cameras: tuple[str, ...] = ()
    tokens: tuple[TokenRecord, ...] = ()
    identity: IdentityRecord | None = None
    """The identity at the provider; None for a person who was added here."""
    added_at: WallNs
    removed_at: WallNs | None = None
    session_generation: int = 0
    """Rises to end all sessions of the person: each session has that of its sign-in."""
    password: PasswordRecord | None = None
    second_factor: SecondFactorRecord | None = None
    version: int = 0
    """The version in the key; 0 in a record of schema 1."""
    mac: str = Field("", repr=False)
    schema_: int = schema_field(_SIGNED_SCHEMA)

    @model_validator(mode="before")
    @classmethod
    def _read_schema_1(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or "token_sha256" not in fields:
            return fields
        token = {
            "name": FIRST_TOKEN,
            "token_sha256": fields["token_sha256"],
            "added_at": fields.get("added_at"),
        }
        kept = {name: value for name, value in fields.items() if name != "token_sha256"}
        return kept | {"tokens": [token]}

    @property
    def is_signed(self) -> bool:
        return bool(self.mac)

    def check_is_local(self, what: str) -> None:
        """Check that the person was added here, and may have credentials of this site.

        Raises BadInput: such a credential would outlive the account at the identity provider.
        """
        if self.identity is not None:
            raise BadInput(
                "{name} signs in with the identity provider, so {action} is not "
                "possible; add another person for a program",
                name=self.name,
                action=what,
            )

    @property
    def second_factor_since(self) -> int | None:
        """When the second factor was enrolled (UTC ns), which tells it from another one; None
        without one.
        """
        return None if self.second_factor is None else self.second_factor.enrolled_at

    def has(self, right: Right) -> bool:
        return right in RIGHTS[self.role] or right in self.grants

    def text(self) -> str:
        """Return the record as JSON with exactly the fields that it was read with."""
        return record_text(self)

    def token_by_hash(self, token_sha256: str) -> TokenRecord | None:
        return next((one for one in self.tokens if one.token_sha256 == token_sha256), None)

    def token_by_id(self, token_id: str) -> TokenRecord | None:
        return next((one for one in self.tokens if one.id == token_id), None)

    @property
    def scope(self) -> CameraScope:
        return CameraScope(self.areas, self.classes, self.cameras)

    def person(self, token: TokenRecord) -> Person:
        return self.person_with(token.id)

    def person_with(self, credential: str) -> Person:
        """Return the person with the id of the token, or of the session, of a request."""
        return Person(
            self.name,
            self.role,
            frozenset(self.grants),
            self.scope,
            credential,
            self.added_at,
        )


def signed(record: PersonRecord, key: bytes) -> PersonRecord:
    """Return the record with its HMAC, in the schema that has one."""
    fields = json.loads(record.model_dump_json(by_alias=True)) | {"schema": _SIGNED_SCHEMA}
    complete = PersonRecord.model_validate(fields)
    return complete.model_copy(update={"mac": record_mac(complete, key, _PREFIX)})


def is_authentic(record: PersonRecord, key: bytes) -> bool:
    """Return whether the HMAC of the record is right; False for a record without one."""
    return is_mac_of(record.mac, record, key, _PREFIX)


def person_records(objects: ObjectStore, caches: bool = False) -> VersionedRecords[PersonRecord]:
    """Return the records of people in the object store."""
    return VersionedRecords(objects, PersonRecord, caches, _check_key)


def _check_key(key: str, record: PersonRecord) -> None:
    """Check that a record is where it was written. Raises DataLoss.

    A copy of an old version under a higher number would restore what was revoked.
    """
    own = person_object(record.name, record.version) if record.is_signed else None
    folder = key.removeprefix(PEOPLE_PREFIX).partition("/")[0]
    if record.name != folder or (own is not None and own != key):
        raise DataLoss("{key} holds the record of another person or version", key=key)
