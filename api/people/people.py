"""Routes of people: list, read, add, change and remove them, and their tokens.

They need the right `people_admin` and the whole site. They change no rights of the person who asks.
An administrator can still add a person or a token, and act under that name. Each step is in the
audit log, and a policy can require the approval of a second person for it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from api.access.api_context import ApiContext, Context, RequestTrace, Visible
from api.people.models import (
    NAME_PATTERN,
    PersonAdded,
    PersonAsked,
    PersonChange,
    PersonChanged,
    PersonList,
    PersonView,
    TokenAdded,
    TokenAsked,
    TokenView,
    scope_of,
)
from api.requests.conditions import IfMatch, expected_version, version_tag
from api.requests.cursors import MAX_ITEMS, ListLimit, ascending
from api.requests.parameters import Next
from api.requests.request_trace import Trace
from domain.camera_scope import CameraScope
from domain.errors import QueryInvalid, SecondPersonRequired
from domain.people import Right
from domain.registry.visible_cameras import unknown_in_scope
from storage.site.people import NewToken
from storage.site.person_records import PersonRecord

PersonName = Annotated[
    str,
    Path(alias="name", pattern=NAME_PATTERN, description="the person's name", examples=["li.wei"]),
]
TokenName = Annotated[
    str,
    Path(
        alias="token",
        pattern=NAME_PATTERN,
        description="the name of the token",
        examples=["workstation"],
    ),
]


def list_people(
    context: Context, visible: Visible, limit: ListLimit = MAX_ITEMS, next_: Next = None
) -> PersonList:
    """List the people of the site by name, and the names whose records are not authentic."""
    page = ascending(
        context.people.list(), lambda record: record.name, "people", visible, limit, next_
    )
    return PersonList(
        items=[PersonView.of(record) for record in page.items],
        next=page.next,
        refused=list(context.people.refused()),
    )


def read_person(context: Context, name: PersonName, response: Response) -> PersonView:
    """Return a person. The ETag changes with each change of the person and of the tokens."""
    record = context.people.verified(name)
    response.headers["ETag"] = version_tag(record.version)
    return PersonView.of(record)


def add_person(
    context: Context, trace: RequestTrace, asked: PersonAsked, response: Response
) -> PersonAdded:
    """Add a person with one token, which only this response has."""
    _check_expiry(context, asked.expires)
    scope = scope_of(asked.scope)
    made = context.people.add(asked.name, asked.role, asked.grants, scope, asked.expires)
    response.headers["Location"] = f"/v1/people/{asked.name}"
    response.headers["ETag"] = version_tag(made.record.version)
    return PersonAdded(
        **PersonView.of(made.record).model_dump(),
        token=made.token,
        warnings=_warnings(context, scope),
    )


def change_person(
    context: Context,
    trace: RequestTrace,
    name: PersonName,
    asked: PersonChange,
    response: Response,
    if_match: IfMatch = None,
) -> PersonChanged:
    """Change the role, the granted rights or the scope of another person."""
    if asked.is_empty:
        raise QueryInvalid("role", "is absent, and so are `grants` and `scope`; give one of them")
    if _is_own(trace, name):
        raise SecondPersonRequired(
            "{name} cannot change their own role, rights or scope; another "
            "person with the right `{right}` does it, or `sightline "
            "user set` on the machine",
            name=name,
            right=Right.PEOPLE_ADMIN,
        )
    scope = asked.new_scope
    record = context.people.change(
        name,
        role=asked.role,
        grants=asked.grants,
        scope=scope,
        version=expected_version(if_match),
    )
    response.headers["ETag"] = version_tag(record.version)
    return PersonChanged(
        **PersonView.of(record).model_dump(),
        warnings=[] if scope is None else _warnings(context, scope),
    )


def remove_person(
    context: Context, trace: RequestTrace, name: PersonName, if_match: IfMatch = None
) -> PersonView:
    """Remove a person with all tokens. The record is kept, so that the name keeps its history."""
    record = context.people.verified(name)
    _check_administrator_stays(context, record)
    context.people.remove(name, expected_version(if_match))
    return PersonView.of(record)


def add_token(
    context: Context,
    trace: RequestTrace,
    name: PersonName,
    asked: TokenAsked,
    response: Response,
) -> TokenAdded:
    """Add a token, which only this response has. It replaces a token of the same name."""
    _check_expiry(context, asked.expires)
    made = context.people.add_token(name, asked.token_name, asked.expires)
    response.headers["Location"] = f"/v1/people/{name}/tokens/{asked.token_name}"
    return TokenAdded(**_token_view(made).model_dump(), token=made.token)


def revoke_token(
    context: Context, trace: RequestTrace, name: PersonName, token_name: TokenName
) -> PersonView:
    """Revoke a token; feeds and tickets that were requested with it end."""
    return PersonView.of(context.people.revoke(name, token_name))


def _is_own(trace: Trace, name: str) -> bool:
    return trace.person is not None and trace.person.name == name


def _check_administrator_stays(context: ApiContext, leaving: PersonRecord) -> None:
    """Check that another person can administer people. Raises SecondPersonRequired."""
    if not _is_administrator(leaving):
        return
    others = (record for record in context.people.list() if record.name != leaving.name)
    if not any(map(_is_administrator, others)):
        raise SecondPersonRequired(
            "{name} is the last person with the right `{right}` for "
            "the whole site; give it to another person first",
            name=leaving.name,
            right=Right.PEOPLE_ADMIN,
        )


def _is_administrator(record: PersonRecord) -> bool:
    return record.has(Right.PEOPLE_ADMIN) and record.scope.is_unlimited


def _check_expiry(context: ApiContext, expires_ns: int | None) -> None:
    if expires_ns is not None and expires_ns <= context.clock.wall_ns():
        raise QueryInvalid("expires", "lies in the past, so that the token would not be valid")


def _warnings(context: ApiContext, scope: CameraScope) -> list[str]:
    return unknown_in_scope(scope, context.registry().registry)


def _token_view(made: NewToken) -> TokenView:
    """Return the token that was added last."""
    return TokenView.of(made.record.tokens[-1])
