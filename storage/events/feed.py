"""The live feed: events in the order in which they were indexed, those of a spool late; the newest
of them, in Redis.

An event appears when it is first indexed, and again with each later version of it: its passing went
on, its clip is ready, or it was corrected.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from domain.events.event import Event
from storage.clients.arrival_stream import ArrivalStream
from storage.clients.readable_records import read_or_skip
from storage.clients.redis import Redis

TAG = "{feed}"


@dataclass(frozen=True, slots=True)
class FeedPage:
    """As `arrivals.Page`, of events."""

    last: int
    known_from: int
    items: tuple[tuple[int, Event], ...]


class Feed:
    """Every call raises IndexUnavailable where Redis is away."""

    def __init__(self, redis: Redis, most: int) -> None:
        self._arrivals = ArrivalStream(redis, TAG, most)

    def add_all(self, events: Sequence[Event]) -> None:
        """Events that were indexed just now. Added twice, they appear twice."""
        self._arrivals.add([_packed(event) for event in events])

    def after(self, number: int, limit: int) -> FeedPage:
        """At most `limit` events that arrived after `number`, the oldest first."""
        page = self._arrivals.after(number, limit)
        found = ((at, _unpacked(data)) for at, data in page.items)
        return FeedPage(
            page.last,
            page.known_from,
            tuple((at, event) for at, event in found if event is not None),
        )


def _packed(event: Event) -> bytes:
    packer = zlib.compressobj(zdict=_SAMPLE)
    return _VERSION + packer.compress(event.to_json().encode()) + packer.flush()


def _unpacked(data: bytes) -> Event | None:
    return read_or_skip(Event, zlib.decompressobj(zdict=_SAMPLE).decompress(data[1:]), "feed")


_VERSION = b"1"
_SAMPLE = (
    '"clip_missing":"nothing was '
    'recorded""color":"green""color":"yellow""kind":"face""plate":null,"wall_source":"sender""heading":90.0'
    '{"id":"01JD7Z3V5G8M2K4Q6R9T1W3Y5A","kind":"vehicle","camera":"gate","class":"A","area":"area","location":{"lon":111.5,"lat":32.5,'
    '"heading":null},"started_at":"2025-11-24T16:00:00.000Z","best_at":"2025-11-24T16:00:00.000Z","ended_at":"2025-11-24T16:00:00.000Z",'
    '"plate":{"text":"鄂C12345","color":"blue","confidence":0.9,"alternatives":[{"text":"鄂C12345","confidence":0.01}]},"confidence":0.9,'
    '"box":[0.4,0.6,0.5,0.7],"wall_source":"receiver","clip_ready":false,"clip_missing":"","schema":1}'
).encode()
"""What all events have in common, so that it is not stored with each. Part of version 1 of what
is stored: never change it.
"""
