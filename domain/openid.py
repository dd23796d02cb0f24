"""OpenID Connect: the settings, checked together, and the identity of a person of the provider."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from domain.camera_scope import CameraScope
from domain.errors import BadInput
from domain.people import Right, Role
from domain.settings_groups.environment import EnvironmentFields

_PEOPLE_ROLES = frozenset(
    {Role.OPERATOR, Role.INVESTIGATOR, Role.INTEGRATOR, Role.AUDITOR, Role.ADMIN}
)
CALLBACK_PATH = "/v1/session/openid/callback"
_MAX_SECRET_BYTES = 4096


class OpenIdFields(EnvironmentFields):
    """The environment variables of OpenID Connect, which are a part of `Settings`."""

    openid_issuer: str = Field(
        "",
        description="issuer of the OpenID provider of the city, an https:// address; empty: "
        "people do not sign in with OpenID Connect",
    )
    openid_client_id: str = Field("", description="client id of this site at the OpenID provider")
    openid_client_secret_file: FilePath | None = Field(
        None, description="file that holds the client secret of this site at the OpenID provider"
    )
    openid_scopes: str = Field(
        "openid profile", description="scopes that are requested from the OpenID provider"
    )
    openid_ca: FilePath | None = Field(
        None,
        description="PEM file of the certificates that sign the server certificate of the OpenID "
        "provider; unset: those of the system",
    )
    openid_name_claim: str = Field(
        "preferred_username",
        min_length=1,
        description="claim of the id token that has the name of the person; a dot leads into an "
        "object",
    )
    openid_roles_claim: str = Field(
        "roles",
        min_length=1,
        description="claim of the id token that has the roles or groups of the person, such as "
        "`realm_access.roles`",
    )
    openid_roles: str = Field(
        "",
        description="JSON object from a value of the roles claim to a role and granted rights; "
        "the first value that a person has counts",
    )
    openid_areas_claim: str = Field(
        "",
        description="claim that has the areas that the person may see; `*` means all; empty: the "
        "provider does not limit areas",
    )
    openid_classes_claim: str = Field(
        "",
        description="claim that has the classes of cameras that the person may see; `*` means "
        "all; empty: the provider does not limit classes",
    )
    openid_cameras_claim: str = Field(
        "",
        description="claim that has the ids of cameras that the person may see in addition; empty: "
        "none",
    )
    openid_clock_skew_s: int = Field(
        30,
        ge=0,
        le=300,
        description="accepted difference between the clocks of this site and of the OpenID "
        "provider, in seconds",
    )
    openid_check_minutes: float = Field(
        5.0,
        gt=0,
        le=1440,
        description="minutes after which a session in use is checked again with the OpenID "
        "provider",
    )


class ClaimRole(BaseModel):
    """The role and the granted rights that one value of the roles claim gives."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    role: Role
    grants: tuple[Right, ...] = ()

    @field_validator("role")
    @classmethod
    def _is_of_a_person(cls, role: Role) -> Role:
        if role not in _PEOPLE_ROLES:
            raise ValueError(f"{role} is a role of machines, which do not sign in in a browser")
        return role


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """The claims that say who a person is. A dot leads into an object: `realm_access.roles`."""

    name: str
    roles: str
    areas: str = ""
    classes: str = ""
    cameras: str = ""
    """Empty for a limit that the provider does not set."""


