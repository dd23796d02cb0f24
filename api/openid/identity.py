"""Who a person is according to the claims of an id token: name, role, rights and scope. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.camera_scope import UNLIMITED, CameraScope
from domain.errors import Forbidden
from domain.openid import ClaimNames, ClaimRole, ProviderIdentity

EVERYTHING = "*"
"""The value of a claim that sets no limit."""
CLASSES = frozenset("ABC")
MAX_NAME_CHARACTERS = 128
_MAX_VALUES = 500
_MAX_VALUE_CHARACTERS = 255


def identity_of(
    claims: Mapping[str, Any], names: ClaimNames, roles: Mapping[str, ClaimRole]
) -> ProviderIdentity:
    """Return the identity of verified claims. Raises Forbidden where they give no access."""
    mapped = _mapped_role(claims, names, roles)
    name = claim_at(claims, names.name)
    return ProviderIdentity(
        issuer=claims["iss"],
        subject=claims["sub"],
        name=_one_line(name) if isinstance(name, str) else "",
        role=mapped.role,
        grants=mapped.grants,
        scope=_scope(claims, names),
    )


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim at `realm_access.roles`; None if it is absent.

    A claim whose own name has dots, such as a URL, is found by its whole name first.
    """
    if path in claims:
        return claims[path]
    value: Any = claims
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _mapped_role(
    claims: Mapping[str, Any], names: ClaimNames, roles: Mapping[str, ClaimRole]
) -> ClaimRole:
    held = set(_values(claims, names.roles))
    mapped = next((role for value, role in roles.items() if value in held), None)
    if mapped is None:
        raise Forbidden(
            "the identity provider gives this person no role of this site: the "
            "claim `{claim}` has none of the values of SIGHTLINE_OPENID_ROLES",
            claim=names.roles,
        )
    return mapped


def _scope(claims: Mapping[str, Any], names: ClaimNames) -> CameraScope:
    """Return the scope of the claims. A claim that is absent gives no cameras, never all of them.

    Areas and classes limit each other, so where both have a claim, both need a value.
    """
    limits = {path: _values(claims, path) for path in (names.areas, names.classes) if path}
    cameras = _values(claims, names.cameras) if names.cameras else ()
    if not limits and not names.cameras:
        return UNLIMITED
    if EVERYTHING in cameras:
        return UNLIMITED
    if not limits or not any(limits.values()):
        if not cameras:
            raise _without_cameras(names)
        return CameraScope(cameras=cameras)
    absent = [path for path, values in limits.items() if not values]
    if absent:
        raise Forbidden(
            "the claim `{claim}` of the identity provider is empty, so this "
            "person may see no cameras; `{everything}` means all",
            claim=absent[0],
            everything=EVERYTHING,
        )
    areas = _limit(limits.get(names.areas, (EVERYTHING,)))
    classes = _limit(limits.get(names.classes, (EVERYTHING,)))
    unknown = sorted(set(classes) - CLASSES)
    if unknown:
        raise Forbidden(
            "the claim `{claim}` of the identity provider has the class "
            "{unknown_class}; the classes are A, B and C",
            claim=names.classes,
            unknown_class=repr(_one_line(unknown[0])),
        )
    if not areas and not classes:
        return UNLIMITED
    return CameraScope(areas, classes, cameras)


def _limit(values: tuple[str, ...]) -> tuple[str, ...]:
    return () if EVERYTHING in values else values


def _without_cameras(names: ClaimNames) -> Forbidden:
    paths = " and ".join(
        f"`{path}`" for path in (names.areas, names.classes, names.cameras) if path
    )
    return Forbidden(
        "the identity provider gives this person no cameras: {claims} are "
        "absent or empty; `{everything}` means all",
        claims=paths,
        everything=EVERYTHING,
    )


def _values(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Return the texts of a claim, which is a text or a list of texts. Raises Forbidden."""
    value = claim_at(claims, path)
    found = [value] if isinstance(value, str) else value
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Forbidden(
            "the claim `{claim}` of the identity provider is no text or list of texts", claim=path
        )
    if len(found) > _MAX_VALUES or any(len(one) > _MAX_VALUE_CHARACTERS for one in found):
        raise Forbidden("the claim `{claim}` of the identity provider is too long", claim=path)
    return tuple(sorted({one for one in found if one}))


def _one_line(text: str) -> str:
    return "".join(one for one in text if one.isprintable()).strip()[:MAX_NAME_CHARACTERS]
