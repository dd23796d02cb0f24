"""Routes of the second factor: get a secret for an authenticator app, and confirm it by a code."""

from __future__ import annotations

from fastapi import Request

from api.access.api_context import Context, RequestTrace
from api.requests.request_trace import Trace
from api.sessions.models import CodeAsked, RecoveryCodes, SecondFactorAsked, SecondFactorOffer
from api.sessions.sign_ins import SignInsOf
from domain.errors import BadInput, Unauthenticated
from domain.one_time_codes import enrolment_uri, new_secret
from storage.site.person_records import PersonRecord
from storage.site.sessions import SessionRecord

_SITE = "Sightline"


def offer_second_factor(
    context: Context,
    trace: RequestTrace,
    request: Request,
    sign_ins: SignInsOf,
    asked: SecondFactorAsked,
) -> SecondFactorOffer:
    """Return a new secret for an authenticator app, once. A code of it confirms the enrolment.

    A person who has a second factor already also sends a code of that one.
    """
    session = _session(trace)
    name = session.person
    record = sign_ins.verify_password(request, trace, name, asked.password, asked.code)
    secret = new_secret()
    encrypted = sign_ins.second_factors.encrypted(name, secret)
    update: dict[str, object] = {
        "pending_secret": encrypted,
        "pending_replaces": record.second_factor_since,
    }
    if context.sessions.change(session.id, update) is None:
        raise Unauthenticated("the session has ended; sign in again by POST /v1/session")
    return SecondFactorOffer(secret=secret, uri=enrolment_uri(secret, name, _SITE))


def confirm_second_factor(
    context: Context, trace: RequestTrace, request: Request, sign_ins: SignInsOf, asked: CodeAsked
) -> RecoveryCodes:
    """Confirm the enrolment by a code of the new secret; return recovery codes, once.

    A former second factor and its recovery codes are no longer valid. It must be the one whose code
    began the enrolment.
    """
    session = _session(trace)
    if not session.pending_secret:
        raise BadInput("there is no enrolment to confirm; begin by POST /v1/session/second-factor")
    sign_ins.verify_new_code(request, trace, session, asked.code)

    def is_as_offered(record: PersonRecord) -> bool:
        is_same_factor = record.second_factor_since == session.pending_replaces
        return is_same_factor and record.session_generation == session.generation

    codes = sign_ins.second_factors.enrol(session.person, session.pending_secret, is_as_offered)
    context.sessions.change(
        session.id, {"pending_secret": "", "pending_replaces": None, "has_second_factor": True}
    )
    return RecoveryCodes(recovery_codes=list(codes))


def _session(trace: Trace) -> SessionRecord:
    if trace.session is None:
        raise Unauthenticated("a second factor is enrolled by a browser that has signed in")
    return trace.session
