"""Computes the wall time of packets as their pts plus a slowly moving offset. Pure: no clock, no
I/O.

With `wall = pts + offset`, the distance between two pictures is the camera's and not the network's.
The offset follows

- the sender's clock, if its reports agree with each other and are within `TRUST_NS` of ours;
- otherwise the receiver's clock: the least delay (receive time minus pts) of the last seconds,
  because jitter only adds delay.

The offset never moves so fast that wall time goes back. An error of 20 ms is slewed at 2 % of the
elapsed time, and larger ones in proportion up to half of it. An error above `STEP_NS` forwards is
corrected in one step, which leaves a gap in which nothing was seen. A jump of pts starts again.

With B-frames, packets arrive in another order than their pictures. Wall time follows the pictures,
and is monotonic in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from domain.clock import NS_PER_MS, NS_PER_S
from domain.media.packets import WallSource
from ingest.packets.sender_offset import SenderOffset

TRUST_NS = 5 * NS_PER_S
"""A sender's clock with a larger difference from ours is not trusted, and only published as
skew.
"""
STEP_NS = 500 * NS_PER_MS
JUMP_NS = NS_PER_S
"""A larger change of pts against the elapsed time is a jump of the camera's clock."""
BACK_NS = 500 * NS_PER_MS
"""A pts that goes back by more is a jump too; B-frames reorder pictures by less."""
WINDOW_NS = 4 * NS_PER_S
"""The least delay is taken over the last one or two of these windows."""
_SETTLED_NS = 20 * NS_PER_MS
AHEAD_NS = 2 * NS_PER_S
"""The largest difference by which a picture's wall time may exceed its arrival, however fast the
sender's clock runs.
"""
SILENCE_NS = NS_PER_S
"""After a longer silence, it is observed whether the packets catch up."""
_WATCH_NS = NS_PER_S
_NEVER_NS = 1 << 62
_CATCHING_UP_NS = 100 * NS_PER_MS


class WallTime(NamedTuple):
    wall_ns: int
    source: WallSource


class _LeastDelay:
    """The least sample of the last one or two windows."""

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

    def preview(self, sample_ns: int, now_ns: int) -> int:
        """Return what `add` would return."""
        return min(
            sample_ns,
            self._now_least_ns,
            self._now_least_ns if now_ns >= self._turn_ns else self._last_least_ns,
        )


class _Silence:
    """Determines whether packets after a silence catch up, because they were delayed, or stay late,
    because none were made.
    """

    def __init__(self, now_ns: int) -> None:
        self._turn_ns, self._end_ns = now_ns + _WATCH_NS, now_ns + 2 * _WATCH_NS
        self._first_ns: int | None = None
        self._second_ns: int | None = None

    def permanent_delay_ns(self, sample_ns: int, now_ns: int) -> int | None:
        """Return the least delay since the silence once it is known; a very small one if the
        packets catch up.
        """
        if now_ns < self._turn_ns:
            self._first_ns = sample_ns if self._first_ns is None else min(self._first_ns, sample_ns)
        else:
            self._second_ns = (
                sample_ns if self._second_ns is None else min(self._second_ns, sample_ns)
            )
        if now_ns < self._end_ns or self._second_ns is None:
            return None
        first_ns = self._second_ns if self._first_ns is None else self._first_ns
        return (
            -_NEVER_NS
            if self._second_ns < first_ns - _CATCHING_UP_NS
            else min(first_ns, self._second_ns)
        )


