"""Which cameras lie on the way between two places, and which are near one: by distance alone,
knowing no roads. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from domain.events.event import Location
from domain.geo import EARTH_RADIUS_M, distance_m
from domain.registry import Camera

DETOUR = 1.15
"""By how much the way over a camera may be longer than the straight line between two sightings,
for the camera to be on it.
"""
DETOUR_M = 150.0
LEAST_LEG_M = 300.0
"""Shorter legs have nothing between them."""
PLACES_KNOWN, LEGS_KNOWN = 512, 4096
"""Whose distances and whose cameras are remembered, the latest used: vehicles pass the same
cameras again and again.
"""


@dataclass(frozen=True, slots=True)
class NearCamera:
    camera: Camera
    distance_m: float


class CameraMap:
    """The cameras of a registry on the map; made once for each registry."""

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self._cameras = [camera for camera in cameras if camera.enabled]
        self._points = _points(
            [(camera.location.lon, camera.location.lat) for camera in self._cameras]
        )
        self._near = lru_cache(PLACES_KNOWN)(self._measured)
        self._on_the_way = lru_cache(LEGS_KNOWN)(self._chosen)

    def passed(
        self, start: Location, end: Location, most: int, apart_from: Sequence[str] = ()
    ) -> list[NearCamera]:
        """The cameras that a vehicle probably passed on its way, nearest to the straight way
        first chosen, in the order of the way.
        """
        return list(
            self._on_the_way((start.lon, start.lat), (end.lon, end.lat), most, tuple(apart_from))
        )

    def _chosen(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        most: int,
        apart_from: tuple[str, ...],
    ) -> tuple[NearCamera, ...]:
        found = self._between(start, end, most + len(apart_from))
        nearest = [
            (distance_m, i) for distance_m, i in found if self._cameras[i].id not in apart_from
        ][:most]
        return tuple(
            NearCamera(self._cameras[i], round(distance_m, 1)) for distance_m, i in sorted(nearest)
        )

    def nearest(
        self, place: Location, most: int, apart_from: Sequence[str] = ()
    ) -> list[NearCamera]:
        """The cameras nearest to a place: what passes there should be seen by one of them next."""
        distances = self._near((place.lon, place.lat))
        order = np.argsort(distances, kind="stable")[: most + len(apart_from)].tolist()
        found = [i for i in order if self._cameras[i].id not in apart_from][:most]
        return [NearCamera(self._cameras[i], round(float(distances[i]), 1)) for i in found]

    def _between(
        self, start: tuple[float, float], end: tuple[float, float], most: int
    ) -> list[tuple[float, int]]:
        """Distance from the start and number of the cameras on a way, those first that lengthen
        it least.
        """
        line_m = distance_m(*start, *end)
        if line_m < LEAST_LEG_M:
            return []
        from_start = self._near(start)
        over_m = from_start + self._near(end)
        fits = np.flatnonzero(over_m <= line_m * DETOUR + DETOUR_M)
        chosen = fits[np.argsort(over_m[fits], kind="stable")[:most]]
        return list(zip(from_start[chosen].tolist(), chosen.tolist(), strict=True))

    def _measured(self, place: tuple[float, float]) -> NDArray[np.float64]:
        """Metres to each camera. By the chord through the sphere, of which the arc is made by
        its series: to a metre in a thousand km.
        """
        (here,) = _points([place])
        squared = np.maximum(0.0, 2 - 2 * (self._points @ here))
        return np.asarray(
            EARTH_RADIUS_M * np.sqrt(squared) * (1 + squared / 24 + squared * squared * (3 / 640)),
            np.float64,
        )


def _points(places: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Places as points of the unit sphere."""
    lon, lat = np.radians(np.array(places, np.float64).reshape(-1, 2)).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
