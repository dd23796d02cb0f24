"""The version of the index's layout, and the upgrade of an older one. docs/index.md describes each.

Layout 1 had no version number, no counts of hours and no sums of place names. In layout 2 the
pointers of a frequent plate were not sorted.
"""

from __future__ import annotations

from typing import cast

from domain.errors import IndexUnavailable
from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script
from storage.index.index_scripts import HOURS

LAYOUT = 3
"""The layout that this program writes; it is stored in each shard that holds events."""
_COUNTED = 2
"""From this layout on, hours are counted and the names of places are summed."""
_LAYOUT_VERSION = load_script("index", "layout_version")
_STAMP = load_script("index", "stamp_layout")
_ADD_UP = load_script("index", "sum_places")
_COUNT_HOUR = load_script("index", "keys", "recount_hour")
_PLATES_A_CALL = 10_000
_ORDER = load_script("index", "keys", "pointer_order", "order_pointers")


def upgrade_layout(redis: Redis, shards: int) -> None:
    """Upgrade an index of an older layout; it is complete when this returns. Concurrent calls do no
    harm.

    Raises IndexUnavailable if a newer program wrote the index.
    """
    prefixes = [f"{{e{shard}}}" for shard in range(shards)]
    layouts = cast(
        "list[tuple[bytes, int]]",
        redis.run_all([Script(_LAYOUT_VERSION, prefix, ()) for prefix in prefixes]),
    )
    for prefix, (version, events) in zip(prefixes, layouts, strict=True):
        if events and int(version) > LAYOUT:
            raise IndexUnavailable(
                "the index lies in layout {version} and this program knows "
                "{layout}: run the newer program, or empty Redis and run "
                "`sightline index rebuild`",
                version=int(version),
                layout=LAYOUT,
            )
        if events and int(version) < _COUNTED:
            _count(redis, prefix)
        if events and int(version) < LAYOUT:
            _order(redis, prefix)
            redis.run_all([Script(_STAMP, prefix, (LAYOUT,))])


def _count(redis: Redis, prefix: str) -> None:
    """Count the events of each hour again. Each hour is counted as a whole, so concurrent writes
    are counted too.
    """
    (hours,) = cast("list[list[bytes]]", redis.run_all([Script(HOURS, prefix, ())]))
    for hour in hours:
        redis.run_all([Script(_COUNT_HOUR, prefix, (hour,))])
    redis.run_all([Script(_ADD_UP, prefix, ())])


def _order(redis: Redis, prefix: str) -> None:
    """Sort the pointers of some plates a call. Each plate is sorted as a whole, and concurrent
    writes keep the order.
    """
    number = 0
    while True:
        (number,) = cast(
            "list[int]", redis.run_all([Script(_ORDER, prefix, (number, _PLATES_A_CALL))])
        )
        if not number:
            return
