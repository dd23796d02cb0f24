"""What a camera shows when: its prepared files laid along the ticks of one clock that never
jumps, loops and codec changes included.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from simulator.media import PreparedMedia, PreparedUnit


@dataclass(frozen=True, slots=True)
class Slot:
    """A unit in its place: when it is sent and what it stands for, in ticks since the stream's
    beginning.
    """

    due: int
    pts: int
    unit: PreparedUnit
    media: PreparedMedia


@dataclass(frozen=True, slots=True)
class ProgrammeItem:
    """A file that plays from `start` on, once or in a loop."""

    start: int
    media: PreparedMedia
    loop: bool

    @property
    def end(self) -> int | None:
        return None if self.loop else self.start + self.media.duration

    def slots(self, since: int, from_keyframe: bool) -> Iterator[Slot]:
        """Its units due at `since` or later; with `from_keyframe`, from the last keyframe due
        by then.
        """
        units = self.media.units
        lap, rest = (
            divmod(max(0, since - self.start), self.media.duration)
            if self.loop
            else (0, max(0, since - self.start))
        )
        index = bisect_left(units, rest, key=lambda unit: unit.due)
        if from_keyframe:
            index = bisect_right(units, rest, key=lambda unit: unit.due) - 1
            index = next(at for at in range(index, -1, -1) if units[at].is_keyframe)
        while True:
            base = self.start + lap * self.media.duration
            for unit in islice(units, index, None):
                yield Slot(base + unit.due, base + unit.pts, unit, self.media)
            if not self.loop:
                return
            lap, index = lap + 1, 0


class Programme:
    """Items in the order of their starts; each plays until the next one starts."""

    def __init__(self, pieces: tuple[ProgrammeItem, ...]) -> None:
        self._pieces = tuple(sorted(pieces, key=lambda piece: piece.start))

    @property
    def clock_hz(self) -> int:
        return self._pieces[0].media.clock_hz

    @property
    def end(self) -> int | None:
        """When all is over; None where the last piece loops."""
        return self._pieces[-1].end

    def media_at(self, at: int) -> PreparedMedia:
        return self._pieces[self._index(at)].media

    def slots(self, since: int, from_keyframe: bool = False) -> Iterator[Slot]:
        """What is due at `since` or later, in order; with `from_keyframe`, from the last
        keyframe due by then.
        """
        first = self._index(since)
        for index, piece in enumerate(self._pieces[first:], first):
            following = self._pieces[index + 1 :]
            for slot in piece.slots(since, from_keyframe and index == first):
                if following and slot.due >= following[0].start:
                    break
                yield slot

    def _index(self, at: int) -> int:
        return max(0, bisect_right(self._pieces, at, key=lambda piece: piece.start) - 1)
