"""Decides from a viewer's reports of lost packets which pictures it is sent. Pure.

A viewer that loses many packets waits for a keyframe. If that happens again soon, it needs the
sub-stream. It also needs that after a moderate loss that lasts: its path is a little too narrow,
and packets that are sent again make it narrower. It gets the main stream back when it has lost few
packets for long enough.
"""

from __future__ import annotations

from enum import Enum, auto

from api.webrtc.recovery import StreamRecovery

HIGH_LOSS = 0.2
"""A viewer that loses this part of the packets twice in succession cannot keep up."""
SUSTAINED_LOSS, SUSTAINED_S = 0.08, 20.0
"""A viewer that loses this part of the packets for so long cannot keep up, either."""
LOW_LOSS = 0.02
"""A viewer that loses at most this part of the packets could receive more."""
SLOW_WITHIN_S = 30.0


class LossAction(Enum):
    """What a report leads to."""

    CONTINUE = auto()
    WAIT_FOR_KEYFRAME = auto()
    REDUCE = auto()
    """Wait for a keyframe, and change to the sub-stream."""
    RETURN = auto()
    """Change to the main stream."""


class LossPolicy:
    """Follows the reports of one viewer."""

    def __init__(self) -> None:
        self.recovery = StreamRecovery()
        self._lossy_reports = 0
        self._slow_s = float("-inf")
        self._sustained_since_s: float | None = None
        """Since when every report has a moderate loss at least."""

    def action_for(self, lost_part: float, now_s: float, has_smaller: bool) -> LossAction:
        """Return what a report leads to. `has_smaller` says whether the viewer could be sent a
        smaller stream than now.
        """
        self._lossy_reports = self._lossy_reports + 1 if lost_part >= HIGH_LOSS else 0
        if self._lossy_reports >= 2:
            return self._on_high_loss(now_s, has_smaller)
        if self._is_sustained(lost_part, now_s) and has_smaller:
            self._sustained_since_s = None
            self.recovery.reduce()
            return LossAction.REDUCE
        is_due = self.recovery.is_due(lost_part <= LOW_LOSS, now_s)
        return LossAction.RETURN if is_due else LossAction.CONTINUE

    def _is_sustained(self, lost_part: float, now_s: float) -> bool:
        if lost_part < SUSTAINED_LOSS:
            self._sustained_since_s = None
            return False
        if self._sustained_since_s is None:
            self._sustained_since_s = now_s
        return now_s - self._sustained_since_s >= SUSTAINED_S

    def _on_high_loss(self, now_s: float, has_smaller: bool) -> LossAction:
        is_again, self._slow_s = now_s - self._slow_s < SLOW_WITHIN_S, now_s
        self._lossy_reports = 0
        if not (is_again and has_smaller):
            return LossAction.WAIT_FOR_KEYFRAME
        self.recovery.reduce()
        return LossAction.REDUCE
