"""The places (camera, class, area, location) that this process has read from the index, by shard.

A place's name is a hash of its content, so a cached place stays valid. A search that needs all
places asks for the set of names each time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from domain.camera_scope import ALL_CAMERAS, VisibleCameras
from domain.events.event import Event
from domain.events.query import EventQuery
from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script
from storage.index.record import PlaceFields

NAME_BYTES, CHECK_BYTES = 4, 4
_NAMES_A_CALL = 500
MOST_SCOPES = 256
"""The most scopes that a table remembers the places of."""
_READ = load_script("index", "read_places")
_NAMES = load_script("index", "place_names")

Named = tuple[int, bytes]
"""A shard, and the name of a place in it."""


@dataclass(frozen=True, slots=True)
class PlaceTable:
    """All places that are known at one time; many records are looked up in one operation."""

    keys: NDArray[np.int64]
    """`shard << 32 | name`, ascending."""
    which: NDArray[np.int64]
    """The index in `places` of each key."""
    places: tuple[PlaceFields, ...]
    by_camera: Mapping[str, Sequence[int]]
    by_area: Mapping[str, Sequence[int]]
    visible: dict[VisibleCameras, NDArray[np.bool_]] = field(default_factory=dict, compare=False)
    """For each scope that was used, whether each place is at a visible camera."""

    def fits(self, query: EventQuery) -> NDArray[np.bool_]:
        """Return for each key whether its place matches the query. The last element stands for
        unknown places, whose events must be loaded.
        """
        if is_placed(replace(query, visible=ALL_CAMERAS)):
            fits = np.zeros(len(self.places), np.bool_)
            for number in self._candidates(query):
                fits[number] = is_in_place(query, self.places[number])
        else:
            fits = self._at_visible_cameras(query.visible)
        return np.append(fits[self.which], True)

    def _at_visible_cameras(self, visible: VisibleCameras) -> NDArray[np.bool_]:
        known = self.visible.get(visible)
        if known is None:
            if len(self.visible) >= MOST_SCOPES:
                self.visible.clear()
            known = np.array([place.camera in visible for place in self.places], np.bool_)
            self.visible[visible] = known
        return known

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
        """Return the names in a shard of the places that match."""
        found = self.keys[fits[:-1] & (self.keys >> 32 == shard)]
        return [(int(key) & 0xFFFFFFFF).to_bytes(NAME_BYTES, "little") for key in found]

    def most_in_a_shard(self, fits: NDArray[np.bool_]) -> int:
        """Return the greatest number of matching places that a shard has."""
        counts = np.bincount(self.keys[fits[:-1]] >> 32)
        return int(counts.max()) if len(counts) else 0

    def rows_of(self, shards: NDArray[np.int64], names: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return the key's index of each record's place; `len(keys)` if it is unknown."""
        keys = shards << 32 | names
        found = np.searchsorted(self.keys, keys)
        is_there = np.append(self.keys, -1)[found] == keys
        return np.where(is_there, found, len(self.keys))


class Places:
    """The places that this process knows. It is thread-safe."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._known: dict[Named, PlaceFields] = {}
        self._same: dict[bytes, PlaceFields] = {}
        self._sums: dict[int, bytes] = {}
        self._table = _table([])
        self._lock = threading.Lock()

    def read(self, places: Iterable[Named]) -> Mapping[Named, PlaceFields]:
        """Return a mapping that has these places, among others."""
        unknown: dict[int, list[bytes]] = {}
        for shard, name in {named for named in places if named not in self._known}:
            unknown.setdefault(shard, []).append(name)
        asked = [
            (shard, names[at : at + _NAMES_A_CALL])
            for shard, names in unknown.items()
            for at in range(0, len(names), _NAMES_A_CALL)
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
        """Read every place of these shards."""
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
        """Return the sum of the shard's place names when all of them were last read."""
        return self._sums.get(shard, b"-")

    def table(self) -> PlaceTable:
        with self._lock:
            if len(self._table.keys) != len(self._known):
                self._table = _table(list(self._known.items()))
            return self._table

    def _learn(self, named: Named, body: bytes) -> None:
        with self._lock:
            self._known[named] = self._same.setdefault(body, PlaceFields.parse(body))


def _table(known: Sequence[tuple[Named, PlaceFields]]) -> PlaceTable:
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
    return PlaceTable(keys[order], which, tuple(places), by_camera, by_area)


def _numbered(names: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        found.setdefault(name, []).append(number)
    return found


def is_placed(query: EventQuery) -> bool:
    """Return whether the query has a condition on places."""
    return not query.visible.is_all or (
        query.camera,
        query.area,
        query.class_,
        query.near,
        query.within,
    ) != (None, None, None, None, None)


def is_in_place(query: EventQuery, place: Event | PlaceFields) -> bool:
    lon, lat = place.location.lon, place.location.lat
    return (
        place.camera in query.visible
        and (query.camera is None or place.camera == query.camera)
        and (query.area is None or is_in_area(place.area, query.area))
        and (query.class_ is None or place.class_ == query.class_)
        and (query.near is None or query.near.contains(lon, lat))
        and (query.within is None or query.within.contains(lon, lat))
    )


def is_in_area(area: str, requested: str) -> bool:
    return area == requested or area.startswith(requested + "/")
