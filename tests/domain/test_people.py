"""The table of rights says what the roles are for."""

from __future__ import annotations

from domain.people import RIGHTS, Person, Right, Role


def test_the_table_of_rights() -> None:
    """Plates and faces are for those who watch; who installs cameras or reads the audit sees
    neither.
    """
    plates = {role for role in Role if Person("x", role).may(Right.EVENTS_READ)}
    assert plates == {Role.OPERATOR, Role.INVESTIGATOR, Role.ADMIN}
    assert RIGHTS[Role.AUDITOR] == {Right.AUDIT_READ}
    assert not Person("x", Role.INTEGRATOR).may(Right.LIVE_VIEW)
    assert RIGHTS[Role.ADMIN] == set(Right)
    assert set(RIGHTS) == set(Role)
