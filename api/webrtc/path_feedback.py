"""The path to one viewer: what its reports lead to, and what is sent again."""

from __future__ import annotations

from collections.abc import Iterable

from api.webrtc.packetiser import MAX_PAYLOAD_BYTES
from api.webrtc.path_policy import PathAction, PathPolicy
from api.webrtc.recovery import StreamRecovery
from api.webrtc.retransmission import RetransmissionLimit
from api.webrtc.rtcp import ReceiverReport, RtcpFeedback
from domain.media.viewer_metrics import LIVE_NARROW_PATHS

LOSS_WINDOW_S, LOSS_WINDOW_PACKETS = 0.5, 20
PACE, MIN_PACE_BITS_PER_S, PACED_BURST = 1.5, 300_000.0, 4.0
"""The rate as a multiple of that of the stream, the least one, and the packets sent at once."""
FIRST_ROUND_TRIP_S, MIN_ROUND_TRIP_S = 0.1, 0.02
_KEPT_SENDINGS = 8


class LossWindow:
    """The part of the packets that retransmission did not repair, for one window after another.

    A browser reports several times a second while it misses packets, so one report says little.
    """

    def __init__(self) -> None:
        self._first: tuple[float, ReceiverReport] | None = None
        """The time and the report with which the window began."""

    def lost_part(self, report: ReceiverReport, now_s: float) -> float | None:
        """Return the lost part of a window that ends with this report, from 0 to 1; None while the
        window continues.
        """
        if self._first is None:
            self._first = now_s, report
            return None
        began_s, first = self._first
        expected = report.newest - first.newest & 0xFFFFFFFF
        if now_s - began_s < LOSS_WINDOW_S or expected < LOSS_WINDOW_PACKETS:
            return None
        self._first = now_s, report
        return min(1.0, max(0.0, (report.lost - first.lost) / expected))


class RoundTrip:
    """The time from this server to a viewer and back, by its answers to sender reports."""

    def __init__(self) -> None:
        self.round_trip_s = FIRST_ROUND_TRIP_S
        self._sendings: dict[int, float] = {}
        """When the newest sender reports were sent, by the middle of their NTP times."""

    def on_sent(self, ntp: int, now_s: float) -> None:
        """Note that a sender report was sent."""
        self._sendings[ntp >> 16 & 0xFFFFFFFF] = now_s
        while len(self._sendings) > _KEPT_SENDINGS:
            del self._sendings[next(iter(self._sendings))]

    def on_report(self, report: ReceiverReport, now_s: float) -> None:
        """Measure the round trip (RFC 3550, 6.4.1)."""
        sent_s = self._sendings.get(report.last_report)
        if sent_s is not None:
            self.round_trip_s = max(MIN_ROUND_TRIP_S, now_s - sent_s - report.delay_s)


class Pacer:
    """Divides over time the pictures with which a viewer on a narrow path catches up. They would
    otherwise be sent at once, and such a path would drop most of them.
    """

    def __init__(self) -> None:
        self._room = PACED_BURST
        self._at_s = 0.0

    def room(self, packets: int, stream_bits_per_s: float, now_s: float) -> int:
        """Return how many of these packets may be sent now, and count them as sent."""
        rate = max(MIN_PACE_BITS_PER_S, PACE * stream_bits_per_s) / (8 * MAX_PAYLOAD_BYTES)
        self._room = min(PACED_BURST, self._room + rate * (now_s - self._at_s))
        self._at_s = now_s
        count = min(packets, int(self._room))
        self._room -= count
        return count


class PathFeedback:
    """Follows the feedback of one viewer."""

    def __init__(self) -> None:
        self._policy = PathPolicy()
        self._loss = LossWindow()
        self._round_trip = RoundTrip()
        self._again = RetransmissionLimit()
        self._pacer = Pacer()
        self._cause: str | None = None
        """What showed first that the path is too narrow for the stream that is still sent."""

    @property
    def recovery(self) -> StreamRecovery:
        return self._policy.recovery

    def begin_stream(self, is_sub: bool) -> None:
        """Note that another stream is sent from now on."""
        if is_sub and self._cause is not None:
            LIVE_NARROW_PATHS.labels(self._cause).inc()
        self._cause = None
        self._policy.begin_stream()

    def on_sent(self, packets: int) -> None:
        """Note that so many packets were sent for the first time."""
        self._again.on_first(packets)

    def on_sender_report(self, ntp: int, now_s: float) -> None:
        """Note that a sender report was sent, with which the round trip is measured."""
        self._round_trip.on_sent(ntp, now_s)

    def may_send_again(self, sequences: Iterable[int], now_s: float) -> list[int]:
        """Return those of the lost packets that may be sent again now."""
        return self._again.allowed(sequences, now_s, self._round_trip.round_trip_s)

    def room(self, packets: int, stream_bits_per_s: float, now_s: float) -> int:
        """Return how many of these packets may be sent now: all if the path is not narrow."""
        if not self.recovery.is_reduced:
            return packets
        return self._pacer.room(packets, stream_bits_per_s, now_s)

    def measure(self, feedback: RtcpFeedback, now_s: float) -> float | None:
        """Return the lost part of a window that has ended now, from 0 to 1."""
        if feedback.report is None:
            return None
        self._round_trip.on_report(feedback.report, now_s)
        return self._loss.lost_part(feedback.report, now_s)

    def actions(
        self,
        feedback: RtcpFeedback,
        lost_part: float | None,
        stream_bits_per_s: float,
        now_s: float,
        has_smaller: bool,
    ) -> list[PathAction]:
        """Return what feedback leads to. `lost_part` is the result of `measure`, and
        `stream_bits_per_s` the bit rate of the stream that is sent; 0 if it is not known yet.
        """
        self._policy.on_feedback(now_s)
        found = []
        estimate = feedback.estimate_bits_per_s
        if estimate is not None:
            action = self._policy.on_estimate(estimate, stream_bits_per_s, now_s, has_smaller)
            found.append(self._noted(action, "estimate"))
        if lost_part is not None:
            action = self._policy.on_loss(lost_part, now_s, has_smaller)
            found.append(self._noted(action, "loss"))
        return found

    def _noted(self, action: PathAction, cause: str) -> PathAction:
        """Keep the cause until the viewer is sent the sub-stream, which may take long, or fail."""
        if self._cause is None and action in (PathAction.REDUCE, PathAction.STOP_AND_REDUCE):
            self._cause = cause
        return action
