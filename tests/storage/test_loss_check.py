"""The storage check names what the object store lost by what Redis and the node still know."""

from __future__ import annotations

import pytest

from domain.clock import NS_PER_S, ManualClock
from domain.paths.data_layout import Layout
from domain.paths.object_keys import SITE_OBJECT, hold_object, person_object
from domain.people import Role
from domain.recordings.holds import Hold
from storage.check import check
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.findings import Breach
from storage.site.holds import Holds, NodeHolds
from storage.site.site_identity import SiteIdentity
from tests.kept import START_NS
from tests.people import people_of

HOLD = Hold.model_validate(
    {
        "id": "20251009-5f1c0a52",
        "camera": "gate",
        "from": START_NS,
        "to": START_NS + NS_PER_S,
        "reason": "case 7",
        "placed_by": "li",
        "placed_at": START_NS,
    }
)


@pytest.fixture(autouse=True)
def _settled(redis: Redis, objects: ObjectStore, layout: Layout, clock: ManualClock) -> None:
    """A site with a person and a hold that its node has read."""
    people_of(redis, objects).add("li.wei", Role.OPERATOR)
    SiteIdentity(redis, objects, layout.site, clock).settle()
    holds = Holds(objects, clock)
    holds.place(HOLD)
    NodeHolds(holds, layout.holds, clock).held()
    assert check(objects, redis, layout) == []


def _found(objects: ObjectStore, redis: Redis, layout: Layout) -> dict[Breach, str]:
    return {finding.breach: finding.subject for finding in check(objects, redis, layout)}


def test_a_store_without_its_records_is_named_with_each_of_them(
    redis: Redis, objects: ObjectStore, layout: Layout, clock: ManualClock
) -> None:
    for key in (SITE_OBJECT, person_object("li.wei", 1), hold_object(HOLD.id, 1)):
        objects.delete(key)
    # A node that meets the new store does not forget the hold.
    NodeHolds(Holds(objects, clock), layout.holds, clock).held()
    assert _found(objects, redis, layout) == {
        Breach.STORE_LOST: "state/site.json",
        Breach.PERSON_LOST: "li.wei",
        Breach.HOLD_LOST: HOLD.id,
    }


def test_an_emptied_index_is_named(redis: Redis, objects: ObjectStore, layout: Layout) -> None:
    redis.do("FLUSHALL")
    assert _found(objects, redis, layout) == {
        Breach.INDEX_EMPTIED: "Redis",
        Breach.PERSON_NOT_RESTORED: "li.wei",
    }
