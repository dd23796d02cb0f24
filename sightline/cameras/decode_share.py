"""Shares the decoding capacity of a worker among its checkpoints while it is behind.

A controller sets how much all cameras leave out, so that the delay of the worker's looks stays near
`TARGET_S`. It reacts slowly, because an admitted group causes work for as long as it lasts. First,
cameras leave out the rests of groups of pictures after everything in view was read with certainty.
If that is not enough, each camera decodes only a part of its groups that show motion.
Cameras of the same importance have the same part, and each of them spreads it evenly over its
groups. The least important cameras lose first.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from domain.clock import Clock
from domain.metrics import PACKETS_NOT_DECODED
from domain.recordings.partly_analysed import PartlyCause
from domain.registry import Camera
from domain.registry.camera_priority import Importance, importance_of
from ingest.frames.admission import Admission, NotDecoded
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decoder import Decimator

BEHIND_S = 0.5
"""From this mean delay on, groups without motion are not decoded."""
TARGET_S = 1.2
"""Above this mean delay more is left out, and below it less.

A shorter delay leaves the processor idle at times: a group causes a delay of some tenths of a
second by itself, because it is decoded from its keyframe at once. Other programs on the machine add
to that, and decoding less does not help against them.
"""
EASY_S, EASY_STEPS, RISE = 0.15, 8, 0.1
"""After so many steps below this mean delay the load has ended, and the part rises by this in each
further step.
"""
STEP_S = 1.0
_BY_CHANGE, _BY_DELAY = 0.07, 0.01
"""By how much the part falls in a step for each second by which the delay grew, and for each second
by which it exceeds the target. A simulation of 8 to 16 cameras (`test_overload_simulation.py`)
oscillates with three times as much, and some cameras then lose more than others.
"""
_SHRINKS_S = -0.05
"""A delay that changes by less than this in a step shrinks."""
MIN_PART = 0.2
"""No camera is left out entirely."""
RESTS_FIRST = 0.15
"""The controller's part falls by this much until all rests of groups are left out, and only then
are groups refused. A rest costs few passings: a vehicle that comes in it is usually still in view
at the next keyframe.
"""
RECENT_TICKS = 15
_GOLDEN = 0.618


@dataclass(slots=True)
class PartController:
    """A PI controller of the part of the groups with motion that are decoded. Not thread-safe."""

    part: float = 1.0
    _behind_s: float = 0.0
    _updated_s: float = 0.0
    _easy_steps: int = 0

    def update(self, behind_s: float, now_s: float) -> None:
        """Change the part, at most once in `STEP_S`, by the mean delay of the worker's looks."""
        if now_s - self._updated_s < STEP_S:
            return
        growth_s = behind_s - self._behind_s
        change = _BY_CHANGE * growth_s
        # While a backlog shrinks, for example after the models were loaded, the part is low enough.
        if behind_s < TARGET_S or growth_s > _SHRINKS_S:
            change += _BY_DELAY * (behind_s - TARGET_S)
        self._easy_steps = self._easy_steps + 1 if behind_s < EASY_S else 0
        if self._easy_steps > EASY_STEPS:
            change = -RISE
        self.part = min(1.0, max(MIN_PART, self.part - change))
        self._behind_s, self._updated_s = behind_s, now_s


def part_of(part: float, rank: int, ranks: int) -> float:
    """Return the part of its groups that a camera decodes if all cameras decode `part` of theirs.

    `rank` counts the levels of importance below the camera's among the `ranks` of the worker. A
    level begins to lose when the level below it has lost all but `MIN_PART`.
    """
    lost_levels = (1.0 - part) * ranks
    return min(1.0, max(MIN_PART, 1.0 - (lost_levels - rank)))


def split(part: float) -> tuple[float, float]:
    """Return the part of the groups that is admitted, and the part of their rests that is left out,
    where a camera is to decode about `part` of what shows motion.
    """
    rests = min(1.0, (1.0 - part) / RESTS_FIRST)
    refused = max(0.0, 1.0 - part - RESTS_FIRST) / (1.0 - RESTS_FIRST - MIN_PART)
    return 1.0 - refused * (1.0 - MIN_PART), rests


