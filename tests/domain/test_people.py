"""The rights of each role, compared with a table that is written by hand."""

from __future__ import annotations

from domain.people import RIGHTS, Person, Right, Role

TABLE = {
    "operator": "cameras_read events_correct events_read live_view recordings_read "
    "recordings_trigger",
    "investigator": "approvals cameras_read events_correct events_read evidence exports live_view "
    "recordings_read recordings_trigger unmasked_view watches",
    "integrator": "cameras_read metrics_read recordings_trigger test_picture",
    "auditor": "audit_read",
    "admin": "cameras_read metrics_read people_admin",
    "metrics": "metrics_read",
    "push": "events_push",
    "triggers": "recordings_trigger",
}


def test_the_table_of_rights() -> None:
    assert {role.value: " ".join(sorted(RIGHTS[role])) for role in Role} == TABLE


def test_only_operators_and_investigators_see_evidence() -> None:
    evidence = {Right.EVENTS_READ, Right.RECORDINGS_READ, Right.LIVE_VIEW, Right.UNMASKED_VIEW}
    assert {role for role in Role if RIGHTS[role] & evidence} == {
        Role.OPERATOR,
        Role.INVESTIGATOR,
    }


def test_a_grant_adds_to_the_rights_of_the_role() -> None:
    person = Person("x", Role.OPERATOR, frozenset({Right.UNMASKED_VIEW}))
    assert person.may(Right.UNMASKED_VIEW)
    assert person.may(Right.LIVE_VIEW)
    assert not person.may(Right.EVIDENCE)
