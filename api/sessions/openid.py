"""Routes of OpenID Connect: sign in and out with the identity provider of the city."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Query, Request, Response
from starlette.responses import RedirectResponse

from api.access.api_context import ApiContext, Context, RequestTrace
from api.access.cookies import SESSION_COOKIE, BrowserCookie
from api.limits.thread_pools import Pool
from api.openid.openid import OpenId
from api.openid.sign_in import LIFETIME_S, MAX_RETURN_CHARACTERS, Callback
from api.requests.declarations import FORM, Access, Declaration, Scope
from api.requests.problems import NOT_FOUND, PROVIDER_UNAVAILABLE, SIGN_IN_REFUSED, kind_of
from api.requests.request_trace import Trace
from api.sessions.models import ProviderLogoutView, SignedOutView
from domain.errors import (
    BadInput,
    Forbidden,
    NotFound,
    ProviderUnavailable,
    SightlineError,
    SignInRefused,
    Unauthenticated,
)
from domain.openid import CALLBACK_PATH

SIGN_IN_PATH = "/v1/session/openid"
SIGN_IN_COOKIE = BrowserCookie("sightline-openid", max_age_s=LIFETIME_S, same_site="lax")
"""The provider redirects back from another site, and `Strict` would keep the cookie from it."""
LOGOUT_TOKEN = "logout_token"
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
Text = Annotated[str, Query(max_length=4096)]


async def _form(request: Request) -> dict[str, list[str]]:
    try:
        text = (await request.body()).decode("ascii")
        return parse_qs(text, strict_parsing=True, max_num_fields=8) if text else {}
    except ValueError as error:
        raise BadInput("the body is not {form}", form=FORM) from error


Form = Annotated[dict[str, list[str]], Depends(_form)]


def start_openid(
    context: Context,
    request: Request,
    return_to: Annotated[
        str,
        Query(
            max_length=MAX_RETURN_CHARACTERS,
            description="the path of this site where the browser is sent after the sign-in",
        ),
    ] = "/",
) -> Response:
    """Send the browser to the identity provider, which asks the person to sign in."""
    started = _openid(context).sign_in.start(return_to)
    response = RedirectResponse(started.url, 303, _PRIVATE)
    SIGN_IN_COOKIE.send(response, started.cookie, context.authentication.is_secure(request))
    return response


def finish_openid(
    context: Context,
    trace: RequestTrace,
    request: Request,
    code: Text = "",
    state: Text = "",
    iss: Text = "",
    error: Text = "",
) -> Response:
    """Verify the answer of the identity provider, start a session, and send the browser on."""
    openid = _openid(context)
    is_secure = context.authentication.is_secure(request)
    try:
        cookie = SIGN_IN_COOKIE.read(request.scope, is_secure) or ""
        finished = openid.sign_in.finish(Callback(code, state, iss, error), cookie)
        started = openid.start_session(
            context.sessions,
            finished,
            trace.address,
            request.headers.get("user-agent", ""),
            trace.request_id,
        )
    except (SignInRefused, Forbidden, Unauthenticated, ProviderUnavailable) as refused:
        _record_refusal(openid, refused, trace, request)
        raise
    response = RedirectResponse(finished.return_to, 303, _PRIVATE)
    SIGN_IN_COOKIE.delete(response, is_secure)
    SESSION_COOKIE.send(response, started.cookie, is_secure)
    return response


def end_openid_session(
    context: Context, trace: RequestTrace, request: Request, response: Response
) -> SignedOutView:
    """Sign out here. The answer has the address that signs out at the identity provider too."""
    if trace.session is None:
        raise BadInput("this request has a token, and no session that could end")
    url = None
    if context.openid is None:
        context.sessions.end(trace.session)
    else:
        url = context.openid.end_session(context.sessions, trace.session)
    SESSION_COOKIE.delete(response, context.authentication.is_secure(request))
    return SignedOutView(provider_logout=url)


def log_out_by_provider(
    context: Context, trace: RequestTrace, request: Request, response: Response, form: Form
) -> ProviderLogoutView:
    """End the sessions that the logout token of the identity provider names."""
    response.headers["Cache-Control"] = "no-store"
    openid = _openid(context)
    tokens = form.get(LOGOUT_TOKEN, [])
    if len(tokens) != 1:
        raise BadInput("{parameter}: send it once, in a form", parameter=LOGOUT_TOKEN)
    try:
        logged_out = openid.sign_in.logged_out(tokens[0])
    except SignInRefused as refused:
        _record_refusal(openid, refused, trace, request)
        raise BadInput(refused.message) from refused
    return ProviderLogoutView(ended=openid.end_by_provider(context.sessions, logged_out))


def _openid(context: ApiContext) -> OpenId:
    if context.openid is None:
        raise NotFound(
            "this site has no identity provider; SIGHTLINE_OPENID_ISSUER names one, and people "
            "sign in by POST /v1/session"
        )
    return context.openid


def _record_refusal(
    openid: OpenId, refused: SightlineError, trace: Trace, request: Request
) -> None:
    openid.log.record_refusal(
        str(refused),
        trace.address,
        kind_of(refused).status,
        trace.request_id,
        request.app.state.recorder.refusals,
    )


OPENID_ROUTES: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        SIGN_IN_PATH,
        start_openid,
        Access.ANYONE,
        Scope.NONE,
        redirects=True,
        pool=Pool.PROVIDER,
        problems=(NOT_FOUND, PROVIDER_UNAVAILABLE),
    ),
    Declaration(
        "GET",
        CALLBACK_PATH,
        finish_openid,
        Access.ANYONE,
        Scope.NONE,
        redirects=True,
        allows_any_parameter=True,
        pool=Pool.PROVIDER,
        problems=(NOT_FOUND, SIGN_IN_REFUSED, PROVIDER_UNAVAILABLE),
    ),
    Declaration(
        "DELETE",
        SIGN_IN_PATH,
        end_openid_session,
        Access.SIGNED_IN,
        Scope.NONE,
        audit="session.end_openid",
        pool=Pool.PROVIDER,
    ),
    Declaration(
        "POST",
        f"{SIGN_IN_PATH}/back-channel-logout",
        log_out_by_provider,
        Access.ANYONE,
        Scope.NONE,
        audit="session.log_out_by_provider",
        form_fields=(LOGOUT_TOKEN,),
        records_itself=True,
        pool=Pool.PROVIDER,
        problems=(NOT_FOUND, PROVIDER_UNAVAILABLE),
    ),
)
