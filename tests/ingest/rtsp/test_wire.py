"""The connection's bytes, whole, in any pieces, and damaged."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from ingest.packets.native.depacketiser import CAPACITY_BYTES
from ingest.rtsp.wire import RtspAnswer, Wire

ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 5\r\nPublic: PLAY\r\n\r\nv=0\r\n"


class Kept:
    """Media that keeps copies of the packets it is given."""

    def __init__(self) -> None:
        self.packets: list[tuple[int, bytes]] = []

    def put(self, buffer: bytearray, channel: int, start: int, stop: int) -> None:
        self.packets.append((channel, bytes(buffer[start:stop])))

    def consume_pictures(self, buffer: bytearray, at: int, end: int) -> tuple[int, bool]:
        return at, False


def framed(payload: bytes, channel: int = 0) -> bytes:
    packet = b"\x80" + payload
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet


def read(data: bytes, pieces: int = 1 << 30) -> tuple[Wire, Kept]:
    wire, kept = Wire((0, 1), bytearray(CAPACITY_BYTES)), Kept()
    while data:
        room = wire.room()
        size = min(len(room), len(data), pieces)
        room[:size], data = data[:size], data[size:]
        wire.deliver(size, kept)
    return wire, kept


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=2000), st.integers(0, 1)), max_size=20),
    st.integers(1, 300),
    st.integers(0, 20),
)
def test_packets_and_answers_come_whole_in_whatever_pieces(
    packets: list[tuple[bytes, int]], pieces: int, answer_at: int
) -> None:
    parts = [framed(payload, channel) for payload, channel in packets]
    parts.insert(answer_at, ANSWER)
    wire, kept = read(b"".join(parts), pieces)
    assert kept.packets == [(channel, b"\x80" + payload) for payload, channel in packets]
    assert list(wire.answers) == [
        RtspAnswer(200, (("cseq", "3"), ("content-length", "5"), ("public", "PLAY")), b"v=0\r\n")
    ]
    assert wire.garbage_bytes == 0


def test_more_than_the_buffer_holds_goes_through_it() -> None:
    payload = bytes(65000)
    _, kept = read(framed(payload) * 20)
    assert kept.packets == [(0, b"\x80" + payload)] * 20


@given(st.binary(max_size=3000).filter(lambda noise: b"$" not in noise and b"R" not in noise))
def test_after_garbage_the_next_packet_is_found(noise: bytes) -> None:
    wire, kept = read(framed(b"before") + noise + framed(b"after") + ANSWER)
    assert kept.packets == [(0, b"\x80before"), (0, b"\x80after")]
    assert (wire.garbage_bytes, len(wire.answers)) == (len(noise), 1)


@given(
    st.lists(
        st.sampled_from(
            [
                b"$",
                b"\0",
                b"\x80",
                b"RTSP/1.0 200 OK",
                b"\r\n",
                b"\r\n\r\n",
                b"Content-Length: 99999",
            ]
        ),
        max_size=40,
    )
)
def test_no_bytes_are_an_error(pieces: list[bytes]) -> None:
    wire, kept = read(b"".join(pieces) * 50, 777)
    assert len(wire.room()) > 0
    assert len(wire.buffer) == CAPACITY_BYTES
    assert sum(len(packet) for _, packet in kept.packets) <= 50 * sum(map(len, pieces))


def test_an_answer_without_end_is_not_waited_for() -> None:
    wire, kept = read(b"RTSP/1.0 200 OK\r\n" + b"X: " + b"y" * 500_000 + framed(b"after"))
    assert kept.packets == [(0, b"\x80after")]
    assert not wire.answers


def test_an_answer_that_promises_too_much_is_passed_over() -> None:
    wire, kept = read(b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n" + framed(b"after"))
    assert kept.packets == [(0, b"\x80after")]
    assert not wire.answers
