"""The congestion control of one viewer: what its feedback leads to, and what is sent again."""

from __future__ import annotations

from collections.abc import Iterable

from api.webrtc.congestion.pacer import NARROW, REPEATED, Pacer
from api.webrtc.congestion.policy import CongestionAction, CongestionPolicy
from api.webrtc.congestion.receiver_reports import LossWindow, RoundTrip
from api.webrtc.congestion.recovery import StreamRecovery
from api.webrtc.congestion.retransmission import RetransmissionLimit
from api.webrtc.congestion.retransmission_requests import RetransmissionRequests
from api.webrtc.protocols.rtcp import RtcpFeedback
from domain.media.viewer_metrics import LIVE_NARROW_PATHS

FIRST_PICTURES_S = 2.0
"""So long after the begin of a stream, lost packets are those of the first pictures."""


class CongestionControl:
    """Follows the feedback of one viewer."""

    def __init__(self) -> None:
        self._policy = CongestionPolicy()
        self._loss = LossWindow()
        self._round_trip = RoundTrip()
        self._again = RetransmissionLimit()
        self._pacer = Pacer()
        self._requested = RetransmissionRequests()
        self._began_s: float | None = None
        """When the first picture of the stream was sent, or sent again."""
        self._is_repeated = False
        """Whether the first pictures were sent again, divided over time."""
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
        self._requested.forget()
        self._began_s, self._is_repeated = None, False

    def on_sent(self, packets: int, now_s: float) -> None:
        """Note that so many packets were sent for the first time."""
        self._again.on_first(packets)
        self._requested.on_sent(packets, now_s)
        if self._began_s is None:
            self._began_s = now_s

    def on_sender_report(self, ntp: int, now_s: float) -> None:
        """Note that a sender report was sent, with which the round trip is measured."""
        self._round_trip.on_sent(ntp, now_s)

    def may_send_again(self, sequences: Iterable[int], now_s: float) -> list[int]:
        """Return those of the lost packets that may be sent again now."""
        return self._again.allowed(sequences, now_s, self._round_trip.round_trip_s)

    def is_paced(self, is_late: bool) -> bool:
        """Return whether a picture is divided over time. `is_late` says whether the viewer catches
        up with it.
        """
        return is_late and (self.recovery.is_reduced or self._is_repeated)

    def room(self, packets: int, stream_bits_per_s: float, now_s: float) -> int:
        """Return how many of these packets, whose picture is paced, may be sent now."""
        pace = NARROW if self.recovery.is_reduced else REPEATED
        return self._pacer.room(packets, pace.bits_per_s(stream_bits_per_s), now_s)

    def on_requested(
        self, sequences: Iterable[int], now_s: float, has_smaller: bool
    ) -> CongestionAction:
        """Return what it leads to that a viewer requests these packets again."""
        is_first = self._began_s is not None and now_s - self._began_s <= FIRST_PICTURES_S
        if not self._requested.is_much(sequences) or self.recovery.is_reduced or not is_first:
            return CongestionAction.CONTINUE
        action = self._policy.on_first_lost(self._is_repeated, has_smaller)
        if action is CongestionAction.CONTINUE:
            return action  # The receiver reports decide: their windows must not begin again.
        self._requested.forget()
        self._loss = LossWindow()
        self._began_s, self._is_repeated = None, True
        return self._noted(action, "loss")

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
    ) -> list[CongestionAction]:
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

    def _noted(self, action: CongestionAction, cause: str) -> CongestionAction:
        """Keep the cause until the viewer is sent the sub-stream, which may take long, or fail."""
        if self._cause is None and action.is_reduction:
            self._cause = cause
        return action
