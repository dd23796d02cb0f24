"""Audio from RTP: single AAC frames, several in a packet and fragments; G.711 unchanged; damaged
data without an exception.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ingest.packets.audio import AAC_SAMPLES, AudioUnit, AudioUnits

FRAMES = st.lists(st.binary(min_size=1, max_size=700), min_size=1, max_size=6)


def aac(*frames: bytes) -> bytes:
    headers = b"".join(struct.pack(">H", len(frame) << 3) for frame in frames)
    return struct.pack(">H", 16 * len(frames)) + headers + b"".join(frames)


def received(
    codec: str,
    packets: Sequence[tuple[int, bytes]],
    lost: Sequence[int] = (),
    channels: int = 1,
    marker: int = 0x80,
) -> AudioUnits:
    units = AudioUnits(codec, 97, channels)
    for index, (stamp, payload) in enumerate(packets):
        if index not in lost:
            packet = (
                struct.pack(
                    ">BBHII", 0x80, marker | 97, 65_530 + index & 0xFFFF, stamp & 0xFFFFFFFF, 7
                )
                + payload
            )
            units.put(b"??" + packet, 2, 2 + len(packet))
    return units


@given(st.lists(FRAMES, min_size=1, max_size=5), st.integers(0, 0xFFFFFFFF))
def test_frames_packed_together_come_out_one_by_one(groups: list[list[bytes]], stamp: int) -> None:
    packets, expected, at = [], [], stamp
    for group in groups:
        packets.append((at, aac(*group)))
        for frame in group:
            expected.append(AudioUnit(at & 0xFFFFFFFF, frame, AAC_SAMPLES))
            at += AAC_SAMPLES
    units = received("aac", packets)
    assert units.ready == expected
    assert (units.broken, units.sequence.lost) == (0, 0)


def test_a_frame_in_several_packets_is_joined_and_one_that_lacks_a_piece_is_dropped() -> None:
    frame = bytes(range(200))
    size = struct.pack(">HH", 16, len(frame) << 3)
    units = AudioUnits("aac", 97, 1)
    for number, (piece, marker) in enumerate(
        [(frame[:120], 0), (frame[120:], 0x80), (frame[:120], 0)]
    ):
        packet = struct.pack(">BBHII", 0x80, marker | 97, number, 5, 7) + size + piece
        units.put(packet, 0, len(packet))
    assert units.ready == [AudioUnit(5, frame, AAC_SAMPLES)]
    after = struct.pack(">BBHII", 0x80, 0x80 | 97, 9, 5 + AAC_SAMPLES, 7) + aac(b"next")
    units.put(after, 0, len(after))
    assert units.ready[1:] == [AudioUnit(5 + AAC_SAMPLES, b"next", AAC_SAMPLES)]
    assert (units.broken, units.sequence.lost) == (1, 6)


@given(st.lists(st.binary(min_size=1, max_size=400), min_size=1, max_size=9), st.integers(1, 2))
def test_samples_are_given_as_they_come(payloads: list[bytes], channels: int) -> None:
    units = received("pcm_alaw", list(enumerate(payloads)), channels=channels)
    assert units.ready == [
        AudioUnit(stamp, data, len(data) // channels) for stamp, data in enumerate(payloads)
    ]


@given(
    st.sampled_from(["aac", "pcm_mulaw"]),
    st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=60)), max_size=20),
    st.integers(0, 255),
)
def test_no_bytes_are_an_error(codec: str, packets: list[tuple[int, bytes]], flags: int) -> None:
    units = AudioUnits(codec, 97, 1)
    for index, (stamp, payload) in enumerate(packets):
        packet = struct.pack(">BBHII", flags, stamp << 6 & 0x80 | 97, index, stamp, 7) + payload
        units.put(packet, 0, len(packet))
    assert sum(len(piece.data) for piece in units.ready) <= sum(
        len(payload) for _, payload in packets
    )
