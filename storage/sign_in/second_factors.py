"""The second factor of people: the secret of an authenticator app, and recovery codes.

The secret is encrypted and the codes are keyed hashes, both with keys that are derived from the
people key, in the authentic record of the person.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from domain.clock import Clock
from domain.derived_keys import SecretCipher, derived_key, keyed_hash
from domain.errors import BadInput, RecordConflict
from domain.one_time_codes import new_recovery_codes, plain_recovery_code, step_of_code
from storage.sign_in.attempts import SignInAttempts
from storage.site.people import People
from storage.site.person_records import PersonRecord, SecondFactorRecord


class SecondFactors:
    """Enrols people and verifies their codes. Thread-safe."""

    def __init__(self, people: People, attempts: SignInAttempts, clock: Clock) -> None:
        self._people = people
        self._attempts = attempts
        self._clock = clock
        self._cipher = SecretCipher(derived_key(people.key, "second factors"))
        self._recovery_key = derived_key(people.key, "recovery codes")

    def encrypted(self, name: str, secret: str) -> str:
        """Return the secret of a person as it is stored."""
        return self._cipher.encrypt(secret, f"second factor of {name}")

    def is_code_right(self, name: str, encrypted_secret: str, code: str) -> bool:
        """Return whether a one-time code is right and is used for the first time. Raises DataLoss.

        All API processes share the used time steps, so a code that was overheard is worth nothing.
        """
        secret = self._cipher.decrypt(encrypted_secret, f"second factor of {name}")
        step = step_of_code(secret, code, self._clock.wall_ns())
        return step is not None and self._attempts.accept_step(name, step)

    def accepts(self, record: PersonRecord, code: str) -> bool:
        """Return whether a person with a second factor has sent a right code; a recovery code is
        used up.

        Raises DataLoss, ObjectsUnavailable.
        """
        factor = record.second_factor
        if factor is None:
            return False
        if self.is_code_right(record.name, factor.encrypted_secret, code):
            return True
        return self._uses_recovery_code(record.name, code)

    def enrol(
        self,
        name: str,
        encrypted_secret: str,
        is_expected: Callable[[PersonRecord], bool] = lambda record: True,
    ) -> tuple[str, ...]:
        """Store the secret of a person, in place of a former one; return new recovery codes.

        Raises BadInput if the newest record of the person is not the expected one.
        """

        def change(record: PersonRecord) -> dict[str, object]:
            if not is_expected(record):
                raise BadInput(
                    "the second factor or the sessions of {record} were changed meanwhile; begin "
                    "again",
                    record=name,
                )
            return {"second_factor": factor}

        codes = new_recovery_codes()
        factor = SecondFactorRecord(
            encrypted_secret=encrypted_secret,
            enrolled_at=self._clock.wall_ns(),
            recovery_codes=tuple(self._recovery_hash(name, code) for code in codes),
        )
        self._people.update(name, change)
        return codes

    def reset(self, name: str) -> PersonRecord:
        """Remove the second factor of a person and end all sessions. Raises NotFound."""

        def change(record: PersonRecord) -> dict[str, object]:
            generation = record.session_generation + 1
            return {"second_factor": None, "session_generation": generation}

        return self._people.update(name, change)

    def _uses_recovery_code(self, name: str, code: str) -> bool:
        """Return whether this is a recovery code of a person; then it is removed from the record.

        Of two requests with the same code one writes the next version of the record, and the other
        one is refused.
        """
        own = self._recovery_hash(name, code)
        present = self._people.present(name)
        factor = None if present is None else present.second_factor
        if factor is None or not _contains(factor, own):
            return False
        try:
            self._people.update(name, lambda record: _without(record, own))
        except RecordConflict:
            return False
        return True

    def _recovery_hash(self, name: str, code: str) -> str:
        return keyed_hash(self._recovery_key, f"{name}\n{plain_recovery_code(code)}")


def _contains(factor: SecondFactorRecord, own: str) -> bool:
    return any(hmac.compare_digest(one, own) for one in factor.recovery_codes)


def _without(record: PersonRecord, own: str) -> dict[str, object]:
    """Return the second factor without a recovery code. Raises RecordConflict if it is used up.

    The record comes from the object store, so it is the newest one.
    """
    factor = record.second_factor
    if factor is None or not _contains(factor, own):
        raise RecordConflict("the recovery code of {record} was used meanwhile", record=record.name)
    left = tuple(one for one in factor.recovery_codes if one != own)
    return {"second_factor": factor.model_copy(update={"recovery_codes": left})}
