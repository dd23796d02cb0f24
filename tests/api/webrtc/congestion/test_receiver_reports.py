"""What reports say about a path: the loss that was not repaired, and the round trip."""

from __future__ import annotations

from itertools import pairwise

import pytest

from api.webrtc.congestion.receiver_reports import (
    FIRST_ROUND_TRIP_S,
    LOSS_WINDOW_S,
    LossWindow,
    RoundTrip,
)
from api.webrtc.protocols.rtcp import ReceiverReport, ntp_of


def report(newest: int, lost: int, last: int = 0, delay_s: float = 0.0) -> ReceiverReport:
    return ReceiverReport(lost, newest, 0, last, delay_s)


def parts(*reports: tuple[float, int, int]) -> list[float | None]:
    """Return the lost parts after reports of a time, the newest packet, and the lost packets."""
    window = LossWindow()
    return [window.lost_part(report(newest, lost), now_s) for now_s, newest, lost in reports]


def test_the_loss_of_a_window_is_that_of_all_its_reports() -> None:
    many = [(at * 0.05, 1000 + 5 * at, at) for at in range(11)]
    assert parts(*many) == [*[None] * 10, 0.2]


def test_packets_that_were_sent_again_are_not_lost() -> None:
    reports = [(0.0, 1000, 0), (0.6, 1100, 30), (1.2, 1200, 10), (1.8, 1300, 10)]
    assert parts(*reports) == [None, 0.3, 0.0, 0.0]


def test_a_window_of_few_packets_continues() -> None:
    assert parts((0.0, 1000, 0), (3.0, 1002, 2), (4.0, 1020, 2)) == [None, None, 0.1]


def test_sequence_numbers_may_wrap() -> None:
    assert parts((0.0, 0xFFFFFFF0, 0), (LOSS_WINDOW_S, 0x54, 50)) == [None, 0.5]


def test_the_round_trip_is_measured_with_sender_reports() -> None:
    trip = RoundTrip()
    assert trip.round_trip_s == FIRST_ROUND_TRIP_S
    stamps = [ntp_of(1_760_000_000_000_000_000 + at * 1_000_000_000) for at in range(3)]
    for at, ntp in enumerate(stamps):
        trip.on_sent(ntp, 100.0 + at)
    trip.on_report(report(1, 0, stamps[1] >> 16 & 0xFFFFFFFF, delay_s=0.5), 101.9)
    assert trip.round_trip_s == pytest.approx(0.4)
    trip.on_report(report(1, 0, 77, delay_s=0.5), 110.0)
    assert trip.round_trip_s == pytest.approx(0.4), "a report that was never sent"
    assert all(later > one for one, later in pairwise(stamps))
