"""The declaration that every route needs: its right, its scope, and its name in the audit log."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.limits.thread_pools import Pool
from api.requests.problems import Kind
from api.websockets.handshakes import SWITCHING_PROTOCOLS
from domain.access_policy.check import PolicyCalls
from domain.people import Person, Right

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
COMPRESSIBLE_TYPES = frozenset(
    {
        JSON,
        "application/x-ndjson",
        "application/vnd.apple.mpegurl",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/plain",
    }
)
"""The media types of texts. Media are compressed already, and a feed must not be held back."""


OWN_SESSION = "/v1/session"


class Access(StrEnum):
    """The access levels that need no right."""

    ANYONE = "anyone"  # also without a token
    SIGNED_IN = "signed_in"  # any person with a token


class Scope(StrEnum):
    """The cameras whose material a response holds.

    A person who is limited to some areas is checked against them.
    """

    NONE = "none"  # no camera
    SITE = "site"  # every camera in the response
    WHOLE_SITE = "whole_site"  # all cameras: a person with a limited scope is refused
    CAMERA = "camera"  # the camera in the path
    EVENT = "event"  # the camera of the event in the path


@dataclass(frozen=True, slots=True)
class Declaration:
    """Declares one route. `audit` is empty where nothing is recorded.

    An evidence access needs a reason and is recorded before its response is sent. A change (any
    method but GET and HEAD) is recorded before it is made.
    """

    method: str
    path: str
    endpoint: Callable[..., Any]
    right: Right | Access
    scope: Scope
    audit: str = ""
    is_evidence_access: bool = False
    right_of_term: Mapping[str, Right] = field(default_factory=dict)
    """The rights that a request needs in addition if it has terms of these names."""
    media_type: str = JSON
    """The media type of a successful response."""
    answer_model: type[BaseModel] | None = None
    """The model of the JSON answer of a route that has `other_media_types`."""
    other_media_types: tuple[str, ...] = ()
    """Further media types of a successful response, which the request chooses."""
    header_terms: Callable[[Request], dict[str, str]] | None = None
    """The terms for the audit log and for approvals that headers decide, such as `Accept`."""
    allows_head: bool = False
    """Whether HEAD is supported too."""
    allows_many_ranges: bool = False
    """Whether one request may have several byte ranges."""
    may_redirect: bool = False
    """Whether it may answer 307 with the address of the same file that does not change any more."""
    allows_ticket: bool = False
    """Whether a ticket in the URL replaces token and reason, for players that send no headers."""

    pool: Pool = Pool.QUERIES
    """The threads that run the endpoint."""

    has_reason_header: bool = False
    """Whether a change takes its reason from `X-Reason`, because it has no body."""

    identifies_person: bool = False
    """Whether the endpoint finds out the person, by a sign-in, and records its own intent then."""

    creates: bool = False
    """Whether the route creates a resource: it answers 201 with `Location`."""
    answers_secret: bool = False
    """Whether a success holds a secret, which no key stores and which is never compressed."""
    allows_if_none_match: bool = False
    """Whether `If-None-Match` is answered 304."""
    is_of_policy: bool = False
    """Whether the route serves the policy itself, such as approvals; no policy governs it."""
    also_governed_as: tuple[str, ...] = ()
    """The audit terms of other calls that give the same material or do the same: what a policy
    demands of those, it demands of this route too.
    """
    problems: tuple[Kind, ...] = ()
    """The kinds of problems that few routes answer, this one among them, for the description."""
    headers: tuple[str, ...] = ()
    """The headers of a success that few routes have, for the description."""
    redirects: bool = False
    """Whether a success is a redirect (303), for a browser that follows it."""
    allows_any_parameter: bool = False
    """Whether unknown parameters are ignored: another program composes the address."""
    form_fields: tuple[str, ...] = ()
    """The names of the fields, where the body is a form and not JSON."""
    records_itself: bool = False
    """Whether the endpoint of a change writes its own audit lines, because anyone can call it."""
    ticket_path: str = ""
    """What a ticket for the route opens, as a path with the parameters of the route, such as
    `{id}`. Empty where a ticket opens a camera's recordings by its id, or a feed by its path.
    """
    upgrades: bool = False
    """Whether the route answers a WebSocket handshake, and no other request. The endpoint returns a
    `WebSocketAnswer`.
    """
    body_text: str = ""
    """The media type of the body, where it is a text and not JSON."""
    begins_viewing: bool = False
    """Whether a success begins a viewing, whose end has an audit line of its own."""
    is_of_viewing: bool = False
    """Whether the route changes or ends a viewing that another request began. The access policy
    governed that request and is checked while the viewing lasts, so it does not govern this one.
    """
    answers_204: bool = False
    """Whether a successful response may have no content."""
    answers_503: bool = False
    """Whether the status of a successful response may also be 503."""

    def __post_init__(self) -> None:
        if self.is_evidence_access and not self.audit:
            raise ValueError(f"{self.path}: an evidence access is recorded; give it an audit term")
        if self.is_evidence_access and isinstance(self.right, Access):
            raise ValueError(f"{self.path}: an evidence access needs a right")
        if self.records_itself and self.right is not Access.ANYONE:
            raise ValueError(f"{self.path}: only a change by anyone records itself")
        if self.is_change:
            self._check_change()

    def _check_change(self) -> None:
        """Check that the thread of a change can write its intent (`audit_recorder.py`)."""
        if not self.audit:
            raise ValueError(f"{self.path}: a change is always recorded; give it an audit term")
        if inspect.iscoroutinefunction(self.endpoint):
            raise ValueError(f"{self.path}: the endpoint of a change blocks, and runs in a thread")
        if "trace" not in inspect.signature(self.endpoint).parameters:
            raise ValueError(f"{self.path}: the endpoint of a change takes `trace: RequestTrace`")

    @property
    def is_change(self) -> bool:
        """Whether the route changes something. The method decides, so no route can omit it."""
        return self.method not in ("GET", "HEAD")

    @property
    def has_body_reason(self) -> bool:
        """Whether the reason is in the body, so that it is known after the body was read."""
        return self.is_change and not self.has_reason_header

    @property
    def governed_right(self) -> Right | None:
        """The right of a call that an access policy may govern; None for any other call."""
        is_governed = bool(self.audit) and not (self.is_of_policy or self.is_of_viewing)
        return self.right if is_governed and isinstance(self.right, Right) else None

    def governed_rights(self, terms: Mapping[str, str]) -> tuple[Right, ...]:
        """Return the rights of a call with these terms that an access policy may govern."""
        right = self.governed_right
        return () if right is None else (right, *self._further_rights(terms))

    def _further_rights(self, terms: Mapping[str, str]) -> tuple[Right, ...]:
        return tuple(right for name, right in self.right_of_term.items() if name in terms)

    def missing_right(self, person: Person, terms: Mapping[str, str]) -> Right | None:
        """Return a right that a person lacks for a request with these terms, or None."""
        needed = [self.right] if isinstance(self.right, Right) else []
        return next(
            (one for one in (*needed, *self._further_rights(terms)) if not person.may(one)), None
        )

    @property
    def reads_purpose(self) -> bool:
        """Whether the guard reads reason and case, from headers or from the session."""
        return self.reads_reason or self.is_of_policy or self.governed_right is not None

    @property
    def success_status(self) -> int:
        if self.upgrades:
            return SWITCHING_PROTOCOLS
        return 201 if self.creates else 303 if self.redirects else 200

    def opened_by(self, terms: Mapping[str, str]) -> str:
        """Return what a ticket for this route opens: a camera's recordings by its id, or the path
        of a feed, of live video, or of a session of it.
        """
        if self.ticket_path:
            return opened_path(self.ticket_path.format_map(terms), self._further_rights(terms))
        return terms.get("id", self.path)

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether the answer is stored, so that a repeated request gets it again."""
        return self.creates and not self.answers_secret

    @property
    def may_be_compressed(self) -> bool:
        """Whether a success may be compressed.

        The answer to a change may have a new secret. A file has byte ranges and HEAD, whose length
        is that of its own bytes, and an ETag names one sequence of bytes.
        """
        is_excluded = (
            self.is_change or self.allows_head or self.answers_secret or "ETag" in self.headers
        )
        return not is_excluded and self.media_type in COMPRESSIBLE_TYPES

    @property
    def body_type(self) -> str:
        """The media type of the body."""
        return self.body_text or (FORM if self.form_fields else JSON)

    @property
    def reads_reason(self) -> bool:
        """Whether the request carries `X-Reason` and may carry `X-Case`."""
        return self.is_evidence_access or self.has_reason_header

    @property
    def is_about_own_session(self) -> bool:
        return self.path == OWN_SESSION or self.path.startswith(f"{OWN_SESSION}/")

    def allows(self, person: Person) -> bool:
        return isinstance(self.right, Access) or person.may(self.right)

    @property
    def methods(self) -> tuple[str, ...]:
        return (self.method, "HEAD") if self.allows_head else (self.method,)


