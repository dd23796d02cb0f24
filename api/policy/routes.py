"""The declarations of the routes of the access policy: cases, approvals, emergency accesses."""

from __future__ import annotations

from api.policy import approvals, cases, emergencies
from api.requests.declarations import Access, Declaration, Scope
from api.requests.problems import (
    CASE_REQUIRED,
    NOT_FOUND,
    PRECONDITION_FAILED,
    RECORD_ENDED,
    RECORD_EXISTS,
    SECOND_PERSON_REQUIRED,
)
from domain.people import Right

_CASES: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        "/v1/cases",
        cases.list_cases,
        Right.EVIDENCE,
        Scope.SITE,
        audit="cases.list",
        is_of_policy=True,
    ),
    Declaration(
        "POST",
        "/v1/cases",
        cases.open_case,
        Right.EVIDENCE,
        Scope.SITE,
        audit="case.open",
        is_of_policy=True,
        problems=(RECORD_EXISTS,),
        creates=True,
        headers=("ETag",),
    ),
    Declaration(
        "GET",
        "/v1/cases/{id}",
        cases.read_case,
        Right.EVIDENCE,
        Scope.SITE,
        audit="case.read",
        is_of_policy=True,
        headers=("ETag",),
    ),
    Declaration(
        "PATCH",
        "/v1/cases/{id}",
        cases.change_case,
        Right.EVIDENCE,
        Scope.SITE,
        audit="case.change",
        is_of_policy=True,
        problems=(PRECONDITION_FAILED,),
        headers=("ETag",),
    ),
)
_APPROVALS: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        "/v1/approvals",
        approvals.list_approvals,
        Access.SIGNED_IN,
        Scope.SITE,
        audit="approvals.list",
        is_of_policy=True,
    ),
    Declaration(
        "POST",
        "/v1/approvals",
        approvals.request_approval,
        Access.SIGNED_IN,
        Scope.SITE,
        audit="approval.request",
        is_of_policy=True,
        problems=(NOT_FOUND, CASE_REQUIRED),
        creates=True,
        headers=("ETag",),
    ),
    Declaration(
        "GET",
        "/v1/approvals/{id}",
        approvals.read_approval,
        Access.SIGNED_IN,
        Scope.SITE,
        audit="approval.read",
        is_of_policy=True,
        headers=("ETag",),
    ),
    Declaration(
        "PATCH",
        "/v1/approvals/{id}",
        approvals.decide_approval,
        Right.APPROVALS,
        Scope.SITE,
        audit="approval.decide",
        is_of_policy=True,
        problems=(PRECONDITION_FAILED, RECORD_ENDED, SECOND_PERSON_REQUIRED),
        headers=("ETag",),
    ),
)
_EMERGENCIES: tuple[Declaration, ...] = (
    Declaration(
        "GET",
        "/v1/emergencies",
        emergencies.list_emergencies,
        Right.APPROVALS,
        Scope.SITE,
        audit="emergencies.list",
        is_of_policy=True,
    ),
    Declaration(
        "GET",
        "/v1/emergencies/{id}",
        emergencies.read_emergency,
        Right.APPROVALS,
        Scope.SITE,
        audit="emergency.read",
        is_of_policy=True,
        headers=("ETag",),
    ),
    Declaration(
        "PATCH",
        "/v1/emergencies/{id}",
        emergencies.review_emergency,
        Right.APPROVALS,
        Scope.SITE,
        audit="emergency.review",
        is_of_policy=True,
        problems=(PRECONDITION_FAILED, RECORD_ENDED, SECOND_PERSON_REQUIRED),
        headers=("ETag",),
    ),
)
POLICY_ROUTES: tuple[Declaration, ...] = (
    Declaration("GET", "/v1/policy", cases.read_policy, Access.SIGNED_IN, Scope.NONE),
    *_CASES,
    *_APPROVALS,
    *_EMERGENCIES,
)
