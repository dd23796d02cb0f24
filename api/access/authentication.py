"""Finds the person of a request by its token or by its session cookie."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from fastapi import Request

from api.access.cookies import SESSION_COOKIE
from api.access.origins import (
    check_not_foreign,
    check_same_origin,
    check_websocket_origin,
    is_secure,
)
from api.requests.tokens import bearer_token
from domain.errors import Forbidden, Unauthenticated
from domain.people import Person
from domain.settings import Settings
from storage.site.people import People
from storage.site.sessions import CREDENTIAL_PREFIX, SessionRecord, Sessions, SignInMethod

CSRF_HEADER = "X-CSRF-Token"


@dataclass(frozen=True, slots=True)
class Caller:
    """The person of a request, and the session of a browser that has signed in."""

    person: Person
    session: SessionRecord | None = None


@dataclass(frozen=True, slots=True)
class Authentication:
    """Verifies the credentials of requests. Blocking, because it reads from Redis."""

    people: People
    sessions: Sessions
    settings: Settings

    def caller(self, request: Request) -> Caller | None:
        """Return the caller, or None for a token or a cookie that is not valid.

        A request with `Authorization` is checked by its token alone: its cookie counts for
        nothing. Raises Unauthenticated for a request with neither.
        """
        if "authorization" in request.headers:
            return self._by_token(bearer_token(request))
        cookie = SESSION_COOKIE.read(request.scope, self.is_secure(request))
        if cookie is None:
            raise _nothing_sent()
        check_not_foreign(request.scope)
        session = self.sessions.find(cookie)
        return None if session is None else Caller(session.person, session.record)

    def check_change(self, request: Request, session: SessionRecord) -> None:
        """Check that a change with a session cookie was sent by a page of this site.

        Raises Forbidden. The cookie alone is no proof: a browser adds it to any request.
        """
        check_same_origin(request.scope, self.settings.site_origins)
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.sessions.csrf_token(session).encode()):
            raise Forbidden(
                "a change with a session cookie needs the header {header} "
                "with `csrf_token` of GET /v1/session",
                header=CSRF_HEADER,
            )

    def check_handshake(self, request: Request) -> None:
        """Check that a WebSocket with a session cookie is opened by a page of this site.

        Raises Forbidden. Nothing but the origin shows who opens it.
        """
        check_websocket_origin(request.scope, self.settings.site_origins)

    def lacks_second_factor(self, caller: Caller) -> bool:
        """Return whether this is a session without the second factor that the site requires of the
        role.

        An identity provider decides about second factors itself.
        """
        session = caller.session
        if session is None or session.method is not SignInMethod.PASSWORD:
            return False
        is_required = caller.person.role in self.settings.roles_with_second_factor
        return is_required and not session.has_second_factor

    def holder(self, name: str, credential: str) -> Person | None:
        """Return the person `name` if the token or the session of this id is still valid."""
        if credential.startswith(CREDENTIAL_PREFIX):
            return self.sessions.holder(name, credential.removeprefix(CREDENTIAL_PREFIX))
        return self.people.holder(name, credential)

    def is_secure(self, request: Request) -> bool:
        return is_secure(request.scope, self.settings.site_origins)

    def _by_token(self, token: str) -> Caller | None:
        if not token:
            raise _nothing_sent()
        person = self.people.by_token(token)
        return None if person is None else Caller(person)


def _nothing_sent() -> Unauthenticated:
    return Unauthenticated(
        "send a token: `Authorization: Bearer …`; `sightline user add` makes one; a browser signs "
        "in by POST /v1/session"
    )
