"""Corrects timestamps of a camera whose clock runs too fast, too slow or not at all. Pure.

Some cameras count at the wrong rate (another clock rate than described, or 30 frames/s at 25), or
not at all. A deviation below `TOLERANCE` is left to the timeline.

Larger ones are measured. The least delay (receive time minus pts) of a window of some seconds is
free of jitter, and its slope from window to window is the deviation. If three slopes in a row
agree, or three over twice the time, timestamps are scaled accordingly. The recording then plays at
its true speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.clock import NS_PER_MS, NS_PER_S

TOLERANCE = 0.05
WINDOW_NS = 4 * NS_PER_S
STOPPED_AFTER_NS = NS_PER_S
_STILL_PACKETS = 5
_SLOPES = 3
_AGREE = 0.25
_SLOWEST = 0.05
"""A slower clock counts as stopped; arrival times are then more accurate than its timestamps."""
_INFINITE_NS = 1 << 80


@dataclass(frozen=True, slots=True)
class _Line:
    """A linear map from the camera's time to ours: `from_ns` maps to `to_ns`, with the rate
    `speed`.
    """

    from_ns: int
    to_ns: int
    speed: float

    @property
    def is_identity(self) -> bool:
        return self.speed == 1.0 and self.from_ns == self.to_ns

    def at(self, pts_ns: int) -> int:
        since_ns = pts_ns - self.from_ns
        return self.to_ns + (since_ns if self.speed == 1.0 else round(since_ns / self.speed))


class ClockRate:
    """Corrects the timestamps of one connection. Call `correct` for each packet in order of
    arrival.
    """

    def __init__(self) -> None:
        self._line = _Line(0, 0, 1.0)
        self._line_before = self._line
        """The map for pictures that are shown before the present map begins, but decoded after."""
        self._newest_ns: int | None = None
        self._last_output_ns = 0
        self._spacing = _EvenSpacing(0, 0, 0)
        self._pts_ns: int | None = None
        self._same_packets = 0
        self._moved_ns = 0
        self._packets = 0
        self._began_ns = 0
        self._least_ns, self._least_at_ns = _INFINITE_NS, 0
        self._leasts: list[tuple[int, int]] = []
        """The least delay of each of the last windows, and its time."""

    @property
    def speed(self) -> float:
        """The rate of the camera's clock by ours; 0 if it has stopped."""
        return self._line.speed

    @property
    def is_accurate(self) -> bool:
        """Whether timestamps are not changed."""
        return self._line.is_identity

    def correct(self, pts_ns: int, received_ns: int) -> int:
        """Return the corrected `pts_ns` of the next packet."""
        if pts_ns != self._pts_ns:
            self._begin(pts_ns, received_ns)
        elif self._has_stopped(received_ns):
            self._run_at(0.0, pts_ns, received_ns)
        self._packets += 1
        if received_ns - pts_ns < self._least_ns:
            self._least_ns, self._least_at_ns = received_ns - pts_ns, received_ns
        if received_ns - self._began_ns >= WINDOW_NS:
            self._close(pts_ns, received_ns)
        self._last_output_ns = (
            self.preview(pts_ns) if self.speed else self._spacing.next(received_ns)
        )
        self._newest_ns = pts_ns if self._newest_ns is None else max(self._newest_ns, pts_ns)
        return self._last_output_ns

    def keeps_unchanged(self, received_ns: int) -> bool:
        """Whether `correct` would return the next pts unchanged and learn nothing from it."""
        return (
            self.is_accurate
            and self._pts_ns is not None
            and received_ns - self._began_ns < WINDOW_NS
        )

    def advance_to(self, pts_ns: Sequence[int], received_ns: int) -> None:
        """Process several rising pts that were received together, which `keeps_unchanged` has
        accepted.
        """
        newest_ns = pts_ns[-1]
        self._begin(newest_ns, received_ns)
        self._packets += len(pts_ns)
        if received_ns - newest_ns < self._least_ns:
            self._least_ns, self._least_at_ns = received_ns - newest_ns, received_ns
        self._last_output_ns = self._newest_ns = newest_ns

    def preview(self, pts_ns: int) -> int:
        """Return the corrected `pts_ns` by the present map, without changing anything."""
        line = self._line if pts_ns >= self._line.from_ns else self._line_before
        return line.at(pts_ns) if line.speed else self._last_output_ns

    def invert(self, ns: int) -> int:
        """Return the timestamp that would be corrected to `ns`."""
        line = self._line
        return line.from_ns + round((ns - line.to_ns) * line.speed)

    def _begin(self, pts_ns: int, received_ns: int) -> None:
        if self._pts_ns is None:
            self._began_ns = received_ns
        self._pts_ns, self._moved_ns, self._same_packets = pts_ns, received_ns, 0

    def _has_stopped(self, received_ns: int) -> bool:
        self._same_packets += 1
        return (
            self._same_packets >= _STILL_PACKETS
            and received_ns - self._moved_ns >= STOPPED_AFTER_NS
            and self.speed > 0
        )

    def _close(self, pts_ns: int, received_ns: int) -> None:
        """Finish a window: compute its slope, and change the rate if it agrees with earlier
        ones.
        """
        interval_ns = (received_ns - self._began_ns) // self._packets
        self._leasts = [*self._leasts, (self._least_ns, self._least_at_ns)][-2 * _SLOPES - 1 :]
        self._least_ns, self._began_ns, self._packets = _INFINITE_NS, received_ns, 0
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
        self._spacing = _EvenSpacing(self._last_output_ns, received_ns, interval_ns)
        if speed and self.speed and self._newest_ns is not None:
            # The new map starts at the newest picture, so that no output goes back.
            self._line_before, self._line = (
                self._line,
                _Line(self._newest_ns, self.preview(self._newest_ns), speed),
            )
        else:
            self._line_before = self._line = _Line(
                pts_ns, self._last_output_ns + interval_ns, speed
            )


def _agreed(leasts: Sequence[tuple[int, int]]) -> float | None:
    """Return the slope over all windows if the slopes between neighbours agree."""
    slopes = [_slope(last, least) for last, least in pairwise(leasts)]
    if len(slopes) < _SLOPES:
        return None
    mean = _slope(leasts[0], leasts[-1])
    return mean if max(slopes) - min(slopes) <= max(TOLERANCE / 2, abs(mean) * _AGREE) else None


def _slope(one: tuple[int, int], other: tuple[int, int]) -> float:
    return (other[0] - one[0]) / max(NS_PER_MS, other[1] - one[1])


class _EvenSpacing:
    """Spaces packets evenly by their arrival, because several are read together."""

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
