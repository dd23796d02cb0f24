"""Finds what the object store has lost and Redis or this node's disk still knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.clock import Clock
from domain.paths.data_layout import Layout
from domain.paths.object_keys import HOLDS_PREFIX
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.site.holds import last_read
from storage.site.people_index import PeopleIndex
from storage.site.site_identity import SiteIdentity


@dataclass(frozen=True, slots=True)
class StoreLoss:
    """One loss; `what` is the store, the index, a person or a hold."""

    what: str
    subject: str
    message: str


def find_losses(
    objects: ObjectStore, redis: Redis, layout: Layout | None, clock: Clock
) -> Iterator[StoreLoss]:
    """Yield every loss. The legal holds are compared with those that this node last read."""
    site_file = None if layout is None else layout.site
    faults = SiteIdentity(redis, objects, site_file, clock).check()
    if faults.objects is not None:
        yield StoreLoss("store_lost", "state/site.json", faults.objects)
    if faults.index is not None:
        yield StoreLoss("index_emptied", "Redis", faults.index)
    for name in PeopleIndex(redis, objects).lost():
        message = "Redis knows this person, and the object store has no record of them; "
        yield StoreLoss("person_lost", name, message + "put the store back, or restore its copy")
    if layout is None:
        return
    keys = [found.key.removeprefix(HOLDS_PREFIX) for found in objects.list(HOLDS_PREFIX)]
    recorded = {key.partition("/")[0] for key in keys}
    for hold in last_read(layout.holds):
        if hold.id not in recorded:
            message = f"this node knows the legal hold ({hold.reason}), and its record is gone; "
            yield StoreLoss("hold_lost", hold.id, message + "put the store back, or place it again")
