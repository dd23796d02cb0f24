"""Routes of passwords: sign in with one, and change the own one."""

from __future__ import annotations

from fastapi import Request, Response

from api.access.api_context import Context, RequestTrace
from api.sessions.models import PasswordChange, SessionView, SignInAsked
from api.sessions.sessions import session_view
from api.sessions.sign_ins import SignInsOf
from domain.errors import BadInput, QueryInvalid, Unauthenticated
from domain.passwords import check_password
from storage.site.sessions import SignInMethod


def sign_in(
    context: Context,
    trace: RequestTrace,
    request: Request,
    response: Response,
    sign_ins: SignInsOf,
    asked: SignInAsked,
) -> SessionView:
    """Sign a browser in with name and password; the answer sets the session's cookie."""
    sign_ins.check_browser(request, trace)
    record = sign_ins.verify_password(request, trace, asked.name, asked.password, asked.code)
    started = sign_ins.start(
        request,
        response,
        trace,
        record,
        SignInMethod.PASSWORD,
        has_second_factor=record.second_factor is not None,
    )
    return session_view(context, started.session)


def change_password(
    context: Context,
    trace: RequestTrace,
    request: Request,
    response: Response,
    sign_ins: SignInsOf,
    asked: PasswordChange,
) -> SessionView:
    """Change the own password. All sessions of the person end; this browser gets a new one."""
    person, session = trace.person, trace.session
    if person is None or session is None:
        raise Unauthenticated("a password is changed by a browser that has signed in")
    try:
        check_password(person.name, asked.new_password)
    except BadInput as error:
        raise QueryInvalid("new_password", error.message) from error
    verified = sign_ins.verify_password(request, trace, person.name, asked.old_password, None)
    new_hash = sign_ins.hasher.hash(asked.new_password)
    record = sign_ins.secrets.change_password(verified, new_hash)
    started = sign_ins.renew(
        request, response, trace, record, session.method, session.has_second_factor
    )
    return session_view(context, started.session)
