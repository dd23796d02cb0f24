"""The shared pool of a worker's looks: no more cameras look at once than there are cores for it,
and who may be next is decided here.

A camera waits with one picture, and its decoder waits with it; what comes meanwhile stays encoded,
in a queue that is bounded and counted. A turn goes to whoever is due first: due is when it was
asked for, a little later where nothing is followed, and later by what a look of that camera costs,
so that a crowded picture does not take the time of the others. As those that ask later are due
later in the end, nobody waits for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.clock import NS_PER_S, Clock
from domain.metrics import ANALYSED_FRAMES_RATIO, ANALYSIS_DELAY_S

PATIENCE_S = 0.1
"""A camera with nothing in view yields to those that asked up to so much later and follow
something.
"""
MOST_COST_S = 0.1
_COST_WEIGHT = 0.2
_LONGEST_S = 10.0
"""A picture that seems to have waited longer came before this machine's clock was set."""
BEHIND_S, CAUGHT_UP_S = 0.25, 0.1
"""From the arrival of a picture's packet to the look at it, in the mean: with more than the first
there are too many looks, with less than the second there may be more.
"""
LEAST_PART = 0.5
"""Fewer looks cost no less (`docs/analytics.md`): each then sees more of the picture, and reads
the plate to know that it is the same.
"""
SLOWER, FASTER = 0.8, 0.05
"""Down by a factor and up by a step: what is too much is given up in seconds, and tried again
at leisure.
"""
STEP_S = 1.0


def next_part(part: float, behind_s: float) -> float:
    """The part of looks to make in the next `STEP_S`, after one with `part` of them in which
    they came `behind_s` late in the mean.
    """
    if behind_s > BEHIND_S:
        return max(LEAST_PART, part * SLOWER)
    if behind_s < CAUGHT_UP_S:
        return min(1.0, part + FASTER)
    return part


@dataclass(slots=True)
class RateController:
    """How often the checkpoints of one worker are looked at while it is behind: all of them less
    often, before any of them loses a passing. Not thread-safe.
    """

    part: float = 1.0
    behind_s: float = 0.0
    """In the mean of the last whole step."""
    _since_s: float | None = None
    _sum_s: float = 0.0
    _looks: int = 0

    def feed(self, behind_s: float, now_s: float) -> bool:
        """A look begins now, so late; True where that ended a step. Raises nothing for times
        that go astray: below 0 counts as 0.
        """
        if self._since_s is None:
            self._since_s = now_s
        self._sum_s += max(0.0, behind_s)
        self._looks += 1
        if now_s - self._since_s < STEP_S:
            return False
        self.behind_s = self._sum_s / self._looks
        self.part = next_part(self.part, self.behind_s)
        self._since_s, self._sum_s, self._looks = now_s, 0.0, 0
        return True


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """One camera's request for a turn, at the time `asked_s`; its looks take `cost_s` in the
    mean.
    """

    camera_id: str
    asked_s: float
    is_followed: bool
    cost_s: float = 0.0
    granted: threading.Event = field(default_factory=threading.Event, compare=False)

    @property
    def due_s(self) -> float:
        return (
            self.asked_s + (0.0 if self.is_followed else PATIENCE_S) + min(self.cost_s, MOST_COST_S)
        )


def first_due(waiting: Sequence[TurnRequest]) -> TurnRequest:
    """Whose turn is next; of those due at once, the one that has waited longest. Raises
    ValueError where nobody waits.
    """
    return min(waiting, key=lambda one: (one.due_s, one.asked_s))


class InferenceScheduler:
    """Thread-safe."""

    def __init__(self, at_once: int, clock: Clock) -> None:
        self._free = max(1, at_once)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[TurnRequest] = []
        self._cost_s: dict[str, float] = {}
        self._backlog = RateController()

    @property
    def part(self) -> float:
        """Of the looks that cameras would make: below 1 while this worker is behind."""
        return self._backlog.part

    @contextmanager
    def turn(self, camera_id: str, is_followed: bool, arrived_ns: int | None) -> Iterator[None]:
        """Wait for a turn, and have it while the block runs. `arrived_ns`: when the picture's
        packet came (UTC); None for one that was held on purpose, which says nothing of how far
        behind this worker is.
        """
        self._wait(camera_id, is_followed)
        began_s = self._clock.monotonic_s()
        try:
            self._note(arrived_ns, began_s)
            yield
        finally:
            self._pass_on(camera_id, self._clock.monotonic_s() - began_s)

    def forget(self, camera_id: str) -> None:
        """The camera is gone."""
        with self._lock:
            self._cost_s.pop(camera_id, None)

    def _wait(self, camera_id: str, is_followed: bool) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            asked = TurnRequest(
                camera_id, self._clock.monotonic_s(), is_followed, self._cost_s.get(camera_id, 0.0)
            )
            self._waiting.append(asked)
        asked.granted.wait()

    def _pass_on(self, camera_id: str, took_s: float) -> None:
        with self._lock:
            before_s = self._cost_s.get(camera_id, took_s)
            self._cost_s[camera_id] = before_s + _COST_WEIGHT * (took_s - before_s)
            if not self._waiting:
                self._free += 1
                return
            following = first_due(self._waiting)
            self._waiting.remove(following)
        following.granted.set()

    def _note(self, arrived_ns: int | None, now_s: float) -> None:
        if arrived_ns is None:
            return
        behind_s = (self._clock.wall_ns() - arrived_ns) / NS_PER_S
        with self._lock:
            if self._backlog.feed(min(behind_s, _LONGEST_S), now_s):
                ANALYSED_FRAMES_RATIO.set(self._backlog.part)
                ANALYSIS_DELAY_S.set(self._backlog.behind_s)
