"""Which layout the index lies in, and how an older one is brought up to date. docs/index.md says
what each has.

Layout 1 bore no number, counted no hours and did not add up the names of places. In layout 2 the
pointers of a plate seen often lay as they came.
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
"""From this layout on hours are counted, and the names of places are added up."""
_STANDING = load_script("index", "layout_version")
_STAMP = load_script("index", "stamp_layout")
_ADD_UP = load_script("index", "sum_places")
_COUNT_HOUR = load_script("index", "keys", "recount_hour")
_ORDERED_AT_ONCE = 10_000
_ORDER = load_script("index", "keys", "pointer_order", "order_pointers")


def bring_up(redis: Redis, shards: int) -> None:
    """Bring what lies in an older layout up to date; nothing is left to do once it returned.
    Whoever else does so at once does no harm.

    Raises IndexUnavailable where a newer program has laid the index out.
    """
    prefixes = [f"{{e{shard}}}" for shard in range(shards)]
    standing = cast(
        "list[tuple[bytes, int]]",
        redis.run_all([Script(_STANDING, prefix, ()) for prefix in prefixes]),
    )
    for prefix, (version, events) in zip(prefixes, standing, strict=True):
        if events and int(version) > LAYOUT:
            raise IndexUnavailable(
                f"the index lies in layout {int(version)} and this program knows {LAYOUT}: run "
                "the newer program, or empty Redis and"
                " run `sightline index rebuild`"
            )
        if events and int(version) < _COUNTED:
            _count(redis, prefix)
        if events and int(version) < LAYOUT:
            _order(redis, prefix)
            redis.run_all([Script(_STAMP, prefix, (LAYOUT,))])


def _count(redis: Redis, prefix: str) -> None:
    """An hour at a time, each counted anew whole, so that whatever is written in between is
    counted as well.
    """
    (hours,) = cast("list[list[bytes]]", redis.run_all([Script(HOURS, prefix, ())]))
    for hour in hours:
        redis.run_all([Script(_COUNT_HOUR, prefix, (hour,))])
    redis.run_all([Script(_ADD_UP, prefix, ())])


def _order(redis: Redis, prefix: str) -> None:
    """Some plates at a time, each whole: what is written to one in between is written in order."""
    number = 0
    while True:
        (number,) = cast(
            "list[int]", redis.run_all([Script(_ORDER, prefix, (number, _ORDERED_AT_ONCE))])
        )
        if not number:
            return
