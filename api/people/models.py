"""The request and response models of people, their roles, scopes and tokens."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.requests.answers import Answer
from api.requests.times import BodyMoment
from api.site.models import ScopeView
from domain.camera_scope import UNLIMITED, CameraScope
from domain.people import RIGHTS, Right, Role
from domain.stored_model import WallNs
from storage.site.person_records import FIRST_TOKEN, IdentityRecord, PersonRecord, TokenRecord

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_MOST_NAMED = 500
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Named = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ScopeAsked(BaseModel):
    """The cameras that a person may see: at least one area, class or camera."""

    model_config = ConfigDict(extra="forbid")

    areas: list[Named] = Field(
        [], max_length=_MOST_NAMED, description="areas with all areas below them"
    )
    classes: list[Literal["A", "B", "C"]] = Field(
        [], max_length=3, description="classes of cameras in these areas"
    )
    cameras: list[Named] = Field(
        [], max_length=_MOST_NAMED, description="cameras in addition, by id"
    )

    @model_validator(mode="after")
    def _check_limits_something(self) -> ScopeAsked:
        if self.scope.is_unlimited:
            raise ValueError("names no area, class or camera; null means every camera")
        return self

    @property
    def scope(self) -> CameraScope:
        return CameraScope(tuple(self.areas), tuple(self.classes), tuple(self.cameras))


def scope_of(asked: ScopeAsked | None) -> CameraScope:
    """Return the scope that a request names; null means every camera."""
    return UNLIMITED if asked is None else asked.scope


class PersonAsked(BaseModel):
    """The body of a request to add a person or a machine."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME_PATTERN, examples=["li.wei"])
    role: Role
    grants: list[Right] = Field([], description="rights in addition to those of the role")
    scope: ScopeAsked | None = Field(None, description="null: every camera")
    expires: BodyMoment | None = Field(
        None, description="when the first token expires; null: never"
    )
    reason: Reason = Field(description="why; it is in the audit log")


class PersonChange(BaseModel):
    """The body of a request to change a person; what it leaves out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    grants: list[Right] | None = Field(
        None, description="rights in addition to those of the role; they replace the former ones"
    )
    scope: ScopeAsked | None = Field(
        None, description="it replaces the former scope; null: every camera"
    )
    reason: Reason = Field(description="why; it is in the audit log")

    @property
    def new_scope(self) -> CameraScope | None:
        """The scope to set; None if the request leaves it out."""
        return scope_of(self.scope) if "scope" in self.model_fields_set else None

    @property
    def is_empty(self) -> bool:
        return self.role is None and self.grants is None and self.new_scope is None


class TokenAsked(BaseModel):
    """The body of a request for a new token of a person."""

    model_config = ConfigDict(extra="forbid")

    token_name: str = Field(
        FIRST_TOKEN,
        pattern=NAME_PATTERN,
        description="a token of this name is replaced, and is then no longer valid",
        examples=["workstation"],
    )
    expires: BodyMoment | None = Field(None, description="when it expires; null: never")
    reason: Reason = Field(description="why; it is in the audit log")


class TokenView(Answer):
    """A token of a person, without the token itself, which is stored nowhere."""

    name: str
    added_at: WallNs
    expires_at: WallNs | None

    @classmethod
    def of(cls, token: TokenRecord) -> TokenView:
        return cls(name=token.name, added_at=token.added_at, expires_at=token.expires_at)


class IdentityView(Answer):
    """The identity of a person at the identity provider."""

    issuer: str
    subject: str = Field(description="identifies the person at the issuer (`sub`)")
    name: str = Field(description="the name there; it may change, and is no identity")

    @classmethod
    def of(cls, identity: IdentityRecord) -> IdentityView:
        return cls(issuer=identity.issuer, subject=identity.subject, name=identity.name)


class PersonView(Answer):
    """A person or a machine: role, rights, scope, and the names of the tokens."""

    name: str
    role: Role
    grants: list[Right] = Field(description="rights in addition to those of the role")
    rights: list[Right] = Field(description="all rights: those of the role and the granted ones")
    scope: ScopeView
    tokens: list[TokenView]
    identity: IdentityView | None = Field(
        description="of a person who signs in with the identity provider; null: added here"
    )
    added_at: WallNs

    @classmethod
    def of(cls, record: PersonRecord) -> PersonView:
        return cls(
            name=record.name,
            role=record.role,
            grants=list(record.grants),
            rights=sorted(RIGHTS[record.role] | set(record.grants)),
            scope=ScopeView.of(record.scope),
            tokens=[TokenView.of(token) for token in record.tokens],
            identity=None if record.identity is None else IdentityView.of(record.identity),
            added_at=record.added_at,
        )


class PersonList(Answer):
    """One page of the people of the site."""

    items: list[PersonView] = Field(description="by name")
    next: str | None = Field(description="cursor of the next page; null on the last")
    refused: list[str] = Field(
        default=[],
        description="names whose record is not authentic, so that their tokens are not valid",
    )


class PersonAdded(PersonView):
    """A new person with the first token."""

    token: str = Field(repr=False, description="the new token, which only this answer has")
    warnings: list[str] = Field(
        default=[], description="areas and cameras of the scope that the registry lacks"
    )


class PersonChanged(PersonView):
    """A person after a change."""

    warnings: list[str] = Field(
        default=[], description="areas and cameras of the scope that the registry lacks"
    )


class TokenAdded(TokenView):
    """A new token."""

    token: str = Field(repr=False, description="the new token, which only this answer has")
