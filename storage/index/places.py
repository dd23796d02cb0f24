"""The places of the index's records (camera, class, area, location) as this process has learnt
them, shard by shard.

A place's name is of its content, so that what was learnt once stays true; which names there are is
asked with each look that needs all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from domain.events.event import Event
from domain.events.query import EventQuery
from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script
from storage.index.record import PlaceFields

NAME_BYTES, CHECK_BYTES = 4, 4
_AT_ONCE = 500
_READ = load_script("index", "read_places")
_NAMES = load_script("index", "place_names")

Named = tuple[int, bytes]
"""A shard, and the name of a place there."""


@dataclass(frozen=True, slots=True)
class Table:
    """All places known at a moment, to look many records up at once."""

    keys: NDArray[np.int64]
    """shard << 32 | name, ascending."""
    which: NDArray[np.int64]
    """Of each key, which of `places` it names."""
    places: tuple[PlaceFields, ...]
    by_camera: Mapping[str, Sequence[int]]
    by_area: Mapping[str, Sequence[int]]

    def fits(self, query: EventQuery) -> NDArray[np.bool_]:
        """Of each key, whether its place is wanted; the last is of a place that is not known:
        only a closer look can tell.
        """
        wanted = np.zeros(len(self.places), np.bool_)
        for number in self._candidates(query):
            wanted[number] = is_in_place(query, self.places[number])
        return np.append(wanted[self.which], True)

    def _candidates(self, query: EventQuery) -> Iterable[int]:
        if query.camera is not None:
            return self.by_camera.get(query.camera, ())
        if query.area is not None:
            return (
                number
                for area, some in self.by_area.items()
                if is_in_area(area, query.area)
                for number in some
            )
        return range(len(self.places))

    def names(self, shard: int, fits: NDArray[np.bool_]) -> list[bytes]:
        """The names in a shard of those that fit."""
        found = self.keys[fits[:-1] & (self.keys >> 32 == shard)]
        return [(int(key) & 0xFFFFFFFF).to_bytes(NAME_BYTES, "little") for key in found]

    def rows_of(self, shards: NDArray[np.int64], names: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Which key each record's place is; len(keys) where it is unknown."""
        wanted = shards << 32 | names
        found = np.searchsorted(self.keys, wanted)
        is_there = np.append(self.keys, -1)[found] == wanted
        return np.where(is_there, found, len(self.keys))


class Places:
    """Thread-safe."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._known: dict[Named, PlaceFields] = {}
        self._same: dict[bytes, PlaceFields] = {}
        self._sums: dict[int, bytes] = {}
        self._table = _table([])
        self._lock = threading.Lock()

    def read(self, wanted: Iterable[Named]) -> Mapping[Named, PlaceFields]:
        """What these places are, and others."""
        unknown: dict[int, list[bytes]] = {}
        for shard, name in {named for named in wanted if named not in self._known}:
            unknown.setdefault(shard, []).append(name)
        asked = [
            (shard, names[at : at + _AT_ONCE])
            for shard, names in unknown.items()
            for at in range(0, len(names), _AT_ONCE)
        ]
        answers = self._redis.run_all(
            [Script(_READ, f"{{e{shard}}}", tuple(names)) for shard, names in asked]
        )
        for (shard, names), answer in zip(
            asked, cast("list[list[bytes | None]]", answers), strict=True
        ):
            for name, body in zip(names, answer, strict=True):
                if body is not None:
                    self._learn((shard, name), body[CHECK_BYTES:])
        return self._known

    def read_all(self, shards: Iterable[int]) -> None:
        """Learn every place of these shards."""
        shards = list(shards)
        answers = cast(
            "list[list[bytes]]",
            self._redis.run_all([Script(_NAMES, f"{{e{shard}}}", ()) for shard in shards]),
        )
        self.read(
            (shard, name)
            for shard, (_, *names) in zip(shards, answers, strict=True)
            for name in names
            if len(name) == NAME_BYTES
        )
        self._sums |= {shard: answer[0] for shard, answer in zip(shards, answers, strict=True)}

    def sum_of(self, shard: int) -> bytes:
        """What the shard's names added up to when all of them were learnt."""
        return self._sums.get(shard, b"-")

    def table(self) -> Table:
        with self._lock:
            if len(self._table.keys) != len(self._known):
                self._table = _table(list(self._known.items()))
            return self._table

    def _learn(self, named: Named, body: bytes) -> None:
        with self._lock:
            self._known[named] = self._same.setdefault(body, PlaceFields.parse(body))


def _table(known: Sequence[tuple[Named, PlaceFields]]) -> Table:
    places = list({id(place): place for _, place in known}.values())
    numbers = {id(place): number for number, place in enumerate(places)}
    keys = np.array(
        [shard << 32 | int.from_bytes(name, "little") for (shard, name), _ in known], np.int64
    )
    order = np.argsort(keys)
    which = np.array([numbers[id(place)] for _, place in known], np.int64)[order]
    by_camera, by_area = (
        _numbered([place.camera for place in places]),
        _numbered([place.area for place in places]),
    )
    return Table(keys[order], which, tuple(places), by_camera, by_area)


def _numbered(names: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        found.setdefault(name, []).append(number)
    return found


def is_in_place(query: EventQuery, place: Event | PlaceFields) -> bool:
    lon, lat = place.location.lon, place.location.lat
    return (
        (query.camera is None or place.camera == query.camera)
        and (query.area is None or is_in_area(place.area, query.area))
        and (query.class_ is None or place.class_ == query.class_)
        and (query.near is None or query.near.contains(lon, lat))
        and (query.within is None or query.within.contains(lon, lat))
    )


def is_in_area(area: str, wanted: str) -> bool:
    return area == wanted or area.startswith(wanted + "/")
