"""What a node gives up under pressure, and in what order. Pure: fed with how strained the node is,
it says who sheds what.

The order, from what goes first to what goes last:

1. analytics, slower: checkpoints look half as often;
2. analytics, at all;
3. whole cameras: neither recorded nor pulled (but while somebody watches).

Within each, a camera that sends more than its own `max_bitrate_kbps` comes first. The others
follow by importance, as `domain/registry/camera_priority.py` orders it, and then by id. What is
given up comes back in the reverse order.

A strained processor begins at 1. A strained disk begins at 3: giving up analytics would not write a
byte less. A disk has room again from one moment to the next, so what was given up for it comes back
all at once, and by steps only where that has just filled it again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.camera_states import Shed
from domain.registry import Camera
from domain.registry.camera_priority import importance_of

FULL = 1.0
"""A strain from which something is given up."""
EASY = 0.7
"""A strain below which something is given back; in between all stays as it is."""
RAISE_AFTER_S = 5.0
LOWER_AFTER_S = 20.0
DISK_LOWER_AFTER_S = 3.0
LONGEST_PATIENCE_S = 1280.0
"""Each time that giving back brought the pressure back, the next try waits twice as long, up to
this.
"""
STEPS = 20
"""A stage is climbed in so many steps at most, so that many cameras do not take long and few go
one by one.
"""


@dataclass(frozen=True, slots=True)
class Strain:
    """How much of what can be borne is borne, 1 being all of it: of the processor, and of the
    disk that recordings go to.
    """

    processor: float = 0.0
    disk: float = 0.0

    @property
    def worst(self) -> float:
        return max(self.processor, self.disk)

    def joined(self, other: Strain) -> Strain:
        """The worse of both, each by itself."""
        return Strain(max(self.processor, other.processor), max(self.disk, other.disk))


def order(cameras: Iterable[Camera], over_limit: Collection[str] = ()) -> list[Camera]:
    """The cameras in the order in which they are shed."""
    return sorted(cameras, key=lambda c: (c.id not in over_limit, importance_of(c), c.id))


@dataclass(frozen=True, slots=True)
class Ladder:
    """All that can be given up, in order: analytics, and then cameras."""

    analytics: tuple[tuple[str, Shed], ...]
    cameras: tuple[str, ...]

    @classmethod
    def of(cls, cameras: Iterable[Camera], over_limit: Collection[str] = ()) -> Ladder:
        ordered = order(cameras, over_limit)
        lookers = [camera.id for camera in ordered if camera.checkpoint]
        analytics = tuple(
            (camera_id, what)
            for what in (Shed.ANALYTICS_SLOWER, Shed.ANALYTICS)
            for camera_id in lookers
        )
        return cls(analytics, tuple(camera.id for camera in ordered))


class Pressure:
    """The state between samples: one step at a time, up while strained, down while easy,
    neither in between.
    """

    def __init__(self) -> None:
        self._analytics = 0
        """How many of the entries of this stage are given up, from the first."""
        self._cameras: list[Shed] = []
        """The same of cameras, and for what each was given up."""
        self._wants = 0
        self._since_s = 0.0
        self._patience_s = LOWER_AFTER_S
        self._raised_s = self._lowered_s = -math.inf

    def feed(self, strain: Strain, ladder: Ladder, now_s: float) -> Mapping[str, Shed]:
        """Who sheds what from now on: to be called about once a second, with what was measured
        since.
        """
        self._analytics = min(self._analytics, len(ladder.analytics))
        del self._cameras[len(ladder.cameras) :]
        wants = 1 if strain.worst >= FULL else -1 if strain.worst < EASY else 0
        if wants != self._wants:
            self._wants, self._since_s = wants, now_s
        elif wants and now_s - self._since_s >= (RAISE_AFTER_S if wants > 0 else self._waits_s()):
            self._since_s = now_s
            self._raise(strain, ladder, now_s) if wants > 0 else self._lower(ladder, now_s)
        return {
            **dict(ladder.analytics[: self._analytics]),
            **dict(zip(ladder.cameras, self._cameras, strict=False)),
        }

    def _raise(self, strain: Strain, ladder: Ladder, now_s: float) -> None:
        if now_s - self._lowered_s < 2 * LOWER_AFTER_S:
            self._patience_s = min(LONGEST_PATIENCE_S, 2 * self._patience_s)
        self._raised_s = now_s
        if strain.processor >= FULL and self._analytics < len(ladder.analytics):
            self._analytics = min(len(ladder.analytics), self._analytics + _step(ladder.analytics))
        else:
            what = Shed.RECORDING if strain.processor >= FULL else Shed.RECORDING_FOR_DISK
            self._cameras = (self._cameras + [what] * _step(ladder.cameras))[: len(ladder.cameras)]

    def _lower(self, ladder: Ladder, now_s: float) -> None:
        if now_s - self._raised_s > 2 * self._patience_s:
            self._patience_s = max(LOWER_AFTER_S, self._patience_s / 2)
        if self._cameras or self._analytics:
            self._lowered_s = now_s
        if self._is_quick():
            while self._is_quick():
                self._cameras.pop()
        elif self._cameras:
            del self._cameras[-_step(ladder.cameras) :]
        else:
            self._analytics = max(0, self._analytics - _step(ladder.analytics))

    def _waits_s(self) -> float:
        return DISK_LOWER_AFTER_S if self._is_quick() else self._patience_s

    def _is_quick(self) -> bool:
        """Whether the next to come back was given up for the disk, and nothing came back in
        vain lately.
        """
        return self._cameras[-1:] == [Shed.RECORDING_FOR_DISK] and self._patience_s <= LOWER_AFTER_S


def _step(stage: Sequence[object]) -> int:
    return math.ceil(len(stage) / STEPS)
