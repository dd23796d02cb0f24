"""How often checkpoints are looked at while their worker is behind: all of them less often,
before any of them loses a passing. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """Of one worker. Not thread-safe."""

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
