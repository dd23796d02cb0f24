"""The wall time of packets: their own pts, held to a clock by one slowly moving offset. Pure: no clock, no I/O.

`wall = pts + offset`, so that the distance between two pictures is the camera's and not the network's. The offset aims at

- the sender's clock, where sender reports give it and it is within `TRUST_NS` of ours;
- otherwise the receiver's: the least delay (receive time less pts) of the last seconds, since jitter only ever adds delay.

The offset never moves so fast that wall time goes back: an error of 20 ms is slewed at 2 % of the time that passes, larger ones in
proportion up to half of it, and those above `STEP_NS` forwards in one step (a gap, which is the truth: nothing was seen in it).
A jump of pts anchors anew.
With B-frames packets come in another order than their pictures; wall time follows the pictures, and is monotonic in their order.
"""

from __future__ import annotations

from typing import NamedTuple

from domain.clock import NS_PER_MS, NS_PER_S
from domain.media import WallSource

TRUST_NS = 5 * NS_PER_S
"""A sender's clock further than this from ours is not believed, only published as skew."""
STEP_NS = 500 * NS_PER_MS
JUMP_NS = NS_PER_S
"""A pts that leaps by more than this against the time that passed here is a jump of the camera's counter."""
BACK_NS = 500 * NS_PER_MS
"""A pts further back than this is a jump too, and no picture that B-frames put out of order."""
WINDOW_NS = 4 * NS_PER_S
"""The least delay is taken over the last one to two of these."""
_SETTLED_NS = 20 * NS_PER_MS


class WallTime(NamedTuple):
    wall_ns: int
    source: WallSource


class _LeastDelay:
    """The least of the samples of the last one to two windows."""

    def __init__(self, sample_ns: int, now_ns: int) -> None:
        self._now_least_ns = self._last_least_ns = sample_ns
        self._turn_ns = now_ns + WINDOW_NS

    def shift(self, by_ns: int) -> None:
        self._now_least_ns += by_ns
        self._last_least_ns += by_ns
        self._turn_ns += by_ns

    def add(self, sample_ns: int, now_ns: int) -> int:
        if now_ns >= self._turn_ns:
            self._last_least_ns, self._now_least_ns = self._now_least_ns, sample_ns
            self._turn_ns = now_ns + WINDOW_NS
        elif sample_ns < self._now_least_ns:
            self._now_least_ns = sample_ns
        return min(self._now_least_ns, self._last_least_ns)


class Timeline:
    """The wall time of one session's packets, in the order they come. Call `sender` whenever a report is known, `wall` for each packet."""

    def __init__(self) -> None:
        self.skew_ns: int | None = None
        """Sender's clock less ours, as last reported; None without reports."""
        self._least: _LeastDelay | None = None
        self._offset_ns = 0
        self._newest_pts_ns = 0
        self._newest_wall_ns = 0
        self._last_pts_ns = 0
        self._last_received_ns = 0
        self._sender_offset_ns: int | None = None
        self._source = WallSource.RECEIVER

    def sender(self, pts_ns: int, sender_wall_ns: int) -> None:
        """By the sender's reports, the picture of `pts_ns` was taken at `sender_wall_ns`."""
        self._sender_offset_ns = sender_wall_ns - pts_ns

    def sender_wall_ns(self, pts_ns: int) -> int | None:
        """The sender's own time of `pts_ns`, trusted or not."""
        return None if self._sender_offset_ns is None else pts_ns + self._sender_offset_ns

    def wall(self, pts_ns: int, received_ns: int) -> WallTime:
        """The wall time of the packet of `pts_ns` that came at `received_ns` (our clock, UTC)."""
        sample_ns = received_ns - pts_ns
        if self._least is None or self.jumped(pts_ns, received_ns):
            self._anchor(pts_ns, received_ns)
        assert self._least is not None
        self._aim(self._least.add(sample_ns, received_ns), pts_ns)
        self._last_pts_ns, self._last_received_ns = pts_ns, received_ns
        return WallTime(self._placed(pts_ns), self._source)

    def stepped(self, by_ns: int) -> None:
        """Our clock was set forward by `by_ns` (back: below zero), and a session begins: its wall times are right from the first."""
        if self._least is not None:
            self._least.shift(by_ns)
        self._offset_ns += by_ns
        self._newest_wall_ns += by_ns
        self._last_received_ns += by_ns

    def jumped(self, pts_ns: int, received_ns: int) -> bool:
        """Whether a packet of `pts_ns`, received now, would be a leap of the sender's counter rather than the next picture."""
        if self._least is None:
            return False
        step_ns = pts_ns - self._last_pts_ns
        if step_ns < -BACK_NS:
            return True
        is_leap = step_ns - (received_ns - self._last_received_ns) > JUMP_NS
        return is_leap and pts_ns + self._offset_ns > received_ns + JUMP_NS

    def expected_pts_ns(self, received_ns: int) -> int:
        """The pts that a packet received now would have without a leap. The sender's reports, of before the leap, are forgotten."""
        self._sender_offset_ns = None
        return self._last_pts_ns + max(0, received_ns - self._last_received_ns)

    def _anchor(self, pts_ns: int, received_ns: int) -> None:
        """Begin anew at this packet: after all that went before, and not before it was received."""
        wall_ns = max(received_ns, self._newest_wall_ns + 1)
        self._offset_ns = wall_ns - pts_ns
        self._newest_pts_ns, self._newest_wall_ns = pts_ns, wall_ns
        self._least = _LeastDelay(received_ns - pts_ns, received_ns)
        self._sender_offset_ns = None
        self._source = WallSource.RECEIVER

    def _aim(self, receiver_offset_ns: int, pts_ns: int) -> None:
        target_ns, source = receiver_offset_ns, WallSource.RECEIVER
        if self._sender_offset_ns is not None:
            self.skew_ns = self._sender_offset_ns - receiver_offset_ns
            if abs(self.skew_ns) <= TRUST_NS:
                target_ns, source = self._sender_offset_ns, WallSource.SENDER
        error_ns = target_ns - self._offset_ns
        if error_ns > STEP_NS:
            self._offset_ns = target_ns
        elif error_ns:
            share = min(0.5, max(0.02, abs(error_ns) / NS_PER_S))
            most_ns = int(max(0, pts_ns - self._newest_pts_ns) * share)
            self._offset_ns += max(-most_ns, min(most_ns, error_ns))
        if source is WallSource.RECEIVER or abs(target_ns - self._offset_ns) <= _SETTLED_NS:
            self._source = source

    def _placed(self, pts_ns: int) -> int:
        """The wall time of `pts_ns`; a picture older than the newest one keeps its distance to it."""
        if pts_ns <= self._newest_pts_ns:
            return self._newest_wall_ns - (self._newest_pts_ns - pts_ns)
        self._newest_wall_ns = max(pts_ns + self._offset_ns, self._newest_wall_ns + 1)
        self._newest_pts_ns = pts_ns
        return self._newest_wall_ns
