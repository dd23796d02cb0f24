"""A camera's counter made to run as fast as time does. Pure.

Counters run at the wrong speed (a clock rate other than the described one, stamps of 30 frames/s on 25) or stand still. Quartz that is off
by less than `TOLERANCE` is left to the timeline. What is more is measured: the least delay (receive time less pts) of a stretch of seconds
is free of jitter and floods, and its slope from stretch to stretch is what the counter lacks. Where three slopes in a row say the
same, stamps are stretched by it; so the recording plays at the speed at which it was taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from domain.clock import NS_PER_MS, NS_PER_S

TOLERANCE = 0.05
WINDOW_NS = 4 * NS_PER_S
STANDS_STILL_NS = NS_PER_S
_STILL_PACKETS = 5
_SLOPES = 3
_AGREE = 0.25
_SLOWEST = 0.05
"""A counter slower than this stands still: what it says is worth less than when packets came."""
_FOR_EVER_NS = 1 << 80


class Pace:
    """Of one connection. `of` for every packet, in the order they come."""

    def __init__(self) -> None:
        self.speed = 1.0
        """Of the counter, by our clock; 0 where it stands still."""
        self._from_ns = self._to_ns = 0
        """A pts of the counter's, and the same moment as given out."""
        self._given_ns = 0
        self._beat = _Beat(0, 0, 0)
        self._pts_ns: int | None = None
        self._same_packets = 0
        self._moved_ns = 0
        self._packets = 0
        self._began_ns = 0
        self._least_ns, self._least_at_ns = _FOR_EVER_NS, 0
        self._leasts: list[tuple[int, int]] = []
        """The least delay of each of the last windows, and when it was."""

    def of(self, pts_ns: int, received_ns: int) -> int:
        """The counter's `pts_ns` at the speed of time."""
        if pts_ns != self._pts_ns:
            self._begin(pts_ns, received_ns)
        elif self._stands_still(received_ns):
            self._run_at(0.0, pts_ns, received_ns)
        self._packets += 1
        if received_ns - pts_ns < self._least_ns:
            self._least_ns, self._least_at_ns = received_ns - pts_ns, received_ns
        if received_ns - self._began_ns >= WINDOW_NS:
            self._close(pts_ns, received_ns)
        self._given_ns = self.given(pts_ns) if self.speed else self._beat.next(received_ns)
        return self._given_ns

    def leaves(self, received_ns: int) -> bool:
        """Whether `of` would give a pts that comes now as it is, and learn nothing from it that changes this."""
        is_even = self.speed == 1.0 and self._to_ns == self._from_ns and self._pts_ns is not None
        return is_even and received_ns - self._began_ns < WINDOW_NS

    def pass_by(self, pts_ns: Sequence[int], received_ns: int) -> None:
        """As `of` for each of these, which rise and came all at once, where it `leaves` them as they are."""
        newest_ns = pts_ns[-1]
        self._begin(newest_ns, received_ns)
        self._packets += len(pts_ns)
        if received_ns - newest_ns < self._least_ns:
            self._least_ns, self._least_at_ns = received_ns - newest_ns, received_ns
        self._given_ns = newest_ns

    def given(self, pts_ns: int) -> int:
        """What `pts_ns` would be given out as. Changes nothing."""
        if self.speed == 1.0:
            return self._to_ns + pts_ns - self._from_ns
        return self._to_ns + round((pts_ns - self._from_ns) / self.speed) if self.speed else self._given_ns

    def back(self, ns: int) -> int:
        """What the counter should say to be given out as `ns`."""
        return self._from_ns + round((ns - self._to_ns) * self.speed)

    def _begin(self, pts_ns: int, received_ns: int) -> None:
        if self._pts_ns is None:
            self._began_ns = received_ns
        self._pts_ns, self._moved_ns, self._same_packets = pts_ns, received_ns, 0

    def _stands_still(self, received_ns: int) -> bool:
        self._same_packets += 1
        return self._same_packets >= _STILL_PACKETS and received_ns - self._moved_ns >= STANDS_STILL_NS and self.speed > 0

    def _close(self, pts_ns: int, received_ns: int) -> None:
        """A window is over: the slope from the last one's least delay to this one's, and what it says with those before."""
        interval_ns = (received_ns - self._began_ns) // self._packets
        leasts = self._leasts = [*self._leasts, (self._least_ns, self._least_at_ns)][-_SLOPES - 1 :]
        self._least_ns, self._began_ns, self._packets = _FOR_EVER_NS, received_ns, 0
        slopes = [_slope(last, least) for last, least in pairwise(leasts)]
        mean = _slope(leasts[0], leasts[-1])
        if len(slopes) < _SLOPES or max(slopes) - min(slopes) > max(TOLERANCE / 2, abs(mean) * _AGREE):
            return
        speed = 1.0 if abs(mean) < TOLERANCE else 1.0 - mean
        speed = speed if speed > _SLOWEST else 0.0
        if abs(speed - self.speed) > TOLERANCE / 2:
            self._run_at(speed, pts_ns, received_ns, interval_ns)

    def _run_at(self, speed: float, pts_ns: int, received_ns: int, interval_ns: int | None = None) -> None:
        if interval_ns is None:
            interval_ns = (received_ns - self._moved_ns) // self._same_packets
        self._beat = _Beat(self._given_ns, received_ns, interval_ns)
        self._to_ns, self._from_ns, self.speed = self._given_ns + interval_ns, pts_ns, speed


def _slope(one: tuple[int, int], other: tuple[int, int]) -> float:
    return (other[0] - one[0]) / max(NS_PER_MS, other[1] - one[1])


class _Beat:
    """Times of packets from when they come, at an even beat: they are read several at a time."""

    def __init__(self, at_ns: int, received_ns: int, interval_ns: int) -> None:
        self._at_ns = at_ns
        self._received_ns = received_ns
        self._lead_ns = at_ns - received_ns
        self._interval_ns = float(interval_ns)

    def next(self, received_ns: int) -> int:
        self._interval_ns += (min(received_ns - self._received_ns, NS_PER_S) - self._interval_ns) / 16
        self._received_ns = received_ns
        likely_ns = self._at_ns + self._interval_ns
        late_ns = received_ns + self._lead_ns - likely_ns
        at_ns = likely_ns + (late_ns if late_ns > NS_PER_S else late_ns / 8)  # a hole stays a hole
        self._at_ns = max(self._at_ns + NS_PER_MS, round(at_ns))
        return self._at_ns
