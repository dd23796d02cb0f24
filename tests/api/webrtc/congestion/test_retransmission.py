"""What may be sent again to a viewer."""

from __future__ import annotations

from api.webrtc.congestion.retransmission import AGAIN_BURST, RetransmissionLimit


def test_no_packet_is_sent_again_twice_within_a_round_trip() -> None:
    limit = RetransmissionLimit()
    assert limit.allowed([7, 8], 10.0, 0.5) == [7, 8]
    assert limit.allowed([7, 8, 9], 10.4, 0.5) == [9]
    assert limit.allowed([7, 8, 9], 10.6, 0.5) == [7, 8]


def test_what_is_sent_again_is_a_part_of_what_is_sent_first() -> None:
    limit = RetransmissionLimit()
    burst = int(AGAIN_BURST)
    assert limit.allowed(range(1000), 0.0, 0.1) == list(range(burst))
    assert limit.allowed(range(1000), 1.0, 0.1) == []
    limit.on_first(20)
    assert limit.allowed(range(1000), 2.0, 0.1) == list(range(10))
    limit.on_first(10_000)
    assert len(limit.allowed(range(1000), 3.0, 0.1)) == burst
