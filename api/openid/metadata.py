"""The metadata that the provider publishes (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from typing import Annotated

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict

from domain.messages.message import Message

WELL_KNOWN = "/.well-known/openid-configuration"


def _https(url: str) -> str:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(Message("is no address: {error}", error=error)) from error
    is_port = parts.port is None or 0 < parts.port < 65_536
    if parts.scheme != "https" or not parts.host or not is_port:
        raise ValueError("must be an https:// address")
    return url


Endpoint = Annotated[str, AfterValidator(_https)]


class ProviderMetadata(BaseModel):
    """What this site needs of the metadata; providers publish much more."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    issuer: str
    authorization_endpoint: Endpoint
    token_endpoint: Endpoint
    jwks_uri: Endpoint
    end_session_endpoint: Endpoint | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False