def opened_path(path: str, further: Sequence[Right]) -> str:
    """Return what a ticket for a path opens. It names the rights that the terms of the request need
    in addition, so that a ticket cannot be used with further terms.
    """
    return "+".join((path, *further))


def policy_calls(declared: Sequence[Declaration]) -> PolicyCalls:
    """Return the calls that an access policy may name."""
    rights = {one.audit: one.governed_right for one in declared}
    return PolicyCalls(
        {call: right for call, right in rights.items() if right is not None},
        {one.audit: one.also_governed_as for one in declared if one.also_governed_as},
    )


class Declarations:
    """All routes of an app, by method and path."""

    def __init__(self, declared: tuple[Declaration, ...]) -> None:
        self.all = declared
        self._by_key = {(method, one.path): one for one in declared for method in one.methods}

    def find(self, method: str, path: str) -> Declaration | None:
        return self._by_key.get((method, path))

    def of_call(self, call: str) -> list[Declaration]:
        """Return the routes that have an audit term."""
        return [one for one in self.all if one.audit == call]

    def check(self, app: FastAPI) -> None:
        """Check that every route of `app` is declared. Raises ValueError."""
        for route in app.routes:
            if not isinstance(route, APIRoute):
                raise ValueError(f"{route!r} is not declared; add it to the table of routes")
            missing = [
                method
                for method in sorted(route.methods or ())
                if self.find(method, route.path) is None
            ]
            if missing:
                raise ValueError(
                    f"{missing[0]} {route.path} is not declared; add it to the table of routes"
                )
