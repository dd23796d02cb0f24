"""The request and response models of the sessions of browsers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.people.models import NAME_PATTERN
from api.requests.answers import Answer
from api.requests.reasons import MAX_CHARACTERS
from api.site.models import ScopeView
from domain.passwords import MAX_CHARACTERS as MAX_PASSWORD
from domain.people import Person, Right, Role
from domain.stored_model import WallNs
from storage.site.sessions import SessionRecord, SignInMethod


class SessionView(Answer):
    """The person of the token or of the session, and its rights."""

    name: str
    role: Role
    rights: list[Right]
    scope: ScopeView
    reason_required: bool = Field(description="whether evidence access needs a reason here")
    session: BrowserSessionView | None = Field(
        description="the session of a browser that has signed in; null for a token"
    )
    csrf_token: str | None = Field(
        description="each change with the session's cookie must carry it in `X-CSRF-Token`; null "
        "for a token"
    )

    @classmethod
    def of(
        cls,
        person: Person,
        reason_required: bool,
        session: SessionRecord | None,
        csrf_token: str | None,
    ) -> SessionView:
        return cls(
            name=person.name,
            role=person.role,
            rights=sorted(person.rights),
            scope=ScopeView.of(person.scope),
            reason_required=reason_required,
            session=None if session is None else BrowserSessionView.of(session),
            csrf_token=csrf_token,
        )


class BrowserSessionView(Answer):
    """A session of a browser that has signed in."""

    id: str = Field(description="names the session; it is no secret")
    person: str
    method: SignInMethod = Field(description="how the person has proved the identity")
    has_second_factor: bool = Field(description="whether a code was sent too")
    created_at: WallNs
    used_at: WallNs = Field(description="the last use, to about a minute")
    ends_at: WallNs = Field(description="when it ends if it is not used again")
    expires_at: WallNs = Field(description="when it ends in any case")
    address: str = Field(description="the address of the sign-in")
    user_agent: str = Field(description="what the browser called itself at the sign-in")
    reason: str | None = Field(description="the bound reason; null: none, or another person's")
    case: str | None = Field(description="the bound case; null: none, or another person's")
    emergency_until: WallNs | None = Field(
        description="until when its requests ask for emergency access; null: they do not"
    )

    @classmethod
    def of(cls, record: SessionRecord) -> BrowserSessionView:
        fields = {name: getattr(record, name) for name in cls.model_fields}
        return cls(**fields | {"reason": record.reason or None, "case": record.case or None})


class BrowserSessionList(Answer):
    """One page of sessions."""

    items: list[BrowserSessionView] = Field(description="the newest first")
    next: str | None = Field(description="cursor of the next page; null on the last")


class SignInAsked(BaseModel):
    """The body of a request to sign in with a password."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME_PATTERN)
    password: str = Field(min_length=1, max_length=MAX_PASSWORD, repr=False)
    code: str = Field(
        "",
        max_length=64,
        repr=False,
        description="a one-time code, or a recovery code; needed with a second factor",
    )


class SecondFactorAsked(BaseModel):
    """The body of a request to enrol a second factor."""

    model_config = ConfigDict(extra="forbid")

    password: str = Field(min_length=1, max_length=MAX_PASSWORD, repr=False)
    code: str = Field(
        "", max_length=64, repr=False, description="a code of the present second factor, if any"
    )


class SecondFactorOffer(Answer):
    """The secret of a second factor that is not yet confirmed; it is shown once."""

    secret: str = Field(description="for the authenticator app, in Base32")
    uri: str = Field(description="the same as `otpauth://` URI, for a QR code")


class CodeAsked(BaseModel):
    """The body of a request that confirms a second factor."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=64, repr=False, description="a code of the new secret")


class RecoveryCodes(Answer):
    """Codes for a person who has lost the authenticator app; each is valid once."""

    recovery_codes: list[str]


class PasswordChange(BaseModel):
    """The body of a request to change the own password."""

    model_config = ConfigDict(extra="forbid")

    old_password: str = Field(min_length=1, max_length=MAX_PASSWORD, repr=False)
    new_password: str = Field(
        max_length=2 * MAX_PASSWORD, repr=False, description="at least 12 characters"
    )


class SignedOutView(Answer):
    """The end of a session that the identity provider has signed in."""

    provider_logout: str | None = Field(
        description="the address at which the person signs out at the provider too; null: none"
    )


class ProviderLogoutView(Answer):
    """What a logout token of the identity provider has ended."""

    ended: int = Field(description="number of sessions")


class PurposeAsked(BaseModel):
    """The body of a request to bind a reason and a case to the session."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        max_length=MAX_CHARACTERS,
        description="used for requests of the session without `X-Reason`; empty: none",
    )
    case: Annotated[str, StringConstraints(strip_whitespace=True)] = Field(
        "", max_length=MAX_CHARACTERS, description="the case of this reason; empty: none"
    )
    emergency: bool = Field(
        False,
        strict=True,
        description="whether the requests of the session ask for emergency access, for half an "
        "hour; it needs a reason",
    )


SessionView.model_rebuild()
