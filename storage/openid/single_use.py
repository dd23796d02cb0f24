"""Values that are accepted once by all API processes of the site, in Redis.

{sign_in}:used:<purpose>:<SHA-256 of the value>   exists until the value has expired
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from storage.clients.redis import Redis


@dataclass(frozen=True, slots=True)
class SingleUse:
    """Remembers values until they would expire. Thread-safe. Raises IndexUnavailable."""

    redis: Redis

    def first(self, purpose: str, value: str, lifetime_s: int) -> bool:
        """Return whether this is the first use of a value; exactly one caller gets True."""
        key = f"{{sign_in}}:used:{purpose}:{hashlib.sha256(value.encode()).hexdigest()}"
        return self.redis.do("SET", key, "1", "NX", "EX", str(lifetime_s)) is not None
