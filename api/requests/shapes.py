"""Parses circles and polygons on the map in queries."""

from __future__ import annotations

from domain.errors import QueryInvalid
from domain.geo import Circle, Polygon

MOST_CORNERS = 50
MOST_RADIUS_M = 1_000_000


def parse_circle(text: str) -> Circle:
    """Parse `longitude,latitude,metres`. Raises QueryInvalid."""
    numbers = _numbers("near", text)
    if len(numbers) != 3 or not 0 < numbers[2] <= MOST_RADIUS_M:
        raise QueryInvalid("near", "is longitude,latitude,metres, as 111.513,32.54,800")
    return Circle(*_point("near", numbers[0], numbers[1]), numbers[2])


def parse_polygon(text: str) -> Polygon:
    """Parse `longitude,latitude;longitude,latitude;…`. Raises QueryInvalid."""
    pairs = [_numbers("within", part) for part in text.strip(";").split(";")]
    if not 3 <= len(pairs) <= MOST_CORNERS or any(len(pair) != 2 for pair in pairs):
        raise QueryInvalid(
            "within",
            "is 3 to {most_corners} corners, as 111.5,32.5;111.6,32.5;111.6,32.6",
            most_corners=MOST_CORNERS,
        )
    return Polygon(tuple(_point("within", lon, lat) for lon, lat in pairs))


def _numbers(field: str, text: str) -> list[float]:
    try:
        if "_" in text:
            raise ValueError("an underscore is no digit")
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise QueryInvalid(field, "{text} is not a list of numbers", text=repr(text)) from error


def _point(field: str, lon: float, lat: float) -> tuple[float, float]:
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise QueryInvalid(
            field, "{lon},{lat} is no longitude and latitude in degrees", lon=lon, lat=lat
        )
    return lon, lat
