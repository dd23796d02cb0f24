"""RTCP reports of the simulator, whole and damaged."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from ingest.packets import rtcp
from simulator.rtp import goodbye, sender_report

NOW_NS = 1_795_000_000 * NS_PER_S + 250_000_000


def test_a_report_gives_the_senders_time_of_any_stamp() -> None:
    compound = rtcp.parse(sender_report(7, NOW_NS, 0xFFFFFFF0, 10, 1000))
    assert compound.report is not None
    assert not compound.is_bye
    clock = rtcp.SenderClock(90_000)
    assert clock.wall_ns(0) is None
    clock.on_report(compound.report)
    assert (
        abs((clock.wall_ns(90_000 - 16) or 0) - NOW_NS - NS_PER_S) < 10
    )  # past the wrap of the counter
    clock.on_jump()
    assert clock.wall_ns(0) is None


def test_the_only_report_of_a_camera_gives_no_wrong_time_hours_later() -> None:
    """The timestamps pass half of their range in 6.6 hours."""
    clock = rtcp.SenderClock(90_000)
    report = rtcp.parse(sender_report(7, NOW_NS, 100, 10, 1000)).report
    assert report is not None
    clock.on_report(report)
    times: dict[int, int] = {}
    for minutes in range(0, 24 * 60, 10):
        wall_ns = clock.wall_ns(100 + minutes * 60 * 90_000 & 0xFFFFFFFF)
        if wall_ns is not None:
            times[minutes] = wall_ns - NOW_NS - minutes * 60 * NS_PER_S
    assert max(times) == 190
    assert all(abs(error_ns) < 10 for error_ns in times.values())


def test_a_goodbye_behind_a_report_is_seen() -> None:
    assert rtcp.parse(sender_report(7, NOW_NS, 0, 0, 0) + goodbye(7)).is_bye


def test_seconds_after_the_wrap_of_2036() -> None:
    report = rtcp.parse(struct.pack(">BBHIIIIII", 0x80, 200, 6, 1, 100, 0, 0, 0, 0)).report
    assert report is not None
    assert report.wall_ns == (2**32 + 100 - 2_208_988_800) * NS_PER_S


def test_our_report_is_one() -> None:
    sent = rtcp.parse(sender_report(7, NOW_NS, 0, 0, 0)).report
    data = rtcp.receiver_report(9, 7, 0x10005, 3, sent)
    flags, kind, words, own, about, lost, highest, _, quoted, _ = struct.unpack_from(
        ">BBHIIIIIII", data
    )
    assert (flags, kind, words, own, about, lost, highest) == (0x81, 201, 7, 9, 7, 3, 0x10005)
    assert sent is not None
    assert quoted == sent.ntp_middle
    assert len(data) % 4 == 0
    assert rtcp.parse(data) == rtcp.Compound(None, False)


@given(st.binary(max_size=200), st.integers(0, 60))
def test_damage_is_no_error(noise: bytes, cut: int) -> None:
    whole = sender_report(7, NOW_NS, 0, 0, 0)
    assert isinstance(rtcp.parse(noise), rtcp.Compound)
    assert isinstance(rtcp.parse(whole[:cut] + noise), rtcp.Compound)
