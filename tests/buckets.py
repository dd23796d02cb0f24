"""Buckets that several test files share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.clients.s3 import ObjectStore


def remove_objects(objects: ObjectStore, *prefixes: str, kept: tuple[str, ...] = ()) -> None:
    """Remove all objects, or those with one of the prefixes, except those with a kept one."""
    for prefix in prefixes or ("",):
        for found in list(objects.list(prefix)):
            if not found.key.startswith(kept):
                objects.delete(found.key)
