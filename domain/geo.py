"""Distances and areas on the map. Places are WGS 84 longitude and latitude in degrees. Distances
are metres on a sphere, accurate to 0.5 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

EARTH_RADIUS_M = 6_371_008.8


def distance_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Return the great-circle distance between two points (haversine formula)."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_dphi = (phi_b - phi_a) / 2
    half_dlam = math.radians(lon_b - lon_a) / 2
    chord = math.sin(half_dphi) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_dlam) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


Bounds = tuple[float, float, float, float]
"""West, south, east and north."""


def _overlap(a: Bounds, b: Bounds) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


@dataclass(frozen=True, slots=True)
class Circle:
    lon: float
    lat: float
    radius_m: float

    def contains(self, lon: float, lat: float) -> bool:
        return distance_m(self.lon, self.lat, lon, lat) <= self.radius_m

    def may_intersect(self, bounds: Bounds) -> bool:
        """Return whether it may contain a point of these bounds. A circle around a pole or across
        the 180th meridian always may.
        """
        high = math.degrees(self.radius_m / EARTH_RADIUS_M) * 1.001
        if abs(self.lat) + high >= 89:
            return True
        wide = math.degrees(
            math.asin(min(1.0, math.sin(math.radians(high)) / math.cos(math.radians(self.lat))))
        )
        if not -180 < self.lon - wide < self.lon + wide < 180:
            return True
        return _overlap(
            (self.lon - wide, self.lat - high, self.lon + wide, self.lat + high), bounds
        )


@dataclass(frozen=True, slots=True)
class Polygon:
    """A simple polygon with three or more corners (longitude, latitude); the last side closes it.
    It must not cross the 180th meridian.
    """

    corners: tuple[tuple[float, float], ...]

    def contains(self, lon: float, lat: float) -> bool:
        """Return whether a point is inside, by the number of sides that an eastward ray crosses."""
        inside = False
        for (lon_a, lat_a), (lon_b, lat_b) in pairwise((*self.corners, self.corners[0])):
            if (lat_a > lat) != (lat_b > lat) and lon < lon_a + (lat - lat_a) / (lat_b - lat_a) * (
                lon_b - lon_a
            ):
                inside = not inside
        return inside

    def may_intersect(self, bounds: Bounds) -> bool:
        """Return whether it may contain a point of these bounds."""
        lons, lats = [lon for lon, _ in self.corners], [lat for _, lat in self.corners]
        return _overlap((min(lons), min(lats), max(lons), max(lats)), bounds)