class Timeline:
    """Computes the wall times of one session's packets, in the order of arrival. Call
    `on_sender_report` for each report and `wall_time` for each packet.
    """

    def __init__(self) -> None:
        self.skew_ns: int | None = None
        """The sender's clock minus ours, as last reported; None without reports."""
        self._least: _LeastDelay | None = None
        self._offset_ns = 0
        self._newest_pts_ns = 0
        self._newest_wall_ns = 0
        self._compression = 1.0
        """The compression of the distance between the newest two pictures, which also applies to
        pictures between them.
        """
        self._last_pts_ns = 0
        self._last_received_ns = 0
        self._sender = SenderOffset()
        self._silence: _Silence | None = None
        self._most_ahead_ns = AHEAD_NS
        self._anchored_ns = 0
        self.source = WallSource.RECEIVER
        """The source of the newest wall time."""
        self._aims_at_sender = False
        self.read_interval_ns = 0
        """The read interval: a packet may have arrived so long before `received_ns`. A silence is
        detected later by the same time.
        """

    def on_sender_report(self, pts_ns: int, sender_wall_ns: int) -> None:
        """Process a report by which the picture of `pts_ns` was taken at `sender_wall_ns`."""
        self._sender.report(sender_wall_ns - pts_ns, pts_ns)

    def sender_wall_ns(self, pts_ns: int) -> int | None:
        """Return the sender's own time of `pts_ns`, trusted or not."""
        offset_ns = self._sender.offset_ns
        return None if offset_ns is None else pts_ns + offset_ns

    def wall_time(self, pts_ns: int, received_ns: int) -> WallTime:
        """Return the wall time of the packet of `pts_ns` that arrived at `received_ns` (UTC, our
        clock).
        """
        sample_ns = received_ns - pts_ns
        if self._least is None or self.is_jump(pts_ns, received_ns):
            self._anchor(pts_ns, received_ns)
        assert self._least is not None
        if self._is_silence(received_ns):
            self._silence = _Silence(received_ns)
        least_ns = self._least.add(sample_ns, received_ns)
        if self._silence is not None:
            least_ns = self._after_silence(self._silence, least_ns, sample_ns, received_ns)
        self._aim(least_ns, pts_ns)
        self._last_pts_ns, self._last_received_ns = pts_ns, received_ns
        return WallTime(self._place(pts_ns, received_ns), self.source)

    def wall_times(self, pts_ns: Sequence[int], received_ns: int) -> list[int]:
        """Return the wall times of several packets that were received together, each at most
        `JUMP_NS` after the one before. They equal those of `wall_time`; `source` applies to all.

        The list is empty, and nothing changes, if one of them is irregular.
        """
        least, is_watched = self._least, self._silence is not None or self._is_silence(received_ns)
        if least is None or is_watched or received_ns - self._anchored_ns <= NS_PER_S:
            return []
        first_ns, last_ns, sender_ns = pts_ns[0], pts_ns[-1], self._sender.offset_ns
        if not self._newest_pts_ns < first_ns <= self._last_pts_ns + JUMP_NS:
            return []
        floor_ns = least.preview(received_ns - first_ns, received_ns)
        least_ns = min(floor_ns, received_ns - last_ns)
        is_trusted = sender_ns is not None and abs(sender_ns - floor_ns) <= TRUST_NS
        if sender_ns is not None and is_trusted != (abs(sender_ns - least_ns) <= TRUST_NS):
            return []
        if self.source is not (WallSource.SENDER if is_trusted else WallSource.RECEIVER):
            return []
        least.add(received_ns - first_ns, received_ns)
        least.add(received_ns - last_ns, received_ns)
        self.skew_ns = self.skew_ns if sender_ns is None else sender_ns - least_ns
        self._aims_at_sender, self._last_pts_ns, self._last_received_ns = (
            is_trusted,
            last_ns,
            received_ns,
        )
        return self._batch_wall_times(
            pts_ns, received_ns, floor_ns, sender_ns if is_trusted else None
        )

    def _batch_wall_times(
        self, pts_ns: Sequence[int], received_ns: int, floor_ns: int, sender_ns: int | None
    ) -> list[int]:
        """Compute the wall times as `_aim` and `_place` do, for the case that only offset and least
        delay change.
        """
        offset_ns, newest_pts_ns, newest_ns = (
            self._offset_ns,
            self._newest_pts_ns,
            self._newest_wall_ns,
        )
        if self._keeps_offset(pts_ns, received_ns, floor_ns, sender_ns):
            walls = [own_ns + offset_ns for own_ns in pts_ns]
            before_pts_ns, before_ns = (
                (newest_pts_ns, newest_ns) if len(walls) == 1 else (pts_ns[-2], walls[-2])
            )
            self._newest_pts_ns, self._newest_wall_ns = pts_ns[-1], walls[-1]
            self._compression = min(1.0, (walls[-1] - before_ns) / (pts_ns[-1] - before_pts_ns))
            return walls
        limit_ns = received_ns + self._most_ahead_ns + (0 if sender_ns is None else TRUST_NS)
        distance_ns, step_ns, walls = 1, 1, list[int]()
        for own_ns in pts_ns:
            step_ns = own_ns - newest_pts_ns
            error_ns = (
                min(floor_ns, received_ns - own_ns) if sender_ns is None else sender_ns
            ) - offset_ns
            if error_ns > STEP_NS:
                offset_ns += error_ns
            elif error_ns:
                most_ns = int(step_ns * min(0.5, max(0.02, abs(error_ns) / NS_PER_S)))
                offset_ns += max(-most_ns, min(most_ns, error_ns))
            if own_ns + offset_ns > limit_ns:
                offset_ns = limit_ns - own_ns
            wall_ns = max(own_ns + offset_ns, newest_ns + 1)
            distance_ns, newest_pts_ns, newest_ns = wall_ns - newest_ns, own_ns, wall_ns
            walls.append(wall_ns)
        self._offset_ns, self._newest_pts_ns, self._newest_wall_ns = (
            offset_ns,
            newest_pts_ns,
            newest_ns,
        )
        self._compression = min(1.0, distance_ns / step_ns)
        return walls

    def _keeps_offset(
        self, pts_ns: Sequence[int], received_ns: int, floor_ns: int, sender_ns: int | None
    ) -> bool:
        """Whether the offset is at its target and stays there."""
        if (floor_ns if sender_ns is None else sender_ns) != self._offset_ns or (
            sender_ns is None and received_ns - pts_ns[-1] < floor_ns
        ):
            return False
        first_ns, last_ns = pts_ns[0] + self._offset_ns, pts_ns[-1] + self._offset_ns
        return first_ns > self._newest_wall_ns and last_ns <= received_ns + self._most_ahead_ns + (
            0 if sender_ns is None else TRUST_NS
        )

    def on_clock_step(self, by_ns: int) -> None:
        """Shift all times because our clock was set by `by_ns`. The new session then has correct
        wall times from its start.
        """
        if self._least is not None:
            self._least.shift(by_ns)
        self._offset_ns += by_ns
        self._newest_wall_ns += by_ns
        self._last_received_ns += by_ns
        self._anchored_ns += by_ns
        self._silence = None

    def is_jump(self, pts_ns: int, received_ns: int) -> bool:
        """Whether a packet of `pts_ns`, received now, would be a jump of the sender's clock rather
        than the next picture.
        """
        if self._least is None:
            return False
        step_ns = pts_ns - self._last_pts_ns
        if step_ns < -BACK_NS:
            return True
        is_leap = step_ns - (received_ns - self._last_received_ns) > JUMP_NS
        return is_leap and pts_ns + self._offset_ns > received_ns + JUMP_NS

    def expected_pts_ns(self, received_ns: int, duration_ns: int) -> int:
        """Return the pts that a packet received now would have without a jump. `duration_ns` is the
        duration of a picture. Earlier reports are forgotten.
        """
        self._sender = SenderOffset()
        return self._last_pts_ns + max(
            duration_ns, received_ns - self._last_received_ns - self.read_interval_ns
        )

    def _is_silence(self, received_ns: int) -> bool:
        """Whether this is a silence; packets that arrive between two reads are none."""
        return received_ns - self._last_received_ns > SILENCE_NS + self.read_interval_ns // 2

    def _anchor(self, pts_ns: int, received_ns: int) -> None:
        """Restart at this packet: after all earlier wall times, and not before its arrival."""
        wall_ns = max(received_ns, self._newest_wall_ns + 1)
        self._offset_ns = wall_ns - pts_ns
        self._newest_pts_ns, self._newest_wall_ns = pts_ns, wall_ns
        self._least = _LeastDelay(received_ns - pts_ns, received_ns)
        self._last_received_ns = self._anchored_ns = received_ns
        self._most_ahead_ns, self._silence, self._sender = AHEAD_NS, None, SenderOffset()
        self.source = WallSource.RECEIVER

    def _aim(self, receiver_offset_ns: int, pts_ns: int) -> None:
        target_ns, source = receiver_offset_ns, WallSource.RECEIVER
        sender_ns = self._sender.offset_ns
        if sender_ns is not None:
            self.skew_ns = sender_ns - receiver_offset_ns
            if abs(self.skew_ns) <= TRUST_NS:
                target_ns, source = sender_ns, WallSource.SENDER
        self._aims_at_sender = source is WallSource.SENDER
        error_ns = target_ns - self._offset_ns
        if error_ns > STEP_NS:
            self._offset_ns = target_ns
        elif error_ns:
            share = min(0.5, max(0.02, abs(error_ns) / NS_PER_S))
            most_ns = int(max(0, pts_ns - self._newest_pts_ns) * share)
            self._offset_ns += max(-most_ns, min(most_ns, error_ns))
        if source is WallSource.RECEIVER or abs(target_ns - self._offset_ns) <= _SETTLED_NS:
            self.source = source

    def _after_silence(
        self, silence: _Silence, least_ns: int, sample_ns: int, received_ns: int
    ) -> int:
        """Return the target offset: packets that arrived late together will catch up, but a camera
        that paused will not.
        """
        late_ns = silence.permanent_delay_ns(sample_ns, received_ns)
        if late_ns is None:
            return least_ns
        self._silence = None
        if late_ns - self._offset_ns > STEP_NS:
            self._least = _LeastDelay(late_ns, received_ns)
            return late_ns
        return least_ns

    def _place(self, pts_ns: int, received_ns: int) -> int:
        """Return the wall time of `pts_ns`; a picture older than the newest one keeps its distance
        to it.

        No wall time is much later than its arrival, except for pictures that a camera buffered and
        sends when a connection starts.
        """
        if pts_ns <= self._newest_pts_ns:
            return self._newest_wall_ns - round((self._newest_pts_ns - pts_ns) * self._compression)
        ahead_ns = pts_ns + self._offset_ns - received_ns
        if ahead_ns > self._most_ahead_ns and received_ns - self._anchored_ns <= NS_PER_S:
            self._most_ahead_ns = ahead_ns
        limit_ns = self._most_ahead_ns + (TRUST_NS if self._aims_at_sender else 0)
        self._offset_ns -= max(0, ahead_ns - limit_ns)
        wall_ns = max(pts_ns + self._offset_ns, self._newest_wall_ns + 1)
        self._compression = min(
            1.0, (wall_ns - self._newest_wall_ns) / (pts_ns - self._newest_pts_ns)
        )
        self._newest_wall_ns = wall_ns
        self._newest_pts_ns = pts_ns
        return self._newest_wall_ns
