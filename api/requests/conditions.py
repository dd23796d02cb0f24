"""Conditional requests of RFC 9110, section 13: `If-None-Match` and `If-Match`."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header
from starlette.responses import Response

from domain.errors import QueryInvalid

_VERSION_TAG = re.compile(r'^"([1-9][0-9]{0,8})"$')
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=1000,
        description="ETags that the client has; one that is still right is answered 304",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=20,
        description="the ETag that the client has seen; another one is answered 412",
    ),
]


def version_tag(version: int) -> str:
    """Return the ETag of a version of a record."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int | None:
    """Return the version that `If-Match` names; None where any version is right.

    Raises QueryInvalid.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    match = _VERSION_TAG.fullmatch(if_match.strip())
    if match is None:
        raise QueryInvalid("If-Match", "must be the ETag of the resource, or *")
    return int(match[1])


def is_unchanged(if_none_match: str | None, etag: str) -> bool:
    """Return whether the client has what `etag` names."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def not_modified(etag: str) -> Response:
    """Return the response 304, which has no content."""
    return Response(status_code=304, headers={"ETag": etag})
