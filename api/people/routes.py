"""The declarations of the routes of people."""

from __future__ import annotations

from api.people import people
from api.requests.declarations import Declaration, Scope
from api.requests.problems import (
    NOT_FOUND,
    PRECONDITION_FAILED,
    RECORD_EXISTS,
    SECOND_PERSON_REQUIRED,
)
from domain.people import Right

PEOPLE_ROUTES: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        "/v1/people",
        people.list_people,
        Right.PEOPLE_ADMIN,
        Scope.WHOLE_SITE,
        audit="people.list",
    ),
    Declaration(
        "POST",
        "/v1/people",
        people.add_person,
        Right.PEOPLE_ADMIN,
        Scope.WHOLE_SITE,
        audit="person.add",
        problems=(RECORD_EXISTS,),
        creates=True,
        answers_secret=True,
        headers=("ETag",),
    ),
    Declaration(
        "GET",
        "/v1/people/{name}",
        people.read_person,
        Right.PEOPLE_ADMIN,
        Scope.WHOLE_SITE,
        audit="person.read",
        headers=("ETag",),
    ),
    Declaration(
        "PATCH",
        "/v1/people/{name}",
        people.change_person,
        Right.PEOPLE_ADMIN,
        Scope.WHOLE_SITE,
        audit="person.change",
        problems=(PRECONDITION_FAILED, SECOND_PERSON_REQUIRED),
        headers=("ETag",),
    ),
    Declaration(
        "DELETE",
        "/v1/people/{name}",
        people.remove_person,
        Right.PEOPLE_ADMIN,
        Scope.WHOLE_SITE,
        audit="person.remove",
        has_reason_header=True,
        problems=(PRECONDITION_FAILED, SECOND_PERSON_REQUIRED),
    ),
    Declaration(
        "POST",
        "/v1/people/{name}/tokens",
        people.add_token,
        Right.PEOPLE_ADMIN,
        Scope.WHOLE_SITE,
        audit="person.token_add",
        problems=(NOT_FOUND,),
        creates=True,
        answers_secret=True,
    ),
    Declaration(
        "DELETE",
        "/v1/people/{name}/tokens/{token}",
        people.revoke_token,
        Right.PEOPLE_ADMIN,
        Scope.WHOLE_SITE,
        audit="person.token_revoke",
        has_reason_header=True,
    ),
)
