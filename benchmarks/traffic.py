"""Draws a city's events from a seed: cameras, plates with habits, and readings with doubts, for the
benchmarks of the index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.clock import NS_PER_MS
from domain.events.event import Alternative, Event, Location, Plate
from domain.events.trusted_models import construct_trusted
from domain.plates import DIGITS, LETTERS, PROVINCES, SERIAL, PlateColor
from domain.ulid import id_text

CAMERAS = 871
AREAS = 40
DISTINCT_PART, ONCE_PART = 0.3, 0.4
DOUBTED_PART, MISREAD_PART = 0.08, 0.03
_AT_ONCE = 10_000
_DEFAULTS = {
    name: known.default for name, known in Event.model_fields.items() if not known.is_required()
}
_SPREAD = 0x9E3779B97F4A7C15F39C
_CONFUSED = {
    "D": "0",
    "Q": "0",
    "U": "0",
    "Z": "2",
    "P": "F",
    "S": "8",
    "8": "B",
    "B": "8",
    "5": "S",
    "7": "Z",
    "2": "Z",
    "0": "D",
}


@dataclass(frozen=True, slots=True)
class City:
    """`events` events from `start_ms` (UTC) over `days` days, in the order of their starts."""

    events: int
    days: float
    seed: int = 1
    start_ms: int = 1_788_220_800_000

    def plates(self) -> NDArray[np.str_]:
        """The distinct plates, without repeats: six of ten of the city itself, three of its
        province, one from anywhere.
        """
        rng = np.random.default_rng([self.seed, 1])
        count = max(1, round(self.events * DISTINCT_PART))
        found = np.empty(0, "<U8")
        while len(found) < count:
            drawn = np.concatenate([found, _plates(rng, count - len(found))])
            found = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
        return found

    def drawn(self, areas: Collection[int] = range(AREAS)) -> Iterator[Event]:
        """Yield the events of `areas`."""
        plates = self.plates()
        rng = np.random.default_rng([self.seed, 2])
        who = self._who(rng, len(plates))
        starts = (
            np.sort(rng.integers(0, round(self.days * 86_400_000), self.events)) + self.start_ms
        )
        homes = rng.integers(0, CAMERAS, len(plates))
        is_near = rng.random(self.events) < 0.7
        where = np.where(
            is_near,
            (homes[who] + rng.integers(0, 6, self.events)) % CAMERAS,
            rng.integers(0, CAMERAS, self.events),
        )
        places = [_place(camera) for camera in range(CAMERAS)]
        in_areas = np.isin(where % AREAS, list(areas))
        starts, where, who = starts[in_areas], where[in_areas], who[in_areas]
        for first in range(0, len(starts), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            columns = starts[part], where[part], plates[who[part]]
            yield from self._events(first, places, *(column.tolist() for column in columns))

    def often(self, times: int, most: int) -> list[str]:
        """The plates whose number of events is nearest to `times`."""
        plates = self.plates()
        counts = np.bincount(
            self._who(np.random.default_rng([self.seed, 2]), len(plates)), minlength=len(plates)
        )
        return [str(plate) for plate in plates[np.argsort(np.abs(counts - times))[:most]]]

    def _who(self, rng: np.random.Generator, plates: int) -> NDArray[np.int64]:
        """Which plate each event is of: four of ten plates once, the others as often as their
        habits, the most in the hundreds.
        """
        once = round(plates * ONCE_PART)
        others = np.arange(once, plates)
        weights = rng.pareto(1.3, len(others)) + 0.4
        left = max(0, self.events - once - 2 * len(others))
        more = (
            rng.choice(others, left, p=weights / weights.sum()) if left else np.empty(0, np.int64)
        )
        who = np.concatenate([np.arange(once), others, others, more])[: self.events]
        who = np.concatenate([who, rng.integers(0, plates, self.events - len(who))])
        rng.shuffle(who)
        return who

    def _events(
        self,
        first: int,
        places: Sequence[dict[str, object]],
        starts: Sequence[int],
        where: Sequence[int],
        texts: Sequence[str],
    ) -> Iterator[Event]:
        rng = np.random.default_rng([self.seed, 3, first])
        count = len(starts)
        doubted, misread = (
            (rng.random(count) < DOUBTED_PART).tolist(),
            (rng.random(count) < MISREAD_PART).tolist(),
        )
        lasts, shares = (
            rng.integers(300, 4000, count).tolist(),
            (rng.integers(8000, 10001, count) / 10_000).tolist(),
        )
        corners = rng.integers(0, 9000, (count, 2))
        boxes = (
            np.concatenate([corners, corners + np.array([900, 300])], axis=1) / 10_000
        ).tolist()
        for n, text in enumerate(texts):
            i = first + n
            read = _misread(text, i) if misread[n] else text
            others = tuple(_alternative(read, i, k) for k in (1, 2)) if doubted[n] else ()
            color = PlateColor.GREEN if len(read) == 8 else PlateColor.BLUE
            start_ns = starts[n] * NS_PER_MS
            yield construct_trusted(
                Event,
                {
                    **_DEFAULTS,
                    "id": id_text(starts[n], (i * _SPREAD % (1 << 80)).to_bytes(10, "big")),
                    "kind": "vehicle",
                    **places[where[n]],
                    "started_at": start_ns,
                    "best_at": start_ns + lasts[n] // 2 * NS_PER_MS,
                    "ended_at": start_ns + lasts[n] * NS_PER_MS,
                    "plate": construct_trusted(
                        Plate,
                        {
                            "text": read,
                            "color": color,
                            "confidence": shares[n],
                            "alternatives": others,
                        },
                    ),
                    "confidence": shares[n],
                    "box": tuple(boxes[n]),
                    "wall_source": "sender",
                    "corrected": None,
                    "clip_ready": True,
                    "clip_missing": "",
                    "schema_": 1,
                },
            )


def _plates(rng: np.random.Generator, count: int) -> NDArray[np.str_]:
    kinds, is_green = rng.random(count), rng.random(count) < 0.15
    provinces = np.where(
        kinds < 0.9, "鄂", np.array(list(PROVINCES))[rng.integers(0, len(PROVINCES), count)]
    )
    offices = np.where(
        kinds < 0.6, "C", np.array(list(LETTERS))[rng.integers(0, len(LETTERS), count)]
    )
    serials, digits = rng.integers(0, len(SERIAL), (count, 5)), rng.integers(0, 10, (count, 5))
    blue = np.array(list(SERIAL))[serials].view("<U5").ravel()
    green = np.char.add("D", np.array(list(DIGITS))[digits].view("<U5").ravel())
    return np.char.add(np.char.add(provinces, offices), np.where(is_green, green, blue))


def _place(camera: int) -> dict[str, object]:
    location = Location(lon=111 + camera % 30 / 100, lat=32 + camera // 30 / 100, heading=None)
    return {
        "camera": f"gate-{camera:04d}",
        "class_": "A",
        "area": f"city/district-{camera % AREAS:02d}",
        "location": location,
    }


def _alternative(read: str, i: int, k: int) -> Alternative:
    return construct_trusted(
        Alternative, {"text": _misread(read, i + k), "confidence": (300 - 100 * k) / 10_000}
    )


def _misread(text: str, which: int) -> str:
    """One character as another that looks like it, or the next digit or letter."""
    place = 2 + which % (len(text) - 2)
    character = text[place]
    other = _CONFUSED.get(character) or SERIAL[(SERIAL.index(character) + 1) % len(SERIAL)]
    return text[:place] + other + text[place + 1 :]
