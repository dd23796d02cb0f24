"""The identity provider as seen over HTTP: its metadata and its keys, fetched and cached.

Nothing is fetched at the start of the API, and a provider that does not answer is asked again only
after some seconds. So it delays no request but those that need it.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx
from pydantic import ValidationError

from api.openid.limited_transport import LimitedTransport
from api.openid.metadata import WELL_KNOWN, ProviderMetadata
from api.openid.signed_tokens import PublicKeys
from domain.clock import Clock
from domain.errors import ProviderUnavailable
from domain.messages.message import Message
from domain.openid import OpenIdSettings

_log = logging.getLogger(__name__)
METADATA_FRESH_S = 600.0
KEYS_FRESH_S = 300.0
KEYS_AT_LEAST_S = 2.0
"""A token with an unknown key makes the keys be fetched again, but not more often than this."""
RETRY_AFTER_S = 5.0
_TIMEOUT = httpx.Timeout(5.0, connect=2.0)
_MOST_CONNECTIONS = 16
T = TypeVar("T")


def provider_client(settings: OpenIdSettings, clock: Clock) -> httpx.Client:
    """Return the HTTP client for the provider. It trusts the CA of the settings, if one is set.

    It follows no redirects, uses no proxy of the environment, and limits each answer.
    """
    trust = ssl.create_default_context(cafile=None if settings.ca is None else str(settings.ca))
    transport = httpx.HTTPTransport(
        verify=trust,
        trust_env=False,
        limits=httpx.Limits(max_connections=_MOST_CONNECTIONS),
    )
    return httpx.Client(
        transport=LimitedTransport(transport, clock),
        trust_env=False,
        follow_redirects=False,
        timeout=_TIMEOUT,
        headers={"Accept-Encoding": "identity"},
    )


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    value: T
    at_s: float


class _Cached(Generic[T]):
    """A value that is fetched when it is needed and old. Thread-safe.

    If a fetch fails, the former value stays in use, and the next fetch is some seconds later.
    """

    def __init__(self, fetch: Callable[[], T], fresh_s: float, clock: Clock) -> None:
        self._fetch = fetch
        self._fresh_s = fresh_s
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held[T] | None = None
        self._failed: _Held[ProviderUnavailable] | None = None

    def get(self, at_most_s: float | None = None) -> T:
        """Return the value, fetched within the last `at_most_s`. Raises ProviderUnavailable."""
        limit_s = self._fresh_s if at_most_s is None else at_most_s
        with self._lock:
            now_s = self._clock.monotonic_s()
            if self._held is not None and now_s - self._held.at_s < limit_s:
                return self._held.value
            if self._failed is not None and now_s - self._failed.at_s < RETRY_AFTER_S:
                return self._former(self._failed.value)
            try:
                self._held = _Held(self._fetch(), self._clock.monotonic_s())
                self._failed = None
            except ProviderUnavailable as error:
                _log.warning("%s", error)
                self._failed = _Held(error, self._clock.monotonic_s())
                return self._former(error)
            return self._held.value

    def failure(self) -> Message | None:
        """Return why the last fetch failed, without a fetch; None after a success."""
        failed = self._failed
        return None if failed is None else failed.value.message

    @property
    def was_fetched(self) -> bool:
        return self._held is not None

    def _former(self, error: ProviderUnavailable) -> T:
        if self._held is None:
            raise ProviderUnavailable(error.message) from error
        return self._held.value


class OpenIdProvider:
    """The metadata and the keys of the provider. Thread-safe."""

    def __init__(self, settings: OpenIdSettings, http: httpx.Client, clock: Clock) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._metadata = _Cached(self._fetch_metadata, METADATA_FRESH_S, clock)
        self._keys = _Cached(self._fetch_keys, KEYS_FRESH_S, clock)
        self._checking = threading.Lock()

    def metadata(self) -> ProviderMetadata:
        """Return the metadata. Raises ProviderUnavailable."""
        return self._metadata.get()

    def keys(self, key_id: str | None) -> PublicKeys:
        """Return the keys of the provider, fetched again if the wanted one is unknown.

        Raises ProviderUnavailable.
        """
        keys = self._keys.get()
        if key_id is not None and key_id not in keys.ids:
            keys = self._keys.get(KEYS_AT_LEAST_S)
        return keys

    def fault(self) -> Message | None:
        """Return why people cannot sign in with the provider, as of the last seconds.

        The provider is asked in another thread, so the caller never waits for it.
        """
        if self._checking.acquire(blocking=False):
            threading.Thread(target=self._check, name="openid-check", daemon=True).start()
        fault = self._metadata.failure() or self._keys.failure()
        if fault is None and not self._keys.was_fetched:
            return Message("the identity provider has not answered yet")
        return fault

    def _check(self) -> None:
        try:
            self.metadata()
            self.keys(None)
        except ProviderUnavailable as error:
            _log.debug("people cannot sign in with the identity provider: %s", error)
        finally:
            self._checking.release()

    def _fetch_metadata(self) -> ProviderMetadata:
        url = self._settings.issuer.rstrip("/") + WELL_KNOWN
        try:
            metadata = ProviderMetadata.model_validate_json(self._read(url))
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, fault["loc"])) or "the document"
            raise ProviderUnavailable(
                "the metadata of the identity provider at {url} is not usable: {place}: {fault}",
                url=url,
                place=place,
                fault=fault["msg"],
            ) from error
        if metadata.issuer != self._settings.issuer:
            raise ProviderUnavailable(
                "the metadata at {url} is of another issuer, {issuer}; set "
                "SIGHTLINE_OPENID_ISSUER to the exact issuer of the provider",
                url=url,
                issuer=repr(metadata.issuer[:200]),
            )
        return metadata

    def _fetch_keys(self) -> PublicKeys:
        url = self.metadata().jwks_uri
        try:
            return PublicKeys.parse(self._read(url))
        except ValueError as error:
            raise ProviderUnavailable(
                "the keys of the identity provider at {url} are not usable: {error}",
                url=url,
                error=error,
            ) from error

    def _read(self, url: str) -> bytes:
        try:
            response = self._http.get(url, headers={"Accept": "application/json"})
        except httpx.HTTPError as error:
            raise ProviderUnavailable(
                "the identity provider does not answer at {url}: {error}", url=url, error=error
            ) from error
        if response.status_code != httpx.codes.OK:
            raise ProviderUnavailable(
                "the identity provider answered {status_code} for {url}",
                status_code=response.status_code,
                url=url,
            )
        return response.content
