"""Places on the map: WGS 84 longitude and latitude in degrees, distances in metres on a sphere (good to 0.5 %)."""

from __future__ import annotations

import math

EARTH_RADIUS_M = 6_371_008.8


def distance_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """The great-circle distance between two points (haversine formula)."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_dphi = (phi_b - phi_a) / 2
    half_dlam = math.radians(lon_b - lon_a) / 2
    chord = math.sin(half_dphi) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_dlam) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))
