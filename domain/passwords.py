"""Passwords: the rules of NIST SP 800-63B, and hashes by argon2id (RFC 9106).

It is the adapter of argon2-cffi; no other module imports that library.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from domain.errors import BadInput, DataLoss

MIN_CHARACTERS = 12
MAX_CHARACTERS = 256
_MIN_DIFFERENT = 4
_KB_PER_MB = 1024


def check_password(name: str, password: str) -> None:
    """Check a new password of the person `name`. Raises BadInput.

    Length decides; there are no rules on kinds of characters, and no password expires.
    """
    text = _normal(password)
    if len(text) < MIN_CHARACTERS:
        raise BadInput(
            "the new password has {count} characters; it needs at least "
            "{min_characters}, for example four words",
            count=len(text),
            min_characters=MIN_CHARACTERS,
        )
    if len(text) > MAX_CHARACTERS:
        raise BadInput(
            "the new password may have at most {max_characters} characters",
            max_characters=MAX_CHARACTERS,
        )
    if len(set(text)) < _MIN_DIFFERENT:
        raise BadInput(
            "the new password needs at least {min_different} different characters",
            min_different=_MIN_DIFFERENT,
        )
    rest = text.casefold().replace(name.casefold(), "")
    if len(rest) < MIN_CHARACTERS // 2:
        raise BadInput("the new password is little more than the name; choose another")


@dataclass(frozen=True, slots=True)
class HashCost:
    """What the hash of a password costs who computes it; higher is stronger."""

    memory_mb: int
    passes: int


class PasswordHasher:
    """Hashes and verifies passwords. Thread-safe; each call takes some tenths of a second."""

    def __init__(self, cost: HashCost) -> None:
        self._argon2 = Argon2(
            time_cost=cost.passes, memory_cost=cost.memory_mb * _KB_PER_MB, parallelism=1
        )
        self._unknown = self._argon2.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        return self._argon2.hash(_normal(password))

    def is_right(self, password_hash: str | None, password: str) -> bool:
        """Return whether the password belongs to a hash. Raises DataLoss for a text that is no
        hash.

        Without a hash it is False after the same work, so that the time does not tell whether a
        name exists.
        """
        try:
            self._argon2.verify(password_hash or self._unknown, _normal(password))
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError) as error:
            raise DataLoss("a stored password hash is damaged; set the password again") from error
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether a hash was made at another cost than that of the settings."""
        return self._argon2.check_needs_rehash(password_hash)


def _normal(password: str) -> str:
    """Return the form of Unicode (NFKC) in which keyboards and systems agree."""
    return unicodedata.normalize("NFKC", password)
