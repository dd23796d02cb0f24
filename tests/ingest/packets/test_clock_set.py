"""This node's clock is set while a camera is pulled: wall times are right from the next keyframe
on.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from domain.clock import NS_PER_HOUR, NS_PER_MS, NS_PER_S
from domain.media.packets import Packet, StreamInfo
from ingest.packets.packet_builder import PacketBuilder, SourceCounts, TimedAccessUnit
from ingest.packets.timeline import Timeline

START_NS = 1_760_000_000 * NS_PER_S
FRAME_NS = 40 * NS_PER_MS
GOP = 50
INFO = StreamInfo("gate", "h264", 320, 240, Fraction(1, 90_000), b"", 0)
KEYFRAME, PICTURE = b"\0\0\1\x65key", b"\0\0\1\x41picture"


def pulled(
    frames: int, step_at: int, by_ns: int, sender_ahead_ns: int | None = None
) -> list[Packet]:
    """The frames of a camera at 25/s; our clock is set by `by_ns` before frame `step_at`."""
    builder = PacketBuilder(SourceCounts(Timeline()), INFO, None)
    packets = []
    for number in range(frames):
        steady_ns = START_NS + number * FRAME_NS
        sender_ns = None if sender_ahead_ns is None else steady_ns + sender_ahead_ns
        data = PICTURE if number % GOP else KEYFRAME
        unit = TimedAccessUnit(
            data, number * 3600, None, 3600, steady_ns, sender_ns, by_ns if number >= step_at else 0
        )
        packets.append(builder.packet(unit))
    assert None not in packets
    return [packet for packet in packets if packet is not None]


@pytest.mark.parametrize("by_ns", [NS_PER_HOUR, -NS_PER_HOUR, NS_PER_S, -NS_PER_S])
@pytest.mark.parametrize("step_at", [1, 49, 50, 51, 149])
def test_a_new_session_with_right_times_begins_at_the_next_keyframe(
    by_ns: int, step_at: int
) -> None:
    packets = pulled(300, step_at, by_ns)
    first_new = -(-step_at // GOP) * GOP
    assert [packet.stream.session for packet in packets] == [1] * first_new + [2] * (
        300 - first_new
    )
    for number, packet in enumerate(packets):
        truth_ns = START_NS + number * FRAME_NS + (by_ns if number >= first_new else 0)
        assert abs(packet.wall_ns - truth_ns) < NS_PER_MS
        assert packet.received_ns == truth_ns
    assert all(b.pts - a.pts == 3600 for a, b in pairwise(packets)), (
        "the counter is the camera's, and did not leap"
    )


def test_a_camera_whose_clock_was_right_is_believed_once_ours_is_right_too() -> None:
    packets = pulled(1000, 60, NS_PER_HOUR, sender_ahead_ns=NS_PER_HOUR + 80 * NS_PER_MS)
    assert {packet.wall_source for packet in packets[:100]} == {"receiver"}
    assert packets[-1].wall_source == "sender"
    assert (
        abs(packets[-1].wall_ns - (START_NS + 999 * FRAME_NS + NS_PER_HOUR + 80 * NS_PER_MS))
        < 25 * NS_PER_MS
    )
    assert all(a.wall_ns < b.wall_ns for a, b in pairwise(packets))


def test_a_camera_that_followed_the_old_time_is_no_longer_believed() -> None:
    packets = pulled(1000, 60, -NS_PER_HOUR, sender_ahead_ns=80 * NS_PER_MS)
    assert {packet.wall_source for packet in packets[100:]} == {"receiver"}
    assert all(
        abs(packet.wall_ns - packet.received_ns) < 100 * NS_PER_MS for packet in packets[100:]
    )
