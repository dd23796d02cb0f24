"""Decides from the load of a node what it sheds, in which order. This module does no I/O.

The order is:

1. slower analytics: checkpoints are analysed half as often;
2. no analytics;
3. no recording: cameras are pulled only for viewers.

Within each stage, a camera that exceeds its own `max_bitrate_kbps` comes first. The others follow
by importance, as `domain/registry/camera_priority.py` defines it, and then by id. Shed cameras are
restored in the reverse order.

Overload of the processor starts with stage 1. Overload of the disk starts with stage 3, because
less analytics would not reduce what is written. A disk may have room again at any moment, so
cameras that were shed for it are restored together, and step by step only if that has just filled
the disk again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.camera_states import Shed
from domain.registry import Camera
from domain.registry.camera_priority import importance_of

FULL = 1.0
"""From this load on, cameras are shed."""
EASY = 0.7
"""Below this load, cameras are restored; in between nothing changes."""
RAISE_AFTER_S = 5.0
LOWER_AFTER_S = 20.0
DISK_LOWER_AFTER_S = 3.0
MAX_PATIENCE_S = 1280.0
"""The longest delay of a restoration. The delay doubles if a restoration caused overload again."""
STEPS = 20
"""A stage has at most this many steps, so that many cameras are shed in a bounded time."""


@dataclass(frozen=True, slots=True)
class Load:
    """The load of the processor, and of the disk for recordings; 1 is full load."""

    processor: float = 0.0
    disk: float = 0.0

    @property
    def highest(self) -> float:
        return max(self.processor, self.disk)

    def max_with(self, other: Load) -> Load:
        """Return the higher load of each component."""
        return Load(max(self.processor, other.processor), max(self.disk, other.disk))


def order(cameras: Iterable[Camera], over_limit: Collection[str] = ()) -> list[Camera]:
    """Return the cameras in the order in which they are shed."""
    return sorted(cameras, key=lambda c: (c.id not in over_limit, importance_of(c), c.id))


@dataclass(frozen=True, slots=True)
class Ladder:
    """All that can be shed, in order: analytics, then cameras."""

    analytics: tuple[tuple[str, Shed], ...]
    cameras: tuple[str, ...]

    @classmethod
    def for_cameras(cls, cameras: Iterable[Camera], over_limit: Collection[str] = ()) -> Ladder:
        ordered = order(cameras, over_limit)
        checkpoints = [camera.id for camera in ordered if camera.checkpoint]
        analytics = tuple(
            (camera_id, level)
            for level in (Shed.ANALYTICS_SLOWER, Shed.ANALYTICS)
            for camera_id in checkpoints
        )
        return cls(analytics, tuple(camera.id for camera in ordered))


class ShedLevels:
    """What is shed now. It rises step by step under overload, and falls under low load."""

    def __init__(self) -> None:
        self._analytics = 0
        """The number of shed entries of the analytics stage, from the first."""
        self._cameras: list[Shed] = []
        """The shed cameras from the first, with the cause of each."""
        self._direction = 0
        self._since_s = 0.0
        self._patience_s = LOWER_AFTER_S
        self._raised_s = self._lowered_s = -math.inf

    def update(self, load: Load, ladder: Ladder, now_s: float) -> Mapping[str, Shed]:
        """Return what each camera sheds from now on. It is to be called about once a second."""
        self._analytics = min(self._analytics, len(ladder.analytics))
        del self._cameras[len(ladder.cameras) :]
        direction = 1 if load.highest >= FULL else -1 if load.highest < EASY else 0
        delay_s = RAISE_AFTER_S if direction > 0 else self._lower_after_s()
        if direction != self._direction:
            self._direction, self._since_s = direction, now_s
        elif direction and now_s - self._since_s >= delay_s:
            self._since_s = now_s
            self._raise(load, ladder, now_s) if direction > 0 else self._lower(ladder, now_s)
        return {
            **dict(ladder.analytics[: self._analytics]),
            **dict(zip(ladder.cameras, self._cameras, strict=False)),
        }

    def _raise(self, load: Load, ladder: Ladder, now_s: float) -> None:
        if now_s - self._lowered_s < 2 * LOWER_AFTER_S:
            self._patience_s = min(MAX_PATIENCE_S, 2 * self._patience_s)
        self._raised_s = now_s
        if load.processor >= FULL and self._analytics < len(ladder.analytics):
            self._analytics = min(len(ladder.analytics), self._analytics + _step(ladder.analytics))
        else:
            level = Shed.RECORDING if load.processor >= FULL else Shed.RECORDING_FOR_DISK
            self._cameras = (self._cameras + [level] * _step(ladder.cameras))[: len(ladder.cameras)]

    def _lower(self, ladder: Ladder, now_s: float) -> None:
        if now_s - self._raised_s > 2 * self._patience_s:
            self._patience_s = max(LOWER_AFTER_S, self._patience_s / 2)
        if self._cameras or self._analytics:
            self._lowered_s = now_s
        if self._restores_disk():
            while self._restores_disk():
                self._cameras.pop()
        elif self._cameras:
            del self._cameras[-_step(ladder.cameras) :]
        else:
            self._analytics = max(0, self._analytics - _step(ladder.analytics))

    def _lower_after_s(self) -> float:
        return DISK_LOWER_AFTER_S if self._restores_disk() else self._patience_s

    def _restores_disk(self) -> bool:
        """Return whether the next camera was shed for the disk, without a recent failed attempt."""
        return self._cameras[-1:] == [Shed.RECORDING_FOR_DISK] and self._patience_s <= LOWER_AFTER_S


def _step(stage: Sequence[object]) -> int:
    return math.ceil(len(stage) / STEPS)
