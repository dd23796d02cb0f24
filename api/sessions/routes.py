"""The declarations of the routes of sessions of browsers."""

from __future__ import annotations

from api.limits.thread_pools import Pool
from api.requests.declarations import Access, Declaration, Scope
from api.requests.problems import (
    AUDIT_UNAVAILABLE,
    FORBIDDEN,
    INDEX_UNAVAILABLE,
    OBJECTS_UNAVAILABLE,
    SIGN_IN_FAILED,
    UNAUTHENTICATED,
    UNAVAILABLE,
)
from api.sessions import passwords, second_factors, sessions

SIGN_IN_PROBLEMS = (
    SIGN_IN_FAILED,
    UNAUTHENTICATED,
    FORBIDDEN,
    UNAVAILABLE,
    INDEX_UNAVAILABLE,
    OBJECTS_UNAVAILABLE,
    AUDIT_UNAVAILABLE,
)

SESSION_ROUTES: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        "/v1/session",
        sessions.read_session,
        Access.SIGNED_IN,
        Scope.NONE,
        answers_secret=True,
    ),
    Declaration(
        "POST",
        "/v1/session",
        passwords.sign_in,
        Access.ANYONE,
        Scope.NONE,
        audit="session.sign_in",
        identifies_person=True,
        pool=Pool.PASSWORDS,
        problems=SIGN_IN_PROBLEMS,
    ),
    Declaration(
        "POST",
        "/v1/session/second-factor",
        second_factors.offer_second_factor,
        Access.SIGNED_IN,
        Scope.NONE,
        audit="session.second_factor",
        pool=Pool.PASSWORDS,
        problems=(SIGN_IN_FAILED,),
    ),
    Declaration(
        "PUT",
        "/v1/session/second-factor",
        second_factors.confirm_second_factor,
        Access.SIGNED_IN,
        Scope.NONE,
        audit="session.second_factor_confirm",
        pool=Pool.PASSWORDS,
        problems=(SIGN_IN_FAILED,),
    ),
    Declaration(
        "PUT",
        "/v1/session/password",
        passwords.change_password,
        Access.SIGNED_IN,
        Scope.NONE,
        audit="session.password",
        pool=Pool.PASSWORDS,
        problems=(SIGN_IN_FAILED,),
    ),
    Declaration(
        "PATCH",
        "/v1/session",
        sessions.bind_purpose,
        Access.SIGNED_IN,
        Scope.NONE,
        audit="session.bind",
    ),
    Declaration(
        "DELETE",
        "/v1/session",
        sessions.end_session,
        Access.SIGNED_IN,
        Scope.NONE,
        audit="session.end",
    ),
    Declaration(
        "GET",
        "/v1/sessions",
        sessions.list_sessions,
        Access.SIGNED_IN,
        Scope.NONE,
        audit="sessions.list",
    ),
    Declaration(
        "DELETE",
        "/v1/sessions/{id}",
        sessions.end_other_session,
        Access.SIGNED_IN,
        Scope.NONE,
        audit="session.end_other",
    ),
)
