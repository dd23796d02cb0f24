"""What one viewer is sent: no hole in the sequence, no step back in time, lost packets again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.webrtc.frame_history import RtpFrame
from api.webrtc.protocols.packetiser import equal_runs
from api.webrtc.protocols.srtp import RTP_HEADER, RtpHead
from api.webrtc.rtp_sender import MAX_KEPT_PACKETS, RtpSender

TICKS = 1_760_000_000 * 90_000


class Plain:
    """No protection, so that tests read the packets."""

    def protect(self, payloads: Sequence[bytes], first: int, head: RtpHead) -> list[bytes]:
        last = first + len(payloads) - 1
        return [
            head.header(number, number == last) + payload
            for number, payload in enumerate(payloads, first)
        ]

    def protect_again(self, header: bytes, payload: bytes, sequence: int) -> bytes:
        assert RTP_HEADER.unpack_from(header)[2] == sequence & 0xFFFF
        return header + payload


def frame_of(number: int, packets: int = 2) -> RtpFrame:
    parts = tuple(bytes((number & 0xFF, at & 0xFF)) * 4 for at in range(packets))
    return RtpFrame(number, parts, (), 8 * packets, TICKS + 3600 * number, 0, number % 25 == 0)


def sender(first: int = 100) -> RtpSender:
    return RtpSender(102, 0xCAFE, first, Plain())


def fields(packets: list[bytes]) -> list[tuple[int, int, int, bool]]:
    """Return sequence number, timestamp, SSRC and marker of packets."""
    found = []
    for packet in packets:
        flags, kind, sequence, stamp, ssrc = RTP_HEADER.unpack_from(packet)
        assert (flags, kind & 0x7F) == (0x80, 102)
        found.append((sequence, stamp, ssrc, bool(kind & 0x80)))
    return found


def test_the_last_packet_of_a_picture_has_the_marker_and_all_have_its_time() -> None:
    frame = frame_of(7, packets=3)
    stamp = frame.ticks & 0xFFFFFFFF
    assert fields(sender().frame(frame, frame, 0.0)) == [
        (100, stamp, 0xCAFE, False),
        (101, stamp, 0xCAFE, False),
        (102, stamp, 0xCAFE, True),
    ]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40), st.integers(0, 0x7FFF))
def test_any_order_of_frames_is_one_stream_for_the_viewer(numbers: list[int], first: int) -> None:
    one, packets, stamps = sender(first), [], []
    newest = 0
    for number in numbers:
        newest = max(newest, number)
        sent = one.frame(frame_of(number), frame_of(newest), 0.0)
        packets += sent
        stamps.append(one.stamp)
    assert [entry[0] for entry in fields(packets)] == [
        first + at & 0xFFFF for at in range(2 * len(numbers))
    ]
    assert all(after > before for before, after in pairwise(stamps))


def test_a_new_viewer_catches_up_within_milliseconds_of_its_timeline() -> None:
    one, newest = sender(), frame_of(49)
    stamps = []
    for number in range(25, 50):
        one.frame(frame_of(number), newest, 0.0)
        stamps.append(one.stamp)
    assert stamps[-1] == newest.ticks
    assert one.is_on_time
    assert stamps[-1] - stamps[0] <= 5 * 3600 + 20 * 90
    following = frame_of(50)
    one.frame(following, following, 0.0)
    assert one.stamp == following.ticks


def test_lost_packets_are_sent_again_as_they_were() -> None:
    one = sender(first=65_530)
    sent = [
        packet for number in range(10) for packet in one.frame(frame_of(number), frame_of(9), 0.0)
    ]
    lost = [sent[3], sent[8], sent[19]]
    again = one.again([entry[0] for entry in fields(lost)])
    assert again == lost


def test_packets_say_when_they_were_sent_first() -> None:
    one = RtpSender(102, 0xCAFE, 100, Plain(), send_time_id=3)
    sent = one.frame(frame_of(1), frame_of(1), 64 + 1.5)
    one.frame(frame_of(2), frame_of(2), 70.0)
    extension = bytes.fromhex("bede0001") + bytes((3 << 4 | 2,)) + (3 << 17).to_bytes(3, "big")
    for packet, payload in zip(sent, frame_of(1).payloads, strict=True):
        assert packet[0] == 0x90
        assert packet[RTP_HEADER.size :] == extension + payload
    assert one.again([100, 101]) == sent, "AES-GCM allows no other header with the same nonce"


def test_packets_that_are_too_old_or_were_never_sent_are_not() -> None:
    one = sender(first=0)
    for number in range(MAX_KEPT_PACKETS):
        one.frame(frame_of(number), frame_of(number), 0.0)
    assert one.again([0, 1]) == []
    assert one.again([2 * MAX_KEPT_PACKETS + 5]) == []
    assert len(one.again([2 * MAX_KEPT_PACKETS - 1])) == 1


@given(st.lists(st.integers(1, 5), max_size=30), st.integers(1, 6))
def test_runs_are_what_the_kernel_can_divide(sizes: list[int], most: int) -> None:
    packets = [bytes(size) for size in sizes]
    bounds = equal_runs(sizes, most)
    runs = [packets[begin:end] for begin, end in bounds]
    assert [packet for run in runs for packet in run] == packets
    for run in runs:
        assert 1 <= len(run) <= most
        assert len({len(packet) for packet in run[:-1]}) <= 1
        assert len(run[-1]) <= len(run[0])


def test_fragments_of_one_picture_are_one_run() -> None:
    assert equal_runs([9, 9, 9, 4], 48) == [(0, 4)]
