"""What the reports of a viewer say of its path: the lost part, and the round trip. Pure."""

from __future__ import annotations

from api.webrtc.protocols.rtcp import ReceiverReport

LOSS_WINDOW_S, LOSS_WINDOW_PACKETS = 0.5, 20
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
