"""Impossible legs of any age: those that the index finds, and those that were stored when their day
was archived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.clock import MS_PER_DAY, MS_PER_HOUR, NS_PER_MS
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.ulid import wall_ms_of
from storage.archive.archive import Archive
from storage.archive.day import ColdLeg
from storage.archive.search import day_of_ms
from storage.index.event_index import EventIndex
from storage.index.impossible_legs import FoundLegs

_DAY_H = MS_PER_DAY // MS_PER_HOUR
_MOST = 500
"""The most events of a plate between two of its sightings."""


@dataclass(frozen=True, slots=True)
class EventLegs:
    """The found legs; `plates` has the plates of the pairs that the archive knows."""

    found: FoundLegs
    plates: dict[tuple[str, str], str]

    @classmethod
    def find(
        cls, index: EventIndex, archive: Archive, first_hour: int, last_hour: int
    ) -> EventLegs:
        """Return the impossible legs that ended in these hours, both included. Raises
        StoreError.
        """
        hot = index.impossible(first_hour, last_hour)
        # A leg may have begun on the previous day. The archive is read after the index, so that it
        # has what was removed from the index in between.
        first, last = day_of_ms((first_hour - 1) * MS_PER_HOUR), day_of_ms(last_hour * MS_PER_HOUR)
        if archive.catalogue.last_day() < first:
            return cls(hot, {})
        days = [day for name, day in archive.catalogue.days().items() if first <= name <= last]
        legs = [
            leg
            for day in days
            for leg in day.legs or ()
            if first_hour <= wall_ms_of(leg.later) // MS_PER_HOUR <= last_hour
        ]
        unlooked = sum(_DAY_H for day in days if day.legs is None)
        pairs = sorted(
            {*hot.pairs, *((leg.earlier, leg.later) for leg in legs)},
            key=lambda pair: (pair[1], pair[0]),
            reverse=True,
        )
        return cls(
            FoundLegs(pairs, hot.pending_hours + unlooked, hot.overfull_hours),
            {(leg.earlier, leg.later): leg.plate for leg in legs},
        )

    def events(
        self, index: EventIndex, archive: Archive, pairs: Sequence[tuple[str, str]]
    ) -> Iterator[tuple[Event | None, Event | None]]:
        """Yield both ends of each pair; None for an event that was deleted. In the archive they are
        searched by their plate, which opens few files.
        """
        hot = index.get_all([event_id for pair in pairs for event_id in pair])
        for pair, a, b in zip(pairs, hot[::2], hot[1::2], strict=True):
            plate = self.plates.get(pair)
            cold = (
                {}
                if plate is None or (a is not None and b is not None)
                else _between(archive, ColdLeg(*pair, plate))
            )
            yield a or cold.get(pair[0]), b or cold.get(pair[1])


def _between(archive: Archive, leg: ColdLeg) -> dict[str, Event]:
    """Return the events of a plate from one of its sightings to the next."""
    from_ms, to_ms = wall_ms_of(leg.earlier), wall_ms_of(leg.later)
    query = EventQuery(
        plate=leg.plate, from_ns=from_ms * NS_PER_MS, to_ns=(to_ms + 1) * NS_PER_MS, order="oldest"
    )
    return {event.id: event for event in archive.search.page(query, None, _MOST, None, None).events}
