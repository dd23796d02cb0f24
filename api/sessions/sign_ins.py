"""Signs people in: the checks before a sign-in, its lines in the audit log, and the new session.

Sign-in by password and sign-in by an identity provider share it.
"""

from __future__ import annotations

from functools import cached_property
from ipaddress import ip_address
from typing import Annotated, NoReturn, cast

from fastapi import Depends, Request, Response

from api.access.api_context import ApiContext
from api.access.cookies import SESSION_COOKIE
from api.access.origins import check_same_origin
from api.requests.audit_recorder import AuditRecorder
from api.requests.refused_requests import network_of
from api.requests.request_trace import Trace
from api.sessions.devices import DEVICE_COOKIE, Devices
from domain.derived_keys import derived_key
from domain.errors import Forbidden, RateLimited, SignInFailed
from domain.messages.message import Message
from domain.metrics import SIGN_INS
from domain.passwords import HashCost, PasswordHasher
from storage.sign_in.attempts import AttemptPlace, attempt_places
from storage.sign_in.second_factors import SecondFactors
from storage.sign_in.secrets import SignInSecrets
from storage.site.audit import AuditEntry, Phase
from storage.site.person_records import PersonRecord
from storage.site.sessions import MAX_TEXT, NewSession, SessionRecord, SignInMethod

_FAILED = Message("the name, the password or the code is wrong")


class SignIns:
    """Signs people in. Thread-safe; every method blocks."""

    def __init__(self, context: ApiContext, recorder: AuditRecorder) -> None:
        self._context = context
        self._recorder = recorder

    @cached_property
    def secrets(self) -> SignInSecrets:
        return SignInSecrets(self._context.people, self._context.clock)

    @cached_property
    def second_factors(self) -> SecondFactors:
        context = self._context
        return SecondFactors(context.people, context.attempts, context.clock)

    @cached_property
    def _devices(self) -> Devices:
        return Devices(derived_key(self._context.people.key, "device cookies"))

    @cached_property
    def hasher(self) -> PasswordHasher:
        settings = self._context.settings
        return PasswordHasher(HashCost(settings.password_memory_mb, settings.password_passes))

    def check_browser(self, request: Request, trace: Trace) -> None:
        """Check that a page of this site asks, over TLS or on this machine. Raises Forbidden.

        Without the first check another site could sign the browser in as another person.
        """
        check_same_origin(request.scope, self._context.settings.site_origins)
        if self._context.authentication.is_secure(request) or _is_loopback(trace.address):
            return
        raise Forbidden(
            "a password and a cookie are not sent without TLS: use https, or name the https origin "
            "of the proxy in SIGHTLINE_ORIGINS"
        )

    def verify_password(
        self, request: Request, trace: Trace, name: str, password: str, code: str | None
    ) -> PersonRecord:
        """Verify the password of a person, and the code of the second factor if there is one.

        With None as code the second factor was verified before. Raises SignInFailed, RateLimited.

        An unknown name, a person without a password and a wrong password take the same work and
        get the same answer.
        """
        places = self._begin(request, trace, name)
        record = self._context.people.present(name)
        password_hash = self.secrets.password_hash(record)
        is_right = self.hasher.is_right(password_hash, password)
        if not is_right or record is None or password_hash is None:
            self.refuse(trace, name, SignInMethod.PASSWORD)
        has_factor = record.second_factor is not None and code is not None
        if has_factor and not self.second_factors.accepts(record, code or ""):
            self.refuse(trace, name, SignInMethod.PASSWORD)
        self._context.attempts.succeed(places)
        if self.hasher.is_outdated(password_hash):
            record = self.secrets.rehash_password(record, self.hasher.hash(password))
        return record

    def verify_new_code(
        self, request: Request, trace: Trace, session: SessionRecord, code: str
    ) -> None:
        """Verify the code of a second factor that is not yet confirmed.

        Raises SignInFailed, RateLimited.
        """
        places = self._begin(request, trace, session.person)
        factors, name = self.second_factors, session.person
        if not factors.is_code_right(name, session.pending_secret, code):
            self.refuse(
                trace, name, SignInMethod.PASSWORD, Message("the code is wrong or was used before")
            )
        self._context.attempts.succeed(places)

    def start(
        self, request: Request, response: Response, trace: Trace, record: PersonRecord,
        method: SignInMethod, has_second_factor: bool = False,
    ) -> NewSession:  # fmt: skip
        """Start the session of a person whose identity was verified, and send its cookies.

        The sign-in is in the audit log before that. A session that the browser had before ends.
        Raises AuditUnavailable.
        """
        trace.person = record.person_with("")
        trace.terms |= {"method": method}
        self._recorder.record_intent(trace)
        is_secure = self._context.authentication.is_secure(request)
        former = SESSION_COOKIE.read(request.scope, is_secure)
        ended = None if former is None else self._context.sessions.find(former)
        if ended is not None:
            self._context.sessions.end(ended.record)
        started = self.renew(request, response, trace, record, method, has_second_factor)
        device = self._devices.value_after(
            DEVICE_COOKIE.read(request.scope, is_secure), record.name
        )
        DEVICE_COOKIE.send(response, device, is_secure)
        SIGN_INS.labels(method, "succeeded").inc()
        return started

    def renew(
        self, request: Request, response: Response, trace: Trace, record: PersonRecord,
        method: SignInMethod, has_second_factor: bool = False,
    ) -> NewSession:  # fmt: skip
        """Start a session and send its cookie, in place of one that has just ended."""
        agent = request.headers.get("user-agent", "")[:MAX_TEXT]
        started = self._context.sessions.start(
            record, method, trace.address, agent, has_second_factor
        )
        if started is None:
            raise SignInFailed(
                "all sessions of {name} were ended in this moment; sign in again", name=record.name
            )
        is_secure = self._context.authentication.is_secure(request)
        SESSION_COOKIE.send(response, started.cookie, is_secure)
        return started

    def refuse(
        self, trace: Trace, name: str, method: SignInMethod, why: Message = _FAILED
    ) -> NoReturn:
        """Record and count a failed sign-in, then raise SignInFailed."""
        assert trace.declaration is not None
        self._recorder.refusals.write(
            AuditEntry(
                person="",
                role=None,
                address=trace.address,
                route=trace.declaration.audit,
                right=None,
                terms={"name": name[:64], "method": method},
                status=401,
                phase=Phase.REFUSED,
                request=trace.request_id,
            )
        )
        SIGN_INS.labels(method, "failed").inc()
        self._context.attempts.fail()
        raise SignInFailed(why)

    def _begin(self, request: Request, trace: Trace, name: str) -> tuple[AttemptPlace, ...]:
        """Count an attempt of a browser. Raises RateLimited while it must wait."""
        is_secure = self._context.authentication.is_secure(request)
        device = self._devices.id_for(DEVICE_COOKIE.read(request.scope, is_secure), name)
        places = attempt_places(name, network_of(trace.address), device)
        wait_s = self._context.attempts.begin(places)
        if wait_s:
            assert trace.declaration is not None
            SIGN_INS.labels(SignInMethod.PASSWORD, "delayed").inc()
            self._recorder.refusals.record(trace.address, trace.declaration.audit, 429)
            raise RateLimited(
                "too many sign-ins from here have failed; a browser in which this person has "
                "signed in before is not delayed by them",
                wait_s,
            )
        return places


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


async def _sign_ins(request: Request) -> SignIns:
    return cast(SignIns, request.app.state.sign_ins)


SignInsOf = Annotated[SignIns, Depends(_sign_ins)]
