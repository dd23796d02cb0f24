"""The logouts that the provider has announced lately, in Redis, for sign-ins that are not finished.

{sign_in}:logged_out:<hash of a session>   a session of the provider ended
{sign_in}:logged_out:<hash of a person>    all sessions of a person ended; the time (UTC ns)

A logout that arrives between the provider's answer and the start of the session here would
otherwise find no session to end, and the session would last until its next check.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from storage.clients.redis import Redis, text

KEPT_S = 1200
"""Longer than a sign-in may take."""


@dataclass(frozen=True, slots=True)
class ProviderLogouts:
    """Remembers logouts for some minutes. Thread-safe. Raises IndexUnavailable."""

    redis: Redis

    def add(self, subject: str, provider_session: str, now_ns: int) -> None:
        """Remember a logout: of a session of the provider, or of a person if none is named."""
        kind, name = ("session", provider_session) if provider_session else ("person", subject)
        self.redis.do("SET", _place(kind, name), now_ns, "EX", KEPT_S)

    def covers(self, subject: str, provider_session: str, begun_at_ns: int) -> bool:
        """Return whether a logout ended a sign-in that began at this time."""
        if provider_session and self.redis.do("GET", _place("session", provider_session)):
            return True
        at_ns = text(self.redis.do("GET", _place("person", subject)))
        return at_ns is not None and at_ns.isdecimal() and begun_at_ns <= int(at_ns)


def _place(kind: str, name: str) -> str:
    return f"{{sign_in}}:logged_out:{hashlib.sha256(f'{kind} {name}'.encode()).hexdigest()}"
