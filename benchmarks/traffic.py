"""A city's events, drawn from a seed: cameras, plates with habits, readings with doubts. For benchmarks of the index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.clock import NS_PER_MS
from domain.events import Alternative, Event, Location, Plate
from domain.plates import LETTERS, PROVINCES, SERIAL, PlateColor
from domain.ulid import id_text

CAMERAS = 871
AREAS = 40
DISTINCT_PART, ONCE_PART = 0.3, 0.4
DOUBTED_PART, MISREAD_PART = 0.08, 0.03
_CONFUSED = {"D": "0", "Q": "0", "U": "0", "Z": "2", "P": "F", "S": "8", "8": "B", "B": "8", "5": "S", "7": "Z", "2": "Z", "0": "D"}


@dataclass(frozen=True, slots=True)
class City:
    """`events` events from `start_ms` (UTC) over `days` days, in the order of their starts."""

    events: int
    days: float
    seed: int = 1
    start_ms: int = 1_788_220_800_000

    def plates(self) -> list[str]:
        """The distinct plates, without repeats: six of ten of the city itself, three of its province, one from anywhere."""
        rng = np.random.default_rng([self.seed, 1])
        wanted = max(1, round(self.events * DISTINCT_PART))
        found: dict[str, None] = {}
        while len(found) < wanted:
            count = wanted - len(found)
            kinds = rng.random(count)
            heads = np.where(kinds < 0.6, "鄂C", "鄂")
            chars = rng.integers(0, len(SERIAL), (count, 5))
            offices, provinces = rng.integers(0, len(LETTERS), count), rng.integers(0, len(PROVINCES), count)
            green = rng.random(count) < 0.15
            for i in range(count):
                head = "鄂C" if kinds[i] < 0.6 else (heads[i] if kinds[i] < 0.9 else PROVINCES[provinces[i]]) + LETTERS[offices[i]]
                tail = "".join(SERIAL[c] for c in chars[i])
                found[
                    f"{head}D{int(chars[i][0]) % 10}{chars[i][1] % 10}{chars[i][2] % 10}{chars[i][3] % 10}{chars[i][4] % 10}"
                    if green[i]
                    else head + tail
                ] = None
        return list(found)

    def drawn(self) -> Iterator[Event]:
        plates = self.plates()
        rng = np.random.default_rng([self.seed, 2])
        who = self._who(rng, len(plates))
        starts = np.sort(rng.integers(0, round(self.days * 86_400_000), self.events)) + self.start_ms
        homes = rng.integers(0, CAMERAS, len(plates))
        where = np.where(
            rng.random(self.events) < 0.7, (homes[who] + rng.integers(0, 6, self.events)) % CAMERAS, rng.integers(0, CAMERAS, self.events)
        )
        doubts, misreads = rng.random(self.events) < DOUBTED_PART, rng.random(self.events) < MISREAD_PART
        lasts = rng.integers(300, 4000, self.events)
        shares = rng.integers(8000, 10001, self.events)
        boxes = rng.integers(0, 9000, (self.events, 2))
        for i in range(self.events):
            yield self._event(
                i,
                plates[who[i]],
                int(starts[i]),
                int(where[i]),
                bool(doubts[i]),
                bool(misreads[i]),
                int(lasts[i]),
                int(shares[i]),
                boxes[i],
            )

    def _who(self, rng: np.random.Generator, plates: int) -> NDArray[np.int64]:
        """Which plate each event is of: four of ten plates once, the others as often as their habits, the most in the hundreds."""
        once = round(plates * ONCE_PART)
        others = np.arange(once, plates)
        weights = rng.pareto(1.3, len(others)) + 0.4
        left = max(0, self.events - once - 2 * len(others))
        more = rng.choice(others, left, p=weights / weights.sum()) if left else np.empty(0, np.int64)
        who = np.concatenate([np.arange(once), others, others, more])[: self.events]
        who = np.concatenate([who, rng.integers(0, plates, self.events - len(who))])
        rng.shuffle(who)
        return who

    def _event(
        self,
        i: int,
        plate: str,
        start_ms: int,
        camera: int,
        is_doubted: bool,
        is_misread: bool,
        lasts_ms: int,
        share: int,
        corner: NDArray[np.int64],
    ) -> Event:
        text = _misread(plate, i) if is_misread else plate
        others = (
            tuple(Alternative.model_construct(text=_misread(text, i + n), confidence=(300 - 100 * n) / 10_000) for n in (1, 2))
            if is_doubted
            else ()
        )
        left, top = int(corner[0]), int(corner[1])
        color = PlateColor.GREEN if len(text) == 8 else PlateColor.BLUE
        return Event.model_construct(
            id=id_text(start_ms, (i * 0x9E3779B97F4A7C15F39C % (1 << 80)).to_bytes(10, "big")), kind="vehicle",
            camera=f"gate-{camera:04d}", class_="A", area=f"city/district-{camera % AREAS:02d}",
            location=Location.model_construct(lon=111 + camera % 30 / 100, lat=32 + camera // 30 / 100, heading=None),
            started_at=start_ms * NS_PER_MS, best_at=(start_ms + lasts_ms // 2) * NS_PER_MS, ended_at=(start_ms + lasts_ms) * NS_PER_MS,
            plate=Plate.model_construct(text=text, color=color, confidence=share / 10_000, alternatives=others),
            confidence=share / 10_000, box=(left / 10_000, top / 10_000, (left + 900) / 10_000, (top + 300) / 10_000),
            wall_source="sender", clip_ready=True, clip_missing="", schema_=1,
        )  # fmt: skip


def _misread(text: str, which: int) -> str:
    """One character as another that looks like it, or the next digit or letter."""
    place = 2 + which % (len(text) - 2)
    character = text[place]
    other = _CONFUSED.get(character) or SERIAL[(SERIAL.index(character) + 1) % len(SERIAL)]
    return text[:place] + other + text[place + 1 :]


def _green_tail(chars: NDArray[np.int64]) -> str:
    return "D" + "".join(str(char % 10) for char in chars)
