"""OpenID Connect of one API process: its parts, joined."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from api.openid.authlib_client import AuthlibClient
from api.openid.provider import OpenIdProvider, provider_client
from api.openid.session_check import SessionCheck, record_end
from api.openid.sign_in import FinishedSignIn, LoggedOut, OpenIdSignIn
from api.openid.sign_in_audit import SignInAudit
from domain.clock import Clock
from domain.derived_keys import SecretCipher, derived_key
from domain.errors import Forbidden, ProviderUnavailable, SignInRefused
from domain.messages.message import Message
from domain.openid import OpenIdSettings
from storage.clients.redis import Redis
from storage.openid.ended_sessions import ProviderLogouts
from storage.openid.provider_people import ProviderPeople
from storage.openid.provider_sessions import ProviderSession, ProviderSessions
from storage.openid.single_use import SingleUse
from storage.site.audit import AuditLog
from storage.site.people import People
from storage.site.sessions import NewSession, SessionRecord, Sessions, SignInMethod

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenId:
    """Signs people in with the provider, and ends their sessions. Thread-safe."""

    settings: OpenIdSettings
    sign_in: OpenIdSignIn
    check: SessionCheck
    people: ProviderPeople
    held: ProviderSessions
    logouts: ProviderLogouts
    audit: AuditLog
    log: SignInAudit
    clock: Clock

    def fault(self) -> Message | None:
        """Return why people cannot sign in with the provider now; it never blocks."""
        return self.sign_in.provider.fault()

    def start_session(
        self,
        sessions: Sessions,
        finished: FinishedSignIn,
        address: str,
        user_agent: str,
        request_id: str,
    ) -> NewSession:
        """Start the session of a verified person, once its line is in the audit log.

        Raises Forbidden, AuditUnavailable, and SignInRefused if the provider has ended the
        sign-in meanwhile.
        """
        identity = finished.identity
        person = self.people.admit(identity)
        self.log.record_success(person.name, person.role, identity, address, request_id)
        started = sessions.start(person, SignInMethod.OPENID, address, user_agent)
        if started is None:
            raise Forbidden(
                "{person} was removed at this site meanwhile, or all sessions were ended",
                person=person.name,
            )
        held = ProviderSession(
            subject=identity.subject,
            provider_session=finished.provider_session,
            id_token=finished.tokens.id_token,
            refresh_token=finished.tokens.refresh_token,
            checked_at=self.clock.wall_ns(),
        )
        self.held.put(started.session.record, held)
        # A logout that found no session yet was remembered before it looked for one.
        if self.logouts.covers(identity.subject, finished.provider_session, finished.begun_at_ns):
            self._end(sessions, started.session.record)
            raise SignInRefused("the identity provider has ended this sign-in; begin again")
        return started

    def end_session(self, sessions: Sessions, session: SessionRecord) -> str | None:
        """End a session here. Return the address that ends it at the provider too, or None.

        The session ends also while the provider does not answer.
        """
        held = self.held.find(session.id)
        self._end(sessions, session)
        if held is None:
            return None
        try:
            return self.sign_in.logout_url(held.id_token)
        except ProviderUnavailable as error:
            _log.info("a person signs out here only: %s", error)
            return None

    def end_by_provider(self, sessions: Sessions, logged_out: LoggedOut) -> int:
        """End the sessions that a logout token names; return their number.

        A token with a session of the provider ends the sessions that began in it, and a token
        with a person alone ends all sessions of the person.
        """
        self.logouts.add(logged_out.subject, logged_out.provider_session, self.clock.wall_ns())
        name = None
        if logged_out.subject:
            name = self.people.name_of(self.settings.issuer, logged_out.subject)
            if name is None:
                return 0
        found = [one for one in sessions.list(name) if self._is_named(one, logged_out)]
        for session in found:
            record_end(self.audit, session.person, "the identity provider ended it")
            self._end(sessions, session)
        return len(found)

    def _end(self, sessions: Sessions, session: SessionRecord) -> None:
        sessions.end(session)
        self.held.delete(session.id)

    def _is_named(self, session: SessionRecord, logged_out: LoggedOut) -> bool:
        if session.method is not SignInMethod.OPENID:
            return False
        held = self.held.find(session.id)
        if held is None:
            return True  # Its tokens are lost, so it is not valid anyway.
        if logged_out.subject and not held.provider_session:
            return True  # Which session of the person it belongs to is unknown, so it ends too.
        return logged_out.provider_session in ("", held.provider_session)


def make_openid(
    settings: OpenIdSettings, redis: Redis, people: People, audit: AuditLog, clock: Clock
) -> OpenId:
    """Join the parts. Nothing is fetched from the provider yet."""
    http = provider_client(settings, clock)
    sign_in = OpenIdSignIn(
        settings,
        OpenIdProvider(settings, http, clock),
        AuthlibClient(http, settings),
        SecretCipher(derived_key(people.key, "OpenID sign-ins")),
        SingleUse(redis),
        clock,
    )
    provider_people = ProviderPeople(people, redis, clock)
    held = ProviderSessions(redis, people.key, clock)
    check = SessionCheck(sign_in, people, provider_people, held, audit, clock)
    log, logouts = SignInAudit.of(audit, clock), ProviderLogouts(redis)
    return OpenId(settings, sign_in, check, provider_people, held, logouts, audit, log, clock)
