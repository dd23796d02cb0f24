"""Claims give a role, rights and a scope; what is absent or unknown never widens access."""

from __future__ import annotations

from typing import Any

import pytest

from api.openid.identity import claim_at, identity_of
from domain.camera_scope import UNLIMITED, CameraScope
from domain.errors import Forbidden
from domain.openid import ClaimNames, ClaimRole
from domain.people import Right, Role

ROLES = {
    "city-investigators": ClaimRole(role=Role.INVESTIGATOR, grants=(Right.AUDIT_READ,)),
    "city-operators": ClaimRole(role=Role.OPERATOR),
}
NAMES = ClaimNames("preferred_username", "realm_access.roles")
LIMITED = ClaimNames("name", "roles", "areas", "classes", "cameras")


def _claims(**changes: Any) -> dict[str, Any]:
    own = {
        "iss": "https://id.example.cn",
        "sub": "7",
        "realm_access": {"roles": ["city-operators"]},
    }
    return own | {"roles": ["city-operators"]} | changes


def test_claims_like_those_of_keycloak_give_name_role_and_rights() -> None:
    roles = {"roles": ["offline_access", "city-operators", "city-investigators"]}
    identity = identity_of(
        _claims(preferred_username="zhang.san", realm_access=roles), NAMES, ROLES
    )
    assert (identity.issuer, identity.subject) == ("https://id.example.cn", "7")
    assert identity.name == "zhang.san"
    # the first entry of the mapping counts, not the first of the claim
    assert (identity.role, identity.grants) == (Role.INVESTIGATOR, (Right.AUDIT_READ,))
    assert identity.scope == UNLIMITED


def test_the_order_of_claims_changes_no_scope() -> None:
    """A download ends when the scope of its person changes."""
    limits = {"areas": ["b", "a", "c"], "classes": ["B", "A"], "cameras": ["gate", "east", "gate"]}
    other = {name: values[::-1] for name, values in limits.items()}
    first, second = (identity_of(_claims(**one), LIMITED, ROLES) for one in (limits, other))
    assert first.scope == second.scope == CameraScope(("a", "b", "c"), ("A", "B"), ("east", "gate"))


@pytest.mark.parametrize(
    "value", [None, [], "", ["city-operators-2"], ["CITY-OPERATORS"], {"roles": []}]
)
def test_a_person_without_a_mapped_role_is_refused(value: object) -> None:
    with pytest.raises(Forbidden, match=r"realm_access\.roles"):
        identity_of(_claims(realm_access={"roles": value}), NAMES, ROLES)


@pytest.mark.parametrize("value", [7, [7], [["city-operators"]], ["x" * 256], ["x"] * 501])
def test_a_claim_that_is_no_list_of_texts_is_refused(value: object) -> None:
    with pytest.raises(Forbidden, match="claim"):
        identity_of(_claims(realm_access={"roles": value}), NAMES, ROLES)


@pytest.mark.parametrize(
    ("claims", "scope"),
    [
        ({"areas": ["*"], "classes": ["*"]}, UNLIMITED),
        ({"areas": ["old/town"], "classes": ["*"]}, CameraScope(areas=("old/town",))),
        ({"areas": ["*"], "classes": ["A", "B"]}, CameraScope(classes=("A", "B"))),
        ({"areas": "old/town", "classes": "A"}, CameraScope(("old/town",), ("A",))),
        ({"cameras": ["gate"]}, CameraScope(cameras=("gate",))),
        ({"areas": [], "classes": [], "cameras": ["gate"]}, CameraScope(cameras=("gate",))),
        (
            {"areas": ["old/town"], "classes": ["A"], "cameras": ["gate"]},
            CameraScope(("old/town",), ("A",), ("gate",)),
        ),
        ({"cameras": ["*"]}, UNLIMITED),
        ({"areas": ["*"], "classes": ["*"], "cameras": ["gate"]}, UNLIMITED),
    ],
)
def test_claims_limit_the_scope(claims: dict[str, Any], scope: CameraScope) -> None:
    assert identity_of(_claims(**claims), LIMITED, ROLES).scope == scope


@pytest.mark.parametrize(
    ("claims", "named"),
    [
        ({}, "`areas` and `classes` and `cameras`"),
        ({"areas": []}, "no cameras"),
        ({"areas": ["old/town"]}, "`classes`"),
        ({"classes": ["A"]}, "`areas`"),
        ({"areas": ["old/town"], "classes": [], "cameras": ["gate"]}, "`classes`"),
        ({"areas": ["*"], "classes": ["D"]}, "class 'D'"),
        ({"areas": {"old/town": True}, "classes": ["A"]}, "`areas`"),
    ],
)
def test_claims_without_a_limit_give_no_cameras(claims: dict[str, Any], named: str) -> None:
    with pytest.raises(Forbidden, match=named):
        identity_of(_claims(**claims), LIMITED, ROLES)


def test_one_limit_alone_may_be_configured() -> None:
    names = ClaimNames("name", "roles", areas="areas")
    assert identity_of(_claims(areas=["a"]), names, ROLES).scope == CameraScope(areas=("a",))
    with pytest.raises(Forbidden, match="areas"):
        identity_of(_claims(), names, ROLES)


def test_a_name_is_one_printable_line() -> None:
    named = {"preferred_username": "张三\n\x1b[31m" + "x" * 200}
    assert identity_of(_claims(**named), NAMES, ROLES).name == "张三[31m" + "x" * 122
    assert identity_of(_claims(preferred_username=7), NAMES, ROLES).name == ""


def test_a_claim_with_dots_in_its_own_name_is_found() -> None:
    claims = {"https://city.example/roles": ["a"], "x": {"y": {"z": 1}}}
    assert claim_at(claims, "https://city.example/roles") == ["a"]
    assert claim_at(claims, "x.y.z") == 1
    assert claim_at(claims, "x.y.z.w") is None
