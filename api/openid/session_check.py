"""Asks the provider every few minutes whether the person of a session may still sign in."""

from __future__ import annotations

import logging
import threading

from api.openid.sign_in import OpenIdSignIn
from domain.clock import NS_PER_S, Clock
from domain.errors import (
    AuditUnavailable,
    DataLoss,
    Forbidden,
    IndexUnavailable,
    NotFound,
    ProviderError,
    RecordConflict,
    SignInRefused,
    StoreError,
)
from domain.log import FloodGate
from domain.metrics import AUDIT_LINES_LOST, OPENID_CHECKS
from storage.openid.provider_people import ProviderPeople
from storage.openid.provider_sessions import ProviderSession, ProviderSessions
from storage.site.audit import AuditEntry, AuditLog, Phase
from storage.site.people import People
from storage.site.sessions import SessionRecord

_log = logging.getLogger(__name__)
MOST_CHECKS = 4
"""Requests of one process that wait for the provider at a time; others use the last result."""
PAUSE_S = 30.0
"""How long nothing is checked after a failure, so that no request waits in vain: one session where
the provider answered without a decision, and all sessions where it did not answer.
"""
_ATTEMPTS = 5
END_ROUTE = "session.end_by_provider"


class SessionCheck:
    """Confirms the sessions that the provider has signed in. Thread-safe."""

    def __init__(
        self,
        sign_in: OpenIdSignIn,
        people: People,
        provider_people: ProviderPeople,
        held: ProviderSessions,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._sign_in = sign_in
        self._people = people
        self._provider_people = provider_people
        self._held = held
        self._audit = audit
        self._clock = clock
        self._places = threading.Semaphore(MOST_CHECKS)
        self._paused_until_s = float("-inf")
        self._warn = FloodGate(_log.warning, clock, every_s=60.0)

    def is_confirmed(self, session: SessionRecord) -> bool:
        """Return whether a session may be used. A session whose tokens are lost may not.

        At most one request in each interval waits for the provider. While the provider does not
        answer, sessions stay valid until they expire.
        """
        held = self._held.find(session.id)
        if held is None:
            return False
        if not self._is_due(held) or self._clock.monotonic_s() < self._paused_until_s:
            return True
        if not self._places.acquire(blocking=False):
            return True
        try:
            if not self._held.begin_check(session.id):
                return True
            try:
                return self._checked(session)
            finally:
                self._held.end_check(session.id)
        finally:
            self._places.release()

    def _checked(self, session: SessionRecord) -> bool:
        # Another process may have checked the session and replaced its refresh token meanwhile.
        held = self._held.find(session.id)
        if held is None or not self._is_due(held):
            return held is not None
        try:
            tokens, identity = self._sign_in.refreshed(held.refresh_token, held.subject)
            # The former refresh token may be of no use any more, so the new one is kept first.
            held = held.model_copy(
                update={
                    "refresh_token": tokens.refresh_token,
                    "id_token": tokens.id_token or held.id_token,
                }
            )
            if not self._held.replace(session, held):
                return False  # The session has ended meanwhile.
            if identity is not None:
                self._provider_people.admit(identity)
        except (IndexUnavailable, DataLoss):
            raise
        except StoreError as error:  # the provider, or the object store with the person's record
            self._postpone(session, held, error)
            return True
        except (SignInRefused, Forbidden) as error:
            self._end(session, str(error))
            return False
        OPENID_CHECKS.labels("confirmed").inc()
        update = {"checked_at": self._clock.wall_ns(), "next_check_at": None}
        return self._held.replace(session, held.model_copy(update=update))

    def _postpone(self, session: SessionRecord, held: ProviderSession, error: StoreError) -> None:
        """Check a session later. All others wait too if the provider or the store does not answer.

        What concerns one person must not delay the checks of the others: otherwise that person
        could keep a disabled account signed in.
        """
        OPENID_CHECKS.labels("unavailable").inc()
        self._warn("check", f"sessions are not checked with the identity provider: {error}")
        if isinstance(error, ProviderError | RecordConflict):
            later_ns = self._clock.wall_ns() + round(PAUSE_S * NS_PER_S)
            self._held.replace(session, held.model_copy(update={"next_check_at": later_ns}))
        else:
            self._paused_until_s = self._clock.monotonic_s() + PAUSE_S

    def _end(self, session: SessionRecord, why: str) -> None:
        """End all sessions of a person whom the provider refuses; this one first."""
        OPENID_CHECKS.labels("refused").inc()
        self._held.delete(session.id)
        record_end(self._audit, session.person, why)
        for _ in range(_ATTEMPTS):
            try:
                self._people.end_sessions(session.person)
            except RecordConflict:
                # Another process wrote the record at the same time; it is read again.
                continue
            except NotFound:
                _log.info("%s was removed meanwhile, which ends all sessions", session.person)
            return

    def _is_due(self, held: ProviderSession) -> bool:
        interval_ns = round(self._sign_in.settings.check_every_s * NS_PER_S)
        due_ns = max(held.checked_at + interval_ns, held.next_check_at or 0)
        return self._clock.wall_ns() >= due_ns and bool(held.refresh_token)


def record_end(audit: AuditLog, person: str, why: str) -> None:
    """Write why sessions of a person end. They end also if the line cannot be written."""
    entry = AuditEntry(
        person=person,
        role=None,
        address="",
        route=END_ROUTE,
        right=None,
        terms={"why": why},
        status=None,
        phase=Phase.OUTCOME,
    )
    try:
        audit.append(entry)
    except AuditUnavailable:
        AUDIT_LINES_LOST.labels(Phase.OUTCOME).inc()
        _log.exception("the end of the sessions of %s is not in the audit log", person)
