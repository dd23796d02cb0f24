"""The cameras between two places, and those near a place, by distance alone and without a road map.
Pure.
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
"""The factor by which the distance via a camera may exceed the straight line between two
sightings.
"""
DETOUR_M = 150.0
MIN_LEG_M = 300.0
"""The length below which a leg has no cameras in between."""
PLACES_KNOWN, LEGS_KNOWN = 512, 4096
"""The sizes of the caches of distances and of results. Vehicles pass the same cameras
repeatedly.
"""


@dataclass(frozen=True, slots=True)
class NearCamera:
    camera: Camera
    distance_m: float


class CameraMap:
    """The cameras of a registry on the map; one is created for each registry."""

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
        """Return the cameras that a vehicle probably passed, in the order of the journey. Those
        nearest to the straight line are chosen first.
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
        """Return the cameras nearest to a place, one of which should see a passing vehicle next."""
        distances = self._near((place.lon, place.lat))
        order = np.argsort(distances, kind="stable")[: most + len(apart_from)].tolist()
        found = [i for i in order if self._cameras[i].id not in apart_from][:most]
        return [NearCamera(self._cameras[i], round(float(distances[i]), 1)) for i in found]

    def _between(
        self, start: tuple[float, float], end: tuple[float, float], most: int
    ) -> list[tuple[float, int]]:
        """Return distance from the start and number of the cameras on a way, those with the least
        detour first.
        """
        line_m = distance_m(*start, *end)
        if line_m < MIN_LEG_M:
            return []
        from_start = self._near(start)
        over_m = from_start + self._near(end)
        fits = np.flatnonzero(over_m <= line_m * DETOUR + DETOUR_M)
        chosen = fits[np.argsort(over_m[fits], kind="stable")[:most]]
        return list(zip(from_start[chosen].tolist(), chosen.tolist(), strict=True))

    def _measured(self, place: tuple[float, float]) -> NDArray[np.float64]:
        """Return the distance to each camera in metres. It uses the chord through the sphere and
        the series of the arc, with an error of one metre in a thousand kilometres.
        """
        (here,) = _points([place])
        squared = np.maximum(0.0, 2 - 2 * (self._points @ here))
        return np.asarray(
            EARTH_RADIUS_M * np.sqrt(squared) * (1 + squared / 24 + squared * squared * (3 / 640)),
            np.float64,
        )


def _points(places: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Convert places to points of the unit sphere."""
    lon, lat = np.radians(np.array(places, np.float64).reshape(-1, 2)).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
