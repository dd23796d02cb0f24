"""The code flow of OpenID Connect: from the redirect to the provider to the verified identity.

What the callback needs is in an encrypted cookie of the browser that began the sign-in: state,
nonce and PKCE verifier. So the callback of one browser is of no use in another.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, ValidationError

from api.openid.authlib_client import AuthlibClient, TokenAnswer
from api.openid.identity import identity_of
from api.openid.metadata import ProviderMetadata
from api.openid.provider import OpenIdProvider
from api.openid.signed_tokens import (
    Claims,
    Expected,
    key_id_of,
    verified_id_token,
    verified_logout_token,
)
from domain.clock import NS_PER_S, Clock
from domain.derived_keys import SecretCipher
from domain.errors import BadInput, DataLoss, ProviderError, SignInRefused
from domain.openid import OpenIdSettings, ProviderIdentity
from storage.openid.single_use import SingleUse

LIFETIME_S = 600
"""How long a person may take to sign in at the provider."""
MAX_RETURN_CHARACTERS = 500
_COOKIE_CONTEXT = "an OpenID sign-in"
_LOGOUT_TOKENS_KEPT_S = 3600
"""Longer than a logout token is accepted after its time of issue."""
_MAX_ERROR_CHARACTERS = 100


class _Attempt(BaseModel):
    """What the cookie of a browser has during a sign-in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str
    nonce: str
    verifier: str
    return_to: str
    begun_at_ns: int

    @property
    def expires_s(self) -> int:
        return self.begun_at_ns // NS_PER_S + LIFETIME_S


@dataclass(frozen=True, slots=True)
class StartedSignIn:
    """The address at the provider, and the cookie for the callback."""

    url: str
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Callback:
    """The parameters with which the provider redirects back; empty where one is absent."""

    code: str = field(repr=False)
    state: str = field(repr=False)
    issuer: str
    error: str


