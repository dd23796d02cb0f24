"""Decides from what a viewer reports of its path which pictures it is sent. Pure.

A camera's stream cannot be encoded again, so a viewer whose path is too narrow for the main stream
needs the sub-stream. Two reports show that the path is too narrow. The viewer estimates from the
delays of packets what its path carries (REMB). That is known before a packet is lost, if the path
queues packets. A low estimate counts only where delays grew (`EstimateTrend`). And the viewer
reports what part of the packets is lost, if the path drops them.

The viewer gets the main stream back when it has lost few packets for long enough.
"""

from __future__ import annotations

from enum import Enum, auto

from api.webrtc.congestion.estimate_trend import EstimateTrend
from api.webrtc.congestion.recovery import StreamRecovery

HIGH_LOSS, AGAIN_WITHIN_S = 0.2, 2.0
"""A viewer that loses this part of the packets, and again within this time, cannot keep up. The
first pictures are sent at once, and a part of them may be lost on a good path, too.
"""
SUSTAINED_LOSS, SUSTAINED_S = 0.05, 6.0
"""A viewer that loses this part of the packets for so long cannot keep up, either."""
LOW_LOSS = 0.02
"""A viewer that loses at most this part of the packets could receive more."""
NARROW_PART, NARROW_S = 0.8, 1.0
"""A path that is estimated to carry less than this part of the stream for so long is too narrow, if
the estimate fell and does not rise. One short delay makes a browser estimate 0.85 of what it
receives, and then more from report to report.
"""
SLIGHTLY_NARROW_S = 6.0
"""A path that is estimated to carry less than the whole stream for so long is too narrow, too, if
the estimate fell and has not recovered.
"""


class CongestionAction(Enum):
    """What a report leads to."""

    CONTINUE = auto()
    REPEAT = auto()
    """Send the pictures since the keyframe again, divided over time."""
    WAIT_FOR_KEYFRAME = auto()
    """Send nothing up to the next keyframe."""
    REDUCE = auto()
    """Change to the sub-stream."""
    STOP_AND_REDUCE = auto()
    """Send nothing up to a keyframe, and change to the sub-stream."""
    RETURN = auto()
    """Change to the main stream."""

    @property
    def is_reduction(self) -> bool:
        """Whether the viewer gets the sub-stream."""
        return self in (CongestionAction.REDUCE, CongestionAction.STOP_AND_REDUCE)


class CongestionPolicy:
    """Follows the reports of one viewer."""

    def __init__(self) -> None:
        self.recovery = StreamRecovery()
        self._trend = EstimateTrend()
        self._high_s: float | None = None
        """When a loss was high, if it was once."""
        self._sustained_since_s: float | None = None
        """Since when every report has a moderate loss at least."""
        self._narrow_since_s: float | None = None
        """Since when every estimate is held down, and less than `NARROW_PART` of the stream."""
        self._slightly_since_s: float | None = None
        """Since when every estimate is less than the stream, and has not recovered."""

    def on_feedback(self, now_s: float) -> None:
        """Note that feedback of any kind arrived."""
        self._trend.on_feedback(now_s)

    def on_loss(self, lost_part: float, now_s: float, has_smaller: bool) -> CongestionAction:
        """Return what the loss of one window leads to, which retransmission did not repair.
        `has_smaller` says whether the viewer could be sent a smaller stream than now.
        """
        if lost_part >= HIGH_LOSS:
            is_again = self._high_s is not None and now_s - self._high_s <= AGAIN_WITHIN_S
            self._high_s = None if is_again else now_s
            if is_again and has_smaller:
                return self._reduced(CongestionAction.STOP_AND_REDUCE)
            if is_again:
                return CongestionAction.WAIT_FOR_KEYFRAME
        self._sustained_since_s = _since(
            lost_part >= SUSTAINED_LOSS, self._sustained_since_s, now_s
        )
        if has_smaller and _lasts(self._sustained_since_s, now_s, SUSTAINED_S):
            return self._reduced(CongestionAction.REDUCE)
        keeps_up = lost_part <= LOW_LOSS and self._slightly_since_s is None
        is_due = self.recovery.is_due(keeps_up, now_s)
        return CongestionAction.RETURN if is_due else CongestionAction.CONTINUE

    def on_estimate(
        self, estimate_bits_per_s: float, stream_bits_per_s: float, now_s: float, has_smaller: bool
    ) -> CongestionAction:
        """Return what an estimate of the path leads to. `stream_bits_per_s` is the bit rate of the
        stream that is sent; 0 if it is not known yet.
        """
        self._trend.put(estimate_bits_per_s, now_s)
        is_narrow = estimate_bits_per_s < NARROW_PART * stream_bits_per_s
        is_narrow &= self._trend.is_held_down
        is_slightly_narrow = estimate_bits_per_s < stream_bits_per_s
        is_slightly_narrow &= self._trend.has_fallen
        self._narrow_since_s = _since(is_narrow, self._narrow_since_s, now_s)
        self._slightly_since_s = _since(is_slightly_narrow, self._slightly_since_s, now_s)
        is_too_narrow = _lasts(self._narrow_since_s, now_s, NARROW_S)
        is_too_narrow |= _lasts(self._slightly_since_s, now_s, SLIGHTLY_NARROW_S)
        if is_too_narrow and has_smaller:
            return self._reduced(CongestionAction.REDUCE)
        return CongestionAction.CONTINUE

    def on_first_lost(self, is_repeated: bool, has_smaller: bool) -> CongestionAction:
        """Return what it leads to that a path drops many of the first pictures. `is_repeated` says
        whether they were divided over time already.
        """
        if not is_repeated:
            return CongestionAction.REPEAT
        if has_smaller:
            return self._reduced(CongestionAction.STOP_AND_REDUCE)
        return CongestionAction.CONTINUE

    def begin_stream(self) -> None:
        """Note that another stream is sent, which the former reports say nothing about."""
        self._high_s = None
        self._trend.forget()
        self._sustained_since_s = self._narrow_since_s = self._slightly_since_s = None

    def _reduced(self, action: CongestionAction) -> CongestionAction:
        self.begin_stream()
        self.recovery.reduce()
        return action


def _since(holds: bool, since_s: float | None, now_s: float) -> float | None:
    """Return since when something holds; None while it does not."""
    if not holds:
        return None
    return now_s if since_s is None else since_s


def _lasts(since_s: float | None, now_s: float, for_s: float) -> bool:
    return since_s is not None and now_s - since_s >= for_s
