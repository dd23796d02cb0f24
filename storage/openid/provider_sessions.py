"""What a session needs of the identity provider, encrypted in Redis.

{sessions}:openid:<id>         the refresh token and the id token of a session, encrypted
{sessions}:openid_check:<id>   exists while one process asks the provider about a session
"""

from __future__ import annotations

from pydantic import ValidationError

from domain.clock import NS_PER_MS, Clock
from domain.derived_keys import SecretCipher, derived_key
from domain.errors import DataLoss
from domain.stored_model import StoredModel, WallNs, schema_field
from storage.clients.redis import Command, Redis, text
from storage.site.sessions import SessionRecord

CHECK_LASTS_S = 20
"""Longer than the provider may take to answer. A process that died blocks no longer than this."""


class ProviderSession(StoredModel):
    """The tokens of a session, and when the provider last confirmed it."""

    subject: str
    provider_session: str
    """The `sid` of the provider's own session, or empty."""
    id_token: str
    refresh_token: str
    """Empty where the provider issues none; then the session cannot be checked."""
    checked_at: WallNs
    next_check_at: WallNs | None = None
    """Not before this time the provider is asked again, after it answered without a decision."""
    schema_: int = schema_field()


class ProviderSessions:
    """The tokens of the sessions that the provider has signed in. Thread-safe.

    Only programs with the people key can read or write them. Every method raises IndexUnavailable.
    """

    def __init__(self, redis: Redis, people_key: bytes, clock: Clock) -> None:
        self._redis = redis
        self._cipher = SecretCipher(derived_key(people_key, "tokens of the identity provider"))
        self._clock = clock

    def put(self, session: SessionRecord, held: ProviderSession) -> None:
        """Write the tokens of a session; they expire with it."""
        self._redis.do(*self._set(session, held))

    def replace(self, session: SessionRecord, held: ProviderSession) -> bool:
        """Replace the tokens of a session. Return False if it has ended, and write nothing then."""
        return self._redis.do(*self._set(session, held), "XX") is not None

    def find(self, session_id: str) -> ProviderSession | None:
        """Return the tokens of a session, or None if they are lost or not authentic."""
        content = text(self._redis.do("GET", _place(session_id)))
        if content is None:
            return None
        try:
            return ProviderSession.model_validate_json(
                self._cipher.decrypt(content, _context(session_id))
            )
        except (DataLoss, ValidationError):
            return None

    def _set(self, session: SessionRecord, held: ProviderSession) -> Command:
        left_ms = max(1, (session.expires_at - self._clock.wall_ns()) // NS_PER_MS)
        content = self._cipher.encrypt(held.model_dump_json(by_alias=True), _context(session.id))
        return ("SET", _place(session.id), content, "PX", left_ms)

    def delete(self, session_id: str) -> None:
        self._redis.do("DEL", _place(session_id))

    def begin_check(self, session_id: str) -> bool:
        """Return whether the caller may ask the provider; exactly one process may at a time."""
        place = f"{{sessions}}:openid_check:{session_id}"
        return self._redis.do("SET", place, "1", "NX", "EX", CHECK_LASTS_S) is not None

    def end_check(self, session_id: str) -> None:
        self._redis.do("DEL", f"{{sessions}}:openid_check:{session_id}")


def _place(session_id: str) -> str:
    return f"{{sessions}}:openid:{session_id}"


def _context(session_id: str) -> str:
    return f"the identity provider's tokens of session {session_id}"