@dataclass(frozen=True, slots=True)
class FinishedSignIn:
    """The verified identity, and the secrets that its session needs later."""

    identity: ProviderIdentity
    return_to: str
    tokens: TokenAnswer = field(repr=False)
    provider_session: str
    """The `sid` of the provider's own session, or empty."""
    begun_at_ns: int
    """When the person began to sign in (UTC)."""


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The person or the session of the provider that a logout token names; one may be empty."""

    subject: str
    provider_session: str


class OpenIdSignIn:
    """Signs people in with the identity provider. Thread-safe.

    Its methods raise SignInRefused, Forbidden, and ProviderUnavailable, and block while the
    provider is asked.
    """

    def __init__(
        self,
        settings: OpenIdSettings,
        provider: OpenIdProvider,
        client: AuthlibClient,
        cipher: SecretCipher,
        used: SingleUse,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.provider = provider
        self._client = client
        self._cipher = cipher
        self._used = used
        self._clock = clock

    def start(self, return_to: str) -> StartedSignIn:
        """Begin a sign-in that ends at the local path `return_to`. Raises BadInput."""
        attempt = _Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            return_to=checked_return_path(return_to),
            begun_at_ns=self._clock.wall_ns(),
        )
        url = self._client.authorization_url(
            self.provider.metadata(), attempt.state, attempt.nonce, attempt.verifier
        )
        # A cookie with the padding of base64 would be sent in quotation marks.
        cookie = self._cipher.encrypt(attempt.model_dump_json(), _COOKIE_CONTEXT).rstrip("=")
        return StartedSignIn(url, cookie)

    def finish(self, callback: Callback, cookie: str) -> FinishedSignIn:
        """Verify a callback and return the identity of the person."""
        attempt = self._attempt(cookie)
        if not hmac.compare_digest(attempt.state.encode(), callback.state.encode()):
            raise SignInRefused(
                "the answer of the identity provider belongs to another sign-in (state); begin "
                "again"
            )
        metadata = self.provider.metadata()
        self._check_issuer(callback, metadata)
        if not self._used.first("openid state", attempt.state, LIFETIME_S):
            raise SignInRefused("this sign-in is already finished (state); begin again")
        if callback.error:
            code = "".join(one for one in callback.error if one.isprintable())
            raise SignInRefused(
                "the identity provider refused the sign-in ({code})",
                code=repr(code[:_MAX_ERROR_CHARACTERS]),
            )
        if not callback.code:
            raise SignInRefused("the identity provider sent no code; begin again")
        tokens = self._client.exchange(metadata, callback.code, attempt.verifier)
        claims = self._verified(tokens, attempt.nonce)
        return FinishedSignIn(
            identity_of(claims, self.settings.claims, self.settings.roles),
            attempt.return_to,
            tokens,
            _text(claims, "sid"),
            attempt.begun_at_ns,
        )

    def refreshed(
        self, refresh_token: str, subject: str
    ) -> tuple[TokenAnswer, ProviderIdentity | None]:
        """Ask the provider whether a person may still sign in; return the next tokens.

        The identity is that of the new id token, or None if the provider sends none. Raises
        SignInRefused where the provider refuses. A token that cannot be verified is no refusal: the
        keys or the clock of the provider may have changed, which ends the session of no person.
        """
        tokens = self._client.refresh(self.provider.metadata(), refresh_token)
        if not tokens.id_token:
            return tokens, None
        try:
            claims = self._verified(tokens, None)
        except SignInRefused as error:
            raise ProviderError(error.message) from error
        if claims["sub"] != subject:
            raise SignInRefused("the identity provider answered for another person (sub)")
        return tokens, identity_of(claims, self.settings.claims, self.settings.roles)

    def logged_out(self, logout_token: str) -> LoggedOut:
        """Verify the token of a back-channel logout, which is accepted once."""
        keys = self.provider.keys(key_id_of(logout_token))
        claims = verified_logout_token(logout_token, keys, self._expected())
        if not self._used.first("openid logout", claims["jti"], _LOGOUT_TOKENS_KEPT_S):
            raise SignInRefused("this logout token was used before (jti)")
        return LoggedOut(_text(claims, "sub"), _text(claims, "sid"))

    def logout_url(self, id_token: str) -> str | None:
        """Return the address that ends the session at the provider, or None if it has none."""
        endpoint = self.provider.metadata().end_session_endpoint
        if endpoint is None:
            return None
        query = urlencode(
            {
                "client_id": self.settings.client_id,
                "post_logout_redirect_uri": f"{self.settings.origin}/",
                **({"id_token_hint": id_token} if id_token else {}),
            },
            quote_via=quote,
        )
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    def _attempt(self, cookie: str) -> _Attempt:
        if not cookie:
            raise SignInRefused(
                "this browser did not begin the sign-in, or it took longer "
                "than {lifetime_minutes} minutes; begin again",
                lifetime_minutes=LIFETIME_S // 60,
            )
        try:
            padded = cookie + "=" * (-len(cookie) % 4)
            attempt = _Attempt.model_validate_json(self._cipher.decrypt(padded, _COOKIE_CONTEXT))
        except (DataLoss, ValidationError) as error:
            raise SignInRefused("the cookie of the sign-in was changed; begin again") from error
        if attempt.expires_s <= self._now_s():
            raise SignInRefused(
                "the sign-in took longer than {lifetime_minutes} minutes; begin again",
                lifetime_minutes=LIFETIME_S // 60,
            )
        return attempt

    def _check_issuer(self, callback: Callback, metadata: ProviderMetadata) -> None:
        """Check the issuer of the answer (RFC 9207), against a mix-up of providers."""
        if callback.issuer and callback.issuer != self.settings.issuer:
            raise SignInRefused("the answer comes from another identity provider (iss)")
        if not callback.issuer and metadata.authorization_response_iss_parameter_supported:
            raise SignInRefused("the answer does not name the identity provider (iss)")

    def _verified(self, tokens: TokenAnswer, nonce: str | None) -> Claims:
        keys = self.provider.keys(key_id_of(tokens.id_token))
        return verified_id_token(
            tokens.id_token,
            keys,
            self._expected(),
            nonce=nonce,
            access_token=tokens.access_token,
        )

    def _expected(self) -> Expected:
        return Expected(
            self.settings.issuer,
            self.settings.client_id,
            self._clock.wall_ns() / NS_PER_S,
            self.settings.clock_skew_s,
        )

    def _now_s(self) -> int:
        return self._clock.wall_ns() // NS_PER_S


def checked_return_path(path: str) -> str:
    """Return a path of this site. Raises BadInput for any address that could lead elsewhere."""
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in path
    is_plain = path.isascii() and path.isprintable() and " " not in path
    if not (is_local and is_plain and len(path) <= MAX_RETURN_CHARACTERS):
        raise BadInput(
            "return_to must be a path of this site that begins with one slash, such as /events"
        )
    return path


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
