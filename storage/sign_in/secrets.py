"""What people sign in with: the hash of a password, in the authentic record of the person.

Nodes can read the records, so the hash is encrypted with a key that is derived from the people key:
without that key passwords cannot be tried out on it.
"""

from __future__ import annotations

import logging

from domain.clock import Clock
from domain.derived_keys import SecretCipher, derived_key
from domain.errors import ObjectsUnavailable, RecordConflict
from storage.site.people import People
from storage.site.person_records import PasswordRecord, PersonRecord

_log = logging.getLogger(__name__)


class SignInSecrets:
    """Reads and changes what people sign in with. Thread-safe."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._cipher = SecretCipher(derived_key(people.key, "password hashes"))

    def password_hash(self, record: PersonRecord | None) -> str | None:
        """Return the hash of the password of a person; None if there is none. Raises DataLoss."""
        if record is None or record.password is None:
            return None
        return self._cipher.decrypt(record.password.encrypted_hash, f"password of {record.name}")

    def set_password(self, name: str, password_hash: str) -> PersonRecord:
        """Set the password of a person and end all sessions. Raises NotFound, BadInput."""

        return self._replace_password(name, self._password(name, password_hash))

    def change_password(self, verified: PersonRecord, password_hash: str) -> PersonRecord:
        """Set another password in place of the one of `verified`, and end all sessions.

        Raises NotFound, BadInput, and RecordConflict if the password was set or removed since it
        was verified: an administrator may have reset it because another person knows it.
        """
        password = self._password(verified.name, password_hash)
        return self._replace_password(verified.name, password, verified)

    def remove_password(self, name: str) -> PersonRecord:
        """Remove the password of a person and end all sessions; tokens stay valid."""
        return self._replace_password(name, None)

    def rehash_password(self, record: PersonRecord, password_hash: str) -> PersonRecord:
        """Replace the hash of the same password by a stronger one; return the record with it.

        Where that is not possible now, the next sign-in does it.
        """

        def change(newest: PersonRecord) -> dict[str, object]:
            _check_same_password(newest, record)
            return {"password": self._password(record.name, password_hash)}

        try:
            return self._people.update(record.name, change)
        except (RecordConflict, ObjectsUnavailable) as error:
            _log.info("the password of %s is hashed again later: %s", record.name, error)
            return record

    def _replace_password(
        self, name: str, password: PasswordRecord | None, verified: PersonRecord | None = None
    ) -> PersonRecord:
        def change(record: PersonRecord) -> dict[str, object]:
            if password is not None:
                record.check_is_local("a password")
            if verified is not None:
                _check_same_password(record, verified)
            generation = record.session_generation + 1
            return {"password": password, "session_generation": generation}

        return self._people.update(name, change)

    def _password(self, name: str, password_hash: str) -> PasswordRecord:
        encrypted = self._cipher.encrypt(password_hash, f"password of {name}")
        return PasswordRecord(encrypted_hash=encrypted, set_at=self._clock.wall_ns())


def _check_same_password(newest: PersonRecord, verified: PersonRecord) -> None:
    """Raises RecordConflict if a person has another password than in an earlier record."""
    if newest.password != verified.password:
        raise RecordConflict("the password of {record} was changed meanwhile", record=newest.name)