@dataclass(frozen=True, slots=True)
class OpenIdSettings:
    """What the API needs to know of the identity provider of the city."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    origin: str
    """The origin of the API as browsers see it."""
    scopes: str
    ca: Path | None
    claims: ClaimNames
    roles: dict[str, ClaimRole]
    """By a value of the roles claim, in order of precedence."""
    clock_skew_s: int
    check_every_s: float

    @property
    def redirect_uri(self) -> str:
        return self.origin + CALLBACK_PATH


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """A verified person of the identity provider, with what the claims give."""

    issuer: str
    subject: str
    """Identifies the person at the issuer; it never changes."""
    name: str
    """For people to read; it does not identify the person."""
    role: Role
    grants: tuple[Right, ...]
    scope: CameraScope


def openid_settings(settings: OpenIdFields, origins: Sequence[str]) -> OpenIdSettings | None:
    """Return the settings of the provider, or None for a site without one. Raises BadInput.

    The provider redirects to the first of the `origins` of the site.
    """
    if not settings.openid_issuer:
        return None
    required = {
        "SIGHTLINE_OPENID_CLIENT_ID": settings.openid_client_id,
        "SIGHTLINE_OPENID_CLIENT_SECRET_FILE": settings.openid_client_secret_file,
        "SIGHTLINE_ORIGINS": origins,
        "SIGHTLINE_OPENID_ROLES": settings.openid_roles,
    }
    missing = [name for name, value in required.items() if not value]
    if missing:
        raise BadInput(
            "SIGHTLINE_OPENID_ISSUER is set, so set {missing} too", missing=", ".join(missing)
        )
    assert settings.openid_client_secret_file is not None
    return OpenIdSettings(
        issuer=_checked_url("SIGHTLINE_OPENID_ISSUER", settings.openid_issuer),
        client_id=settings.openid_client_id,
        client_secret=_secret(settings.openid_client_secret_file),
        origin=_checked_origin(origins[0]),
        scopes=_checked_scopes(settings.openid_scopes),
        ca=settings.openid_ca,
        claims=ClaimNames(
            settings.openid_name_claim,
            settings.openid_roles_claim,
            settings.openid_areas_claim,
            settings.openid_classes_claim,
            settings.openid_cameras_claim,
        ),
        roles=_roles(settings.openid_roles),
        clock_skew_s=settings.openid_clock_skew_s,
        check_every_s=settings.openid_check_minutes * 60,
    )


def _checked_url(name: str, url: str) -> str:
    """Return a URL of the provider, which is https without a query, a fragment or a password."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
        is_usable = is_usable and not parts.query and not parts.fragment and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise BadInput(
            "{name} must be an https:// address without a user name, a query "
            "or a fragment, such as https://id.example.cn/realms/city",
            name=name,
        )
    return url


def _checked_origin(url: str) -> str:
    """Return the origin of the site. Plain HTTP is accepted on loopback only."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise BadInput(
            "SIGHTLINE_ORIGINS begins with an http:// origin; for OpenID Connect its first entry "
            "must be the https:// origin of the site"
        )
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(file: Path) -> str:
    name = "SIGHTLINE_OPENID_CLIENT_SECRET_FILE"
    try:
        raw = file.read_bytes()
        secret = raw.decode("utf-8").strip()
    except OSError as error:
        raise BadInput(
            "{name} names {file}, which cannot be read: {reason}",
            name=name,
            file=file,
            reason=error.strerror,
        ) from error
    except UnicodeDecodeError as error:
        raise BadInput("{name} names {file}, which is not text", name=name, file=file) from error
    if not secret or len(raw) > _MAX_SECRET_BYTES or len(secret.split()) > 1:
        raise BadInput(
            "{name} names {file}; it must hold the client secret alone, on one line",
            name=name,
            file=file,
        )
    return secret


def _checked_scopes(scopes: str) -> str:
    names = scopes.split()
    if "openid" not in names:
        raise BadInput(
            "SIGHTLINE_OPENID_SCOPES must include `openid`, for example `openid profile`"
        )
    return " ".join(names)


_ROLES = TypeAdapter(dict[str, ClaimRole])


def _roles(text: str) -> dict[str, ClaimRole]:
    """Return the mapping of claim values to roles. Raises BadInput that names the wrong entry."""
    name = "SIGHTLINE_OPENID_ROLES"
    try:
        roles = _ROLES.validate_python(json.loads(text))
    except json.JSONDecodeError as error:
        raise BadInput(
            "{name} is not JSON at character {pos}: {msg}; write for example "
            '{"city-operators": {"role": "operator"}}',
            name=name,
            pos=error.pos + 1,
            msg=error.msg,
        ) from error
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the whole value"
        message = fault["msg"].removeprefix("Value error, ")
        raise BadInput(
            "{name}: {place}: {message}", name=name, place=place, message=message
        ) from error
    if not roles:
        raise BadInput("{name} maps no value to a role, so no person could sign in", name=name)
    return roles
