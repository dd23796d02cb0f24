"""The records of people in Redis that this process has verified with the people key."""

from __future__ import annotations

import logging
import threading

from pydantic import ValidationError

from domain.metrics import PERSON_RECORDS_REFUSED
from storage.site.person_records import PersonRecord, is_authentic

_log = logging.getLogger(__name__)
_MOST_CACHED = 10_000


class VerifiedPeople:
    """The records of people that this process has verified, by name. Thread-safe.

    It refuses a version older than one that it has verified, because writing an old record back to
    Redis would restore what was revoked.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, PersonRecord | None]] = {}
        self._newest: dict[str, int] = {}
        self._owners: dict[str, str] = {}

    def owner(self, token_sha256: str) -> str | None:
        """Return the name of a token that was verified before; it may be revoked by now."""
        return self._owners.get(token_sha256)

    def read(self, name: str, found: str | None) -> PersonRecord | None:
        """Return the authentic record that `found` is, or None."""
        if found is None:
            return None
        known = self._known.get(name)
        if known is not None and known[0] == found:
            return known[1]
        record, why = self._verify(name, found)
        if record is None:
            PERSON_RECORDS_REFUSED.inc()
            _log.error("the record of %r in Redis is not used: %s", name, why)
        with self._lock:
            if record is not None and record.version < self._newest.get(name, 0):
                return record  # Another thread has read and verified a newer version meanwhile.
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
                self._owners.clear()
            self._known[name] = (found, record)
            if record is not None:
                self._newest[name] = record.version
                self._owners |= {token.token_sha256: name for token in record.tokens}
        return record

    def _verify(self, name: str, found: str) -> tuple[PersonRecord | None, str]:
        try:
            record = PersonRecord.model_validate_json(found)
        except ValidationError as error:
            return None, f"{error.error_count()} faults"
        if record.name != name or not is_authentic(record, self._key):
            return None, "its HMAC is wrong"
        if record.version < self._newest.get(name, 0):
            return None, f"it is version {record.version}, and a newer version was in force"
        return record, ""
