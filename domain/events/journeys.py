"""The journey of a plate: its sightings in time order, and the legs between them. It also marks
impossible legs and adds likely misreadings of the same vehicle. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.clock import NS_PER_S
from domain.events.event import Event
from domain.events.misreadings import MATCH_KINDS, Match, MatchKind
from domain.geo import distance_m

KMH = 3.6


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits beyond which a leg is impossible."""

    speed_kmh: float = 200.0
    clock_error_s: float = 5.0
    """The largest difference between the clocks of two cameras."""
    view_m: float = 150.0
    """The largest distance of a vehicle from its camera, summed over both ends."""

    def reach_m(self, seconds: float) -> float:
        """Return the largest possible distance between two sightings, with the clock error and the
        views taken into account.
        """
        return self.speed_kmh / KMH * (max(seconds, 0.0) + self.clock_error_s) + self.view_m


@dataclass(frozen=True, slots=True)
class Leg:
    """The stretch from one sighting to the next. The distance is a straight line, so the true speed
    is at least `speed_kmh`; None if no time passed.
    """

    from_event: str
    to_event: str
    from_camera: str
    to_camera: str
    distance_m: float
    seconds: float
    speed_kmh: float | None
    impossible: bool


DEFAULT_LIMITS = Limits()
ROAD = Limits(speed_kmh=120.0)
"""The limits of a likely misreading, which is assumed to travel no faster than is usual in a city.
"""
NEAR_S = 1800
"""A likely misreading joins the journey only if the vehicle was seen within this time of it."""


@dataclass(frozen=True, slots=True)
class Sighting:
    event: Event
    match: Match

    @property
    def order(self) -> str:
        return self.event.id


def legs_between(sightings: Sequence[Event], limits: Limits = DEFAULT_LIMITS) -> list[Leg]:
    """Return the legs between sightings in time order.

    Overlapping views and skewed clocks give short legs with little or negative time, which are not
    impossible.
    """
    return [leg(a, b, limits) for a, b in pairwise(sightings)]


def leg(a: Event, b: Event, limits: Limits = DEFAULT_LIMITS) -> Leg:
    metres = (
        0.0
        if a.camera == b.camera
        else distance_m(a.location.lon, a.location.lat, b.location.lon, b.location.lat)
    )
    seconds = (b.best_at - a.best_at) / NS_PER_S
    speed_kmh = round(metres / seconds * KMH, 1) if seconds > 0 else None
    return Leg(
        a.id,
        b.id,
        a.camera,
        b.camera,
        round(metres, 1),
        round(seconds, 3),
        speed_kmh,
        metres > limits.reach_m(seconds),
    )


def joined(
    certain: Sequence[Event], likely: Iterable[tuple[Event, Match]], plate: str
) -> list[Sighting]:
    """Return the sightings of `plate` in time order, with its likely misreadings where time and
    distance allow them.

    Each misreading must fit between its neighbours within `ROAD`, and one of them must be within
    `NEAR_S`. A reading that was seen where this vehicle cannot have been belongs to another
    vehicle. Its events join only where the reader itself considered `plate` possible.
    """
    line = [Sighting(event, Match(MatchKind.EXACT, f"read as {plate}")) for event in certain]
    ranked = sorted(likely, key=lambda pair: (MATCH_KINDS.index(pair[1].kind), pair[0].id))
    others = {event.reading for event, _ in ranked if not _is_possible(line, event)}
    for event, match in ranked:
        if match.kind is not MatchKind.ALTERNATIVE and event.reading in others:
            continue
        why = _fit(line, event)
        if why is not None:
            insort(
                line,
                Sighting(event, Match(match.kind, f"{match.reason}; {why}")),
                key=lambda sighting: sighting.order,
            )
    return line


def _neighbours(line: Sequence[Sighting], event: Event) -> list[tuple[Leg, str]]:
    """Return the legs to the sightings before and after, each with the word "before" or "after"."""
    at = bisect_left(line, event.id, key=lambda sighting: sighting.order)
    before = [(leg(line[at - 1].event, event), "after")] if at else []
    return before + ([(leg(event, line[at].event), "before")] if at < len(line) else [])


def _is_possible(line: Sequence[Sighting], event: Event) -> bool:
    return not any(leg_.impossible for leg_, _ in _neighbours(line, event))


def _fit(line: Sequence[Sighting], event: Event) -> str | None:
    """Why an event fits into the journey, as a sentence; None if it does not."""
    legs = _neighbours(line, event)
    near = [(abs(leg_.seconds), leg_, word) for leg_, word in legs if abs(leg_.seconds) <= NEAR_S]
    if not near or any(leg_.distance_m > ROAD.reach_m(leg_.seconds) for leg_, _ in legs):
        return None
    seconds, nearest, word = min(near, key=lambda one: one[0])
    camera = nearest.from_camera if word == "after" else nearest.to_camera
    return f"{seconds:.0f} s {word} {camera}, {nearest.distance_m / 1000:.1f} km away"
