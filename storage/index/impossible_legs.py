"""Legs that no vehicle could drive, found by the hour and stored in Redis.

{impossible}:<hour>    the result of an hour (since 1970, UTC) as JSON: `stamp`, the number of
                       events in the hour before it and in itself at that time; `pairs`, the ids
                       of both events of each leg that ended in it; `more`, whether there were
                       more pairs than are stored

A leg is the stretch from a sighting to the plate's next one, and belongs to the hour of the later
one. The earlier one is in the same hour or in the one before, because nothing longer is impossible
within a region. An hour whose stamp is out of date is processed again: late events and deletions
change the stamp, and a correction or a version with another reading deletes the result. Everything
here is derived from the index and expires.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.clock import MS_PER_HOUR, S_PER_DAY
from domain.events.event import Event
from domain.events.journeys import DEFAULT_LIMITS, KMH, leg
from domain.geo import EARTH_RADIUS_M
from domain.stored_model import StoredModel
from domain.ulid import id_text, wall_ms_of
from storage.clients.memory_limit import set_small
from storage.clients.readable_records import read_or_skip
from storage.clients.redis import Redis, maybe_texts
from storage.index.corrections import IndexCorrections
from storage.index.plate_code import NO_PLATE, pack
from storage.index.record_layout import NO_PLACE, overflow_flags, plate_numbers
from storage.index.rows import HourCount, Records
from storage.index.search import load
from storage.index.shards import Shards

RECORDS_MOST = 500_000
"""The most records that one call reads, which takes some tenths of a second. The result names the
hours that are left, and the next call reads them.
"""
PAIRS_MOST = 2_000
"""The most pairs of an hour that are stored. More indicate a wrong clock or a wrong place in the
registry, not clones.
"""
KEPT_S = 31 * S_PER_DAY
"""After this time an hour is processed again on request, so that nothing of deleted events remains.
"""
_BEST_MOST = 0xFFFF


class HourFound(StoredModel):
    stamp: tuple[int, int]
    pairs: tuple[tuple[str, str], ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class FoundLegs:
    """Pairs of ids, those that ended last first; the number of hours not processed yet, and of
    hours with too many pairs.
    """

    pairs: list[tuple[str, str]]
    pending_hours: int
    overfull_hours: int


class ImpossibleLegs:
    """The stored impossible legs. It is thread-safe, and raises IndexUnavailable if Redis is
    unreachable.
    """

    def __init__(self, redis: Redis, shards: Shards) -> None:
        self._redis = redis
        self._shards = shards
        self._corrections = IndexCorrections(redis)

    def find(self, first_hour: int, last_hour: int) -> FoundLegs:
        """Return the impossible legs that ended in these hours, both included.

        Hours whose stamp is out of date are processed first, the latest of them first.
        """
        counts = self._shards.hour_counts(first_hour - 1, last_hour)
        hours = sorted(hour for hour in counts if hour >= first_hour)
        known = self._known(hours)
        stale = [
            hour for hour in hours if hour not in known or known[hour].stamp != _stamp(counts, hour)
        ]
        looked = {hour: self._look(hour, counts) for hour in _within_bound(stale[::-1], counts)}
        found = [{**known, **looked}.get(hour) for hour in reversed(hours)]
        pairs = [
            pair
            for one in found
            if one is not None
            for pair in sorted(one.pairs, key=lambda pair: pair[1], reverse=True)
        ]
        return FoundLegs(
            pairs, len(stale) - len(looked), sum(one.more for one in found if one is not None)
        )

    def forget(self, event_id: str) -> None:
        """Delete the stored results that this event may be part of."""
        self.forget_hours({wall_ms_of(event_id) // MS_PER_HOUR})

    def forget_hours(self, hours: Collection[int]) -> None:
        """Delete the stored results that events of these hours may be part of."""
        if hours:
            self._redis.do(
                "DEL", *(_key(hour + after) for hour in sorted(hours) for after in (0, 1))
            )

    def _known(self, hours: Sequence[int]) -> dict[int, HourFound]:
        if not hours:
            return {}
        texts = maybe_texts(self._redis.do("MGET", *map(_key, hours)))
        found = {
            hour: read_or_skip(HourFound, text, "impossible legs")
            for hour, text in zip(hours, texts, strict=True)
            if text is not None
        }
        return {hour: one for hour, one in found.items() if one is not None}

    def _look(self, hour: int, counts: dict[int, HourCount]) -> HourFound:
        pairs = [(a.id, b.id) for a, b in self._pairs(hour)]
        found = HourFound(
            stamp=_stamp(counts, hour),
            pairs=tuple(pairs[:PAIRS_MOST]),
            more=len(pairs) > PAIRS_MOST,
        )
        set_small(self._redis, _key(hour), found.model_dump_json(), KEPT_S)
        return found

    def _pairs(self, hour: int) -> Iterator[tuple[Event, Event]]:
        """Yield the impossible legs that ended in this hour. The events of each candidate are
        loaded and compared again.
        """
        there = self._shards.sample(
            (hour - 1, hour), 1, (hour - 1) * MS_PER_HOUR, (hour + 1) * MS_PER_HOUR - 1
        )
        plates = self._plates(there)
        there, plates = there[np.flatnonzero(plates)], plates[plates != 0]
        records, starts = there.records, there.start_ms
        order = np.lexsort((records["tail_low"], records["tail_high"], starts, plates))
        a, b = order[:-1], order[1:]
        may = (
            (plates[a] == plates[b])
            & (there.pointers[b] >> 20 == hour)
            & (records["place"][a] != records["place"][b])
        )
        a, b = a[may], b[may]
        far = self._are_far(there[a], there[b])
        events = load(self._shards, there[np.stack([a[far], b[far]], axis=1).ravel()].rows())
        for one, other in zip(events[::2], events[1::2], strict=True):
            if one is not None and other is not None and leg(one, other).impossible:
                yield one, other

    def _plates(self, there: Records) -> NDArray[np.uint64]:
        """Return the plate of each record as a number, 0 if none was read. Corrected events have
        overflow records; theirs is the corrected plate.
        """
        plates = plate_numbers(there.records)
        overflow = np.flatnonzero(overflow_flags(there.records))
        ids = [id_text(*row.order) for row in there[overflow].rows()]
        corrections = self._corrections.of(ids)
        for i, event_id in zip(overflow, ids, strict=True):
            if event_id in corrections and corrections[event_id].text:
                plates[i] = int.from_bytes(pack(corrections[event_id].text) or NO_PLATE, "big")
        return plates

    def _are_far(self, a: Records, b: Records) -> NDArray[np.bool_]:
        """Return the pairs that may be impossible: farther apart than a vehicle can drive, or with
        a place or best moment that the records do not have.
        """
        seconds = (b.start_ms + b.records["best"] - a.start_ms - a.records["best"]) / 1000
        chords = np.linalg.norm(self._points(a) - self._points(b), axis=1)
        metres = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, chords / 2))
        limits = DEFAULT_LIMITS
        reach_m = (
            limits.speed_kmh / KMH * (np.maximum(seconds, 0.0) + limits.clock_error_s)
            + limits.view_m
        )
        untold = (
            (a.records["best"] == _BEST_MOST) | (b.records["best"] == _BEST_MOST) | np.isnan(metres)
        )
        return np.asarray((metres > reach_m - 1.0) | untold, np.bool_)

    def _points(self, of: Records) -> NDArray[np.float64]:
        """Return the position of each record's camera on the unit sphere; NaN if it is unknown."""
        names, which = np.unique(of.shards << 32 | of.records["place"], return_inverse=True)
        keys = [(int(name) >> 32, (int(name) & 0xFFFFFFFF).to_bytes(4, "little")) for name in names]
        places = self._shards.places.read(key for key in keys if key[1] != NO_PLACE)
        known = [places.get(key) for key in keys]
        degrees = [
            (np.nan, np.nan) if place is None else (place.location.lon, place.location.lat)
            for place in known
        ]
        lon, lat = np.radians(np.array(degrees, np.float64).reshape(-1, 2)).T
        return np.stack(
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1
        )[which]


def _key(hour: int) -> str:
    return f"{{impossible}}:{hour}"


def _stamp(counts: dict[int, HourCount], hour: int) -> tuple[int, int]:
    return counts.get(hour - 1, HourCount()).events, counts.get(hour, HourCount()).events


def _within_bound(hours: Sequence[int], counts: dict[int, HourCount]) -> list[int]:
    """Return the first of these hours that one call processes: at least one."""
    taken: list[int] = []
    records = 0
    for hour in hours:
        records += counts.get(hour - 1, HourCount()).events + counts[hour].events
        if taken and records > RECORDS_MOST:
            break
        taken.append(hour)
    return taken
