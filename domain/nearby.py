"""Which cameras lie on the way between two places, and which are near one: by distance alone, knowing no roads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.events import Location
from domain.geo import EARTH_RADIUS_M
from domain.registry import Camera

DETOUR = 1.15
"""By how much the way over a camera may be longer than the straight line between two sightings, for the camera to be on it."""
DETOUR_M = 150.0
LEAST_LEG_M = 300.0
"""Shorter legs have nothing between them."""


@dataclass(frozen=True, slots=True)
class NearCamera:
    camera: Camera
    distance_m: float


class CameraMap:
    """The cameras of a registry on the map; made once for each registry."""

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self._cameras = [camera for camera in cameras if camera.enabled]
        self._points = _points([(camera.location.lon, camera.location.lat) for camera in self._cameras])

    def passed(self, start: Location, end: Location, most: int, apart_from: Sequence[str] = ()) -> list[NearCamera]:
        """The cameras that a vehicle probably passed on its way, nearest to the straight way first chosen, in the order of the way."""
        line_m = self._from(start, [(end.lon, end.lat)])[0]
        if line_m < LEAST_LEG_M or not self._cameras:
            return []
        from_start, to_end = self._from(start), self._from(end)
        over_m = from_start + to_end
        fits = np.flatnonzero(over_m <= line_m * DETOUR + DETOUR_M)
        nearest = [i for i in fits[np.argsort(over_m[fits], kind="stable")] if self._cameras[i].id not in apart_from][:most]
        return [NearCamera(self._cameras[i], float(round(from_start[i], 1))) for i in sorted(nearest, key=lambda i: from_start[i])]

    def nearest(self, place: Location, most: int, apart_from: Sequence[str] = ()) -> list[NearCamera]:
        """The cameras nearest to a place: what passes there should be seen by one of them next."""
        distances = self._from(place)
        order = [i for i in np.argsort(distances, kind="stable") if self._cameras[i].id not in apart_from][:most]
        return [NearCamera(self._cameras[i], float(round(distances[i], 1))) for i in order]

    def _from(self, place: Location, points: Sequence[tuple[float, float]] | None = None) -> NDArray[np.float64]:
        """Metres to each camera (or point), by the chord through the sphere: fewer steps than the haversine, to a millimetre the same."""
        theirs = self._points if points is None else _points(points)
        (here,) = _points([(place.lon, place.lat)])
        chords = np.linalg.norm(theirs - here, axis=1)
        return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, chords / 2)), np.float64)


def _points(places: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Places as points of the unit sphere."""
    lon, lat = np.radians(np.array(places, np.float64).reshape(-1, 2)).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
