"""A plate's journey: its sightings in time order and the legs between them, and which of these no vehicle could have driven. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.clock import NS_PER_S
from domain.events import Event
from domain.geo import distance_m

KMH = 3.6


@dataclass(frozen=True, slots=True)
class Limits:
    """What a leg may be before it is called impossible."""

    speed_kmh: float = 200.0
    clock_error_s: float = 5.0
    """By how much two cameras' times may disagree."""
    view_m: float = 150.0
    """How far from its camera a vehicle may be seen, both ends together."""


@dataclass(frozen=True, slots=True)
class Leg:
    """From one sighting to the next. Straight-line distance, so the true speed was at least `speed_kmh`; None where no time passed."""

    from_event: str
    to_event: str
    from_camera: str
    to_camera: str
    distance_m: float
    seconds: float
    speed_kmh: float | None
    impossible: bool


DEFAULT_LIMITS = Limits()


def legs_between(sightings: Sequence[Event], limits: Limits = DEFAULT_LIMITS) -> list[Leg]:
    """The legs of sightings in time order, one fewer than these."""
    return [_leg(a, b, limits) for a, b in pairwise(sightings)]


def _leg(a: Event, b: Event, limits: Limits) -> Leg:
    metres = 0.0 if a.camera == b.camera else distance_m(a.location.lon, a.location.lat, b.location.lon, b.location.lat)
    seconds = (b.best_at - a.best_at) / NS_PER_S
    speed_kmh = round(metres / seconds * KMH, 1) if seconds > 0 else None
    return Leg(a.id, b.id, a.camera, b.camera, round(metres, 1), round(seconds, 3), speed_kmh, _is_impossible(metres, seconds, limits))


def _is_impossible(metres: float, seconds: float, limits: Limits) -> bool:
    """Farther than the limit's speed reaches, even if the clocks were wrong by all that they may and both views were stretched.

    Overlapping views and skewed clocks give short legs of little or negative time; those are no cloned plates.
    """
    reach_m = limits.speed_kmh / KMH * (max(seconds, 0.0) + limits.clock_error_s) + limits.view_m
    return metres > reach_m
