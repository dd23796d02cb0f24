"""The passwords of the embedded servers, and the URL of Valkey with one of them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from sightline.privileges.store_users import StoreUser


@dataclass(frozen=True, slots=True)
class StoreSecrets:
    """The passwords of the embedded servers."""

    valkey_password: str
    s3_access_key: str
    s3_secret_key: str
    seaweedfs_signing_key: str

    def redis_password(self, user: StoreUser) -> str:
        return _derived(self.valkey_password, user)

    def s3_credentials(self, user: StoreUser) -> tuple[str, str]:
        """Return the access key and the secret key of a user."""
        return user, _derived(self.s3_secret_key, user)


def _derived(secret: str, user: StoreUser) -> str:
    """Return the secret of a user, which reveals neither `secret` nor that of another user."""
    return hmac.new(secret.encode(), user.encode(), hashlib.sha256).hexdigest()


def valkey_url(port: int, secrets: StoreSecrets, user: StoreUser | None = None) -> str:
    """Return the URL for a user; without one, for the administrator."""
    login = f":{secrets.valkey_password}"
    if user is not None:
        login = f"{user}:{secrets.redis_password(user)}"
    return f"redis://{login}@127.0.0.1:{port}/0"