class DecodeShare:
    """The shares of a worker's checkpoints. The pull thread of the worker asks for them; any thread
    may add and remove cameras.
    """

    def __init__(self, behind_s: Callable[[], float], clock: Clock) -> None:
        """`behind_s` returns the mean delay from the arrival of a packet to its analysis."""
        self._behind_s = behind_s
        self._clock = clock
        self._controller = PartController()
        self._lock = threading.Lock()
        self._importance: dict[str, Importance] = {}
        self._levels: tuple[Importance, ...] = ()

    def of(self, camera: Camera, losses: AnalysisLosses) -> CameraShare:
        """Return the share of a checkpoint, which counts until `forget`.

        `losses` receives the ranges in which groups with motion were not decoded.
        """
        importance = importance_of(camera)
        with self._lock:
            self._importance[camera.id] = importance
            self._levels = tuple(sorted(set(self._importance.values())))
            position = len(self._importance)
        return CameraShare(camera.id, importance, self, position, losses)

    def forget(self, camera_id: str) -> None:
        with self._lock:
            self._importance.pop(camera_id, None)
            self._levels = tuple(sorted(set(self._importance.values())))

    def is_saving(self) -> bool:
        """Return whether the worker is behind, or leaves anything out. Any thread may call it."""
        return self._behind_s() > BEHIND_S or self._controller.part < 1.0

    def is_behind(self) -> bool:
        behind_s = self._behind_s()
        self._controller.update(behind_s, self._clock.monotonic_s())
        return behind_s > BEHIND_S or self._controller.part < 1.0

    def part(self, importance: Importance) -> float:
        """Return the part of its groups that a camera of this importance decodes now."""
        levels = self._levels
        rank = sum(level < importance for level in levels)
        return part_of(self._controller.part, rank, len(levels))


class CameraShare(Admission):
    """Admits an even part of one camera's groups.

    The pull thread calls it, except where another thread is named.
    """

    def __init__(
        self,
        camera_id: str,
        importance: Importance,
        shares: DecodeShare,
        position: int,
        losses: AnalysisLosses,
    ) -> None:
        """`position` spreads the refusals of the worker's cameras over time."""
        self._importance = importance
        self._shares = shares
        self._losses = losses
        self._decimator = Decimator(credit=position * _GOLDEN % 1.0)
        self._rests = Decimator(credit=position * _GOLDEN % 1.0)
        self._packets = {why: PACKETS_NOT_DECODED.labels(camera_id, why) for why in NotDecoded}
        self._counts = (0, 0)
        """The groups that were admitted, and all."""
        self._earlier: deque[tuple[int, int]] = deque(maxlen=RECENT_TICKS)

    @property
    def is_behind(self) -> bool:
        return self._shares.is_behind()

    def admits(self) -> bool:
        is_admitted = self._decimator.takes(self._parts()[0])
        admitted, asked = self._counts
        self._counts = admitted + is_admitted, asked + 1
        return is_admitted

    @property
    def leaves_out_rests(self) -> bool:
        """Whether the rests of some groups are left out."""
        return self._parts()[1] > 0.0

    def leaves_out_rest(self) -> bool:
        """Return whether the rest of a group is left out once everything in view is settled.

        Each call is about another group. The analysis thread of the camera calls it.
        """
        return self._rests.takes(self._parts()[1])

    def _parts(self) -> tuple[float, float]:
        return split(self._shares.part(self._importance))

    def on_not_decoded(self, from_ns: int, to_ns: int, packets: int, why: NotDecoded, /) -> None:
        self._packets[why].inc(packets)
        if why is NotDecoded.OVERLOAD:
            self._losses.add(from_ns, to_ns, PartlyCause.OVERLOAD)

    def tick(self) -> None:
        """Remember the counts; it is called about once a second."""
        self._earlier.append(self._counts)

    def recent_part(self) -> float:
        """Return the part of the groups that were admitted in the last `RECENT_TICKS` seconds."""
        (admitted, asked) = self._counts
        first = self._earlier[0] if self._earlier else (0, 0)
        return (admitted - first[0]) / (asked - first[1]) if asked > first[1] else 1.0
