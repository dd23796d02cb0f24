"""The adapter of Authlib: the authorization request and the requests to the token endpoint.

The library is loaded by the first sign-in, because most sites have no identity provider.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import httpx

from api.openid.metadata import ProviderMetadata
from domain.errors import ProviderError, ProviderUnavailable, SignInRefused
from domain.openid import OpenIdSettings

if TYPE_CHECKING:
    from authlib.oauth2.client import OAuth2Client

_GRANT_ERRORS = frozenset(
    {
        "invalid_grant",
        "access_denied",
        # The person must sign in again at the provider (OpenID Connect Core 1.0, section 3.1.2.6).
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
    }
)
"""The errors by which the provider refuses a person. Another error may say that the configuration
is wrong, or something about one person that only this provider knows.
"""
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The tokens of the provider. All of them are secret."""

    id_token: str = field(repr=False)
    """Empty where a refresh returned none."""
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    """Empty where the provider issues none."""


@dataclass(frozen=True, slots=True)
class AuthlibClient:
    """Makes the requests of the code flow with PKCE (RFC 6749, RFC 7636). Thread-safe."""

    http: httpx.Client
    settings: OpenIdSettings = field(repr=False)

    def authorization_url(
        self, metadata: ProviderMetadata, state: str, nonce: str, verifier: str
    ) -> str:
        client = self._client(
            scope=self.settings.scopes,
            redirect_uri=self.settings.redirect_uri,
            code_challenge_method="S256",
        )
        url, _ = client.create_authorization_url(
            metadata.authorization_endpoint, state=state, code_verifier=verifier, nonce=nonce
        )
        return str(url)

    def exchange(self, metadata: ProviderMetadata, code: str, verifier: str) -> TokenAnswer:
        """Exchange a code for tokens. Raises SignInRefused, ProviderUnavailable."""
        return self._request(
            metadata,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=self.settings.redirect_uri,
        )

    def refresh(self, metadata: ProviderMetadata, refresh_token: str) -> TokenAnswer:
        """Ask whether a person may still sign in. Raises SignInRefused, ProviderUnavailable."""
        answer = self._request(metadata, grant_type="refresh_token", refresh_token=refresh_token)
        # A provider that does not rotate refresh tokens returns none.
        kept = answer.refresh_token or refresh_token
        return TokenAnswer(answer.id_token, answer.access_token, kept)

    def _request(self, metadata: ProviderMetadata, **parameters: str) -> TokenAnswer:
        auth, own = self._authentication(metadata)
        client = self._client()
        client.oauth_error_class = _TokenError
        try:
            answer = client.fetch_token(metadata.token_endpoint, auth=auth, **parameters, **own)
        except _TokenError as error:
            raise _mapped(error) from error
        except httpx.HTTPError as error:
            raise ProviderUnavailable(
                "the token endpoint of the identity provider does not answer: {error}", error=error
            ) from error
        except (ValueError, TypeError, RecursionError) as error:
            raise _unreadable() from error
        tokens = TokenAnswer(
            _text(answer, "id_token"), _text(answer, "access_token"), _text(answer, "refresh_token")
        )
        if not tokens.access_token:
            # Authlib takes any JSON object without `error` for tokens, also that of a 429.
            raise ProviderUnavailable(
                "the token endpoint of the identity provider sent neither tokens nor an error"
            )
        return tokens

    def _client(self, **options: str) -> OAuth2Client:
        from authlib.oauth2.client import OAuth2Client

        return OAuth2Client(self.http, self.settings.client_id, **options)

    def _authentication(self, metadata: ProviderMetadata) -> tuple[httpx.Auth, dict[str, str]]:
        """Return how this site proves its identity: in a header, or in the body."""
        client_id, secret = self.settings.client_id, self.settings.client_secret
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            # RFC 6749, section 2.3.1: both are form-encoded first.
            return httpx.BasicAuth(quote_plus(client_id), quote_plus(secret)), {}
        return httpx.Auth(), {"client_id": client_id, "client_secret": secret}


class _TokenError(Exception):
    """An error of the token endpoint (RFC 6749, section 5.2). Authlib constructs it."""

    def __init__(self, error: object, description: object = None) -> None:
        super().__init__(str(error)[:_MAX_TEXT], str(description or "")[:_MAX_TEXT])


def _unreadable() -> ProviderError:
    return ProviderError(
        "the token endpoint of the identity provider sent an answer that cannot be read"
    )


def _mapped(error: _TokenError) -> SignInRefused | ProviderError:
    code, description = error.args
    said = f"{code}: {description}" if description else code
    if code in _GRANT_ERRORS:
        return SignInRefused(
            "the identity provider refused the sign-in ({answer})", answer=repr(said)
        )
    return ProviderError(
        "the identity provider does not accept this site's requests ({answer}); "
        "check the client id, the client secret and the redirect address",
        answer=repr(said),
    )


def _text(answer: dict[str, object], name: str) -> str:
    """Return a token, which is ASCII (RFC 6749, appendix A), or an empty text if it is absent."""
    value = answer.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isascii():
        raise _unreadable()
    return value
