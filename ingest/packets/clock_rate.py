"""A camera's counter made to run as fast as time does. Pure.

Counters run at the wrong speed (a clock rate other than the described one, stamps of 30 frames/s on
25) or stand still. Quartz that is off by less than `TOLERANCE` is left to the timeline. What is
more is measured: the least delay (receive time less pts) of a stretch of seconds is free of jitter
and floods, and its slope from stretch to stretch is what the counter lacks. Where three slopes in a
row, or three over twice the time, say the same, stamps are stretched by it; so the recording plays
at the speed at which it was taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Line:
    """The counter's time made ours: `from_ns` of its is `to_ns`, and it runs at `speed`."""

    from_ns: int
    to_ns: int
    speed: float

    @property
    def is_even(self) -> bool:
        return self.speed == 1.0 and self.from_ns == self.to_ns

    def at(self, pts_ns: int) -> int:
        since_ns = pts_ns - self.from_ns
        return self.to_ns + (since_ns if self.speed == 1.0 else round(since_ns / self.speed))


class ClockRate:
    """Of one connection. `of` for every packet, in the order they come."""

    def __init__(self) -> None:
        self._line = _Line(0, 0, 1.0)
        self._line_before = self._line
        """What holds for pictures shown before the present one begins: those that wait for it
        to be decoded come after it.
        """
        self._newest_ns: int | None = None
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

    @property
    def speed(self) -> float:
        """Of the counter, by our clock; 0 where it stands still."""
        return self._line.speed

    @property
    def is_even(self) -> bool:
        """The counter is left as it is."""
        return self._line.is_even

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
        self._newest_ns = pts_ns if self._newest_ns is None else max(self._newest_ns, pts_ns)
        return self._given_ns

    def leaves(self, received_ns: int) -> bool:
        """Whether `of` would give a pts that comes now as it is, and learn nothing from it that
        changes this.
        """
        return (
            self.is_even and self._pts_ns is not None and received_ns - self._began_ns < WINDOW_NS
        )

    def pass_by(self, pts_ns: Sequence[int], received_ns: int) -> None:
        """As `of` for each of these, which rise and came all at once, where it `leaves` them as
        they are.
        """
        newest_ns = pts_ns[-1]
        self._begin(newest_ns, received_ns)
        self._packets += len(pts_ns)
        if received_ns - newest_ns < self._least_ns:
            self._least_ns, self._least_at_ns = received_ns - newest_ns, received_ns
        self._given_ns = self._newest_ns = newest_ns

    def given(self, pts_ns: int) -> int:
        """What `pts_ns` would be given out as. Changes nothing."""
        line = self._line if pts_ns >= self._line.from_ns else self._line_before
        return line.at(pts_ns) if line.speed else self._given_ns

    def back(self, ns: int) -> int:
        """What the counter should say to be given out as `ns`."""
        line = self._line
        return line.from_ns + round((ns - line.to_ns) * line.speed)

    def _begin(self, pts_ns: int, received_ns: int) -> None:
        if self._pts_ns is None:
            self._began_ns = received_ns
        self._pts_ns, self._moved_ns, self._same_packets = pts_ns, received_ns, 0

    def _stands_still(self, received_ns: int) -> bool:
        self._same_packets += 1
        return (
            self._same_packets >= _STILL_PACKETS
            and received_ns - self._moved_ns >= STANDS_STILL_NS
            and self.speed > 0
        )

    def _close(self, pts_ns: int, received_ns: int) -> None:
        """A window is over: the slope from the last one's least delay to this one's, and what
        it says with those before.
        """
        interval_ns = (received_ns - self._began_ns) // self._packets
        self._leasts = [*self._leasts, (self._least_ns, self._least_at_ns)][-2 * _SLOPES - 1 :]
        self._least_ns, self._began_ns, self._packets = _FOR_EVER_NS, received_ns, 0
        mean = _agreed(self._leasts[-_SLOPES - 1 :])
        if mean is None:
            mean = _agreed(self._leasts[::-2][::-1])  # over twice the time, jitter weighs half
        if mean is None:
            return
        speed = 1.0 if abs(mean) < TOLERANCE else 1.0 - mean
        speed = speed if speed > _SLOWEST else 0.0
        if abs(speed - self.speed) > TOLERANCE / 2:
            self._run_at(speed, pts_ns, received_ns, interval_ns)

    def _run_at(
        self, speed: float, pts_ns: int, received_ns: int, interval_ns: int | None = None
    ) -> None:
        if interval_ns is None:
            interval_ns = (received_ns - self._moved_ns) // self._same_packets
        self._beat = _Beat(self._given_ns, received_ns, interval_ns)
        if speed and self.speed and self._newest_ns is not None:
            # Where the newest picture was placed: nothing that was given out is overtaken.
            self._line_before, self._line = (
                self._line,
                _Line(self._newest_ns, self.given(self._newest_ns), speed),
            )
        else:
            self._line_before = self._line = _Line(pts_ns, self._given_ns + interval_ns, speed)


def _agreed(leasts: Sequence[tuple[int, int]]) -> float | None:
    """The slope of all, where those from one to the next agree."""
    slopes = [_slope(last, least) for last, least in pairwise(leasts)]
    if len(slopes) < _SLOPES:
        return None
    mean = _slope(leasts[0], leasts[-1])
    return mean if max(slopes) - min(slopes) <= max(TOLERANCE / 2, abs(mean) * _AGREE) else None


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
        self._interval_ns += (
            min(received_ns - self._received_ns, NS_PER_S) - self._interval_ns
        ) / 16
        self._received_ns = received_ns
        likely_ns = self._at_ns + self._interval_ns
        late_ns = received_ns + self._lead_ns - likely_ns
        at_ns = likely_ns + (late_ns if late_ns > NS_PER_S else late_ns / 8)  # a hole stays a hole
        self._at_ns = max(self._at_ns + NS_PER_MS, round(at_ns))
        return self._at_ns
