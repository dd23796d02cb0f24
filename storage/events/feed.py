"""The live feed: the newest events in Redis, in the order in which they were indexed. Events from a
spool therefore appear late.

An event appears when it is first indexed, and again with each later version: the passing continued,
the clip is ready, or it was corrected.
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
    """A page of events with the fields of `arrival_stream.ArrivalPage`."""

    last: int
    known_from: int
    items: tuple[tuple[int, Event], ...]


class Feed:
    """The feed of a site. Every call raises IndexUnavailable if Redis is unreachable."""

    def __init__(self, redis: Redis, most: int) -> None:
        self._arrivals = ArrivalStream(redis, TAG, most)

    def add_all(self, events: Sequence[Event]) -> None:
        """Add events that were just indexed. An event that is added twice appears twice."""
        self._arrivals.add([_packed(event) for event in events])

    def after(self, number: int, limit: int) -> FeedPage:
        """Return at most `limit` events that arrived after `number`, the oldest first."""
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
    try:
        # A larger one is cut off, so it is no JSON.
        text = zlib.decompressobj(zdict=_SAMPLE).decompress(data[1:], _MAX_BYTES)
    except zlib.error:
        text = b""
    return read_or_skip(Event, text, "feed")


_MAX_BYTES = 1 << 20
_VERSION = b"1"
_SAMPLE = (
    '"clip_missing":"nothing was '
    'recorded""color":"green""color":"yellow""kind":"face""plate":null,"wall_source":"sender""heading":90.0'
    '{"id":"01JD7Z3V5G8M2K4Q6R9T1W3Y5A","kind":"vehicle","camera":"gate","class":"A","area":"area","location":{"lon":111.5,"lat":32.5,'
    '"heading":null},"started_at":"2025-11-24T16:00:00.000Z","best_at":"2025-11-24T16:00:00.000Z","ended_at":"2025-11-24T16:00:00.000Z",'
    '"plate":{"text":"鄂C12345","color":"blue","confidence":0.9,"alternatives":[{"text":"鄂C12345","confidence":0.01}]},"confidence":0.9,'
    '"box":[0.4,0.6,0.5,0.7],"wall_source":"receiver","clip_ready":false,"clip_missing":"","schema":1}'
).encode()
"""The common text of all events, which compression then does not store with each. It is part of
version 1 of the stored form and must never change.
"""
