"""A whole connection's bytes, pictures and sound, through wire, tracks and intake: the same
packets in whatever pieces, none made up.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import SourceUnreachable
from ingest.packets.depacketise import AccessUnit
from ingest.packets.native.depacketiser import CAPACITY_BYTES
from ingest.packets.packet_builder import SourceCounts
from ingest.packets.sdp import Audio, Video
from ingest.packets.timeline import Timeline
from ingest.packets.tracks import AudioTrack, VideoTrack
from ingest.rtsp.transport import Interleaved
from ingest.rtsp.wire import Wire
from simulator.rtp import Codec, payloads, sender_report

ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Length: 2\r\n\r\nok"
SLICE = {"h264": b"\x41\x9a", "hevc": b"\x02\x01\xd0"}
SOUND = Audio("pcm_alaw", 8, 8000, 1, b"", True, "")
Given = tuple[list[AccessUnit], list[bytes], int]


def framed(channel: int, packet: bytes) -> bytes:
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet


def rtp(kind: int, number: int, stamp: int, payload: bytes, ssrc: int = 7) -> bytes:
    return struct.pack(">BBHII", 0x80, kind, number & 0xFFFF, stamp & 0xFFFFFFFF, ssrc) + payload


def connection(codec: str, sizes: Sequence[int], seed: int) -> list[bytes]:
    """Interleaved packets of pictures, sound and reports, and an answer, mixed by chance but
    each kind in its order.
    """
    random, number, packets = Random(seed), 65_500, list[bytes]()
    for at, size in enumerate(sizes):
        parts = payloads(
            Codec.H264 if codec == "h264" else Codec.HEVC,
            [SLICE[codec] + bytes([1 + at % 200]) * size],
            100,
        )
        for part in parts:
            packets.append(framed(0, rtp((part is parts[-1]) << 7 | 96, number, 3600 * at, part)))
            number += 1
            if random.random() < 0.3:
                packets.append(framed(2, rtp(0x88, number, 160 * at, bytes([at % 256]) * 160, 8)))
        if random.random() < 0.2:
            packets += [framed(1, sender_report(7, 10**18, 3600 * at, 1, 1)), ANSWER]
    return packets


def given_out(
    codec: str, data: bytes, pieces: Sequence[int], tracks: Sequence[int] = (0, 1)
) -> Given:
    """Of `data`, read in pieces of those sizes in turn."""
    wire = Wire((0, 1), bytearray(CAPACITY_BYTES))
    media, counts = Interleaved(wire), SourceCounts(Timeline())
    for track in tracks:
        media.negotiated(track, media.offer(track))
    video = VideoTrack(
        "gate", Video(codec, 96, 90_000, (), True, "", ""), SOUND, counts, media.channel(0)
    )
    audio = AudioTrack(SOUND, video)
    media.start(video, audio)
    turn, answers = 0, 0
    while data:
        room = wire.room()
        size = min(pieces[turn % len(pieces)], len(data), len(room))
        room[:size], data = data[:size], data[size:]
        wire.deliver(size, media)
        answers += len(wire.answers)
        wire.answers.clear()
        turn += 1
    return list(video.units.ready), [piece.data for piece in audio.units.ready], answers


CODECS = pytest.mark.parametrize("codec", ["h264", "hevc"])
SIZES = st.lists(st.integers(1, 900), min_size=1, max_size=12)
PIECES = st.lists(st.integers(1, 700), min_size=1, max_size=5)


@CODECS
@settings(deadline=None)
@given(SIZES, st.integers(0, 99), PIECES)
def test_the_same_comes_out_in_whatever_pieces_it_is_read(
    codec: str, sizes: list[int], seed: int, pieces: list[int]
) -> None:
    packets = connection(codec, sizes, seed)
    whole = given_out(codec, b"".join(packets), [1 << 20])
    assert given_out(codec, b"".join(packets), pieces) == whole
    units, sounds, answers = whole
    assert [unit.data for unit in units] == [
        b"\0\0\0\1" + SLICE[codec] + bytes([1 + at % 200]) * size for at, size in enumerate(sizes)
    ]
    assert len(sounds) == sum(packet.startswith(b"$\x02") for packet in packets)
    assert answers == sum(packet == ANSWER for packet in packets)


@CODECS
@settings(deadline=None)
@given(
    SIZES,
    st.integers(0, 99),
    PIECES,
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=8),
)
def test_damaged_bytes_come_to_the_same_in_whatever_pieces(
    codec: str, sizes: list[int], seed: int, pieces: list[int], damage: list[tuple[int, int]]
) -> None:
    data = bytearray(b"".join(connection(codec, sizes, seed)))
    for place, value in damage:
        data[place % len(data)] = value
    whole = given_out(codec, bytes(data), [1 << 20])
    assert given_out(codec, bytes(data), pieces) == whole
    assert sum(len(unit.data) for unit in whole[0]) <= len(data)


@CODECS
@settings(deadline=None)
@given(SIZES, st.integers(0, 99), st.data())
def test_packets_out_of_order_and_twice_make_nothing_up(
    codec: str, sizes: list[int], seed: int, data: st.DataObject
) -> None:
    packets = connection(codec, sizes, seed)
    mixed = data.draw(st.permutations(packets)) + packets[: data.draw(st.integers(0, 3))]
    right = {unit.data for unit in given_out(codec, b"".join(packets), [1 << 20])[0]}
    assert {unit.data for unit in given_out(codec, b"".join(mixed), [1 << 20])[0]} <= right


@pytest.mark.parametrize(
    ("transport", "channel"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=4-5", 4),
        ("RTP/AVP/TCP;interleaved=6", 6),
        ("RTP/AVP/TCP", 0),
    ],
)
def test_the_channels_are_the_cameras(transport: str, channel: int) -> None:
    wire = Wire((0, 1), bytearray(CAPACITY_BYTES))
    media = Interleaved(wire)
    media.negotiated(0, transport)
    assert media.channel(0) == channel
    assert wire.channels == (channel, channel + 1)


@CODECS
@pytest.mark.parametrize("sound_channel", [0, 2])
@settings(deadline=None)
@given(SIZES, st.integers(0, 99), PIECES)
def test_sound_on_a_channel_that_was_not_agreed_takes_no_picture(
    sound_channel: int, codec: str, sizes: list[int], seed: int, pieces: list[int]
) -> None:
    sent = [
        b"$" + bytes([sound_channel]) + packet[2:] if packet.startswith(b"$\x02") else packet
        for packet in connection(codec, sizes, seed)
    ]
    units, sounds, _ = given_out(codec, b"".join(sent), pieces, tracks=(0,))
    assert [unit.data for unit in units] == [
        b"\0\0\0\1" + SLICE[codec] + bytes([1 + at % 200]) * size for at, size in enumerate(sizes)
    ]
    assert sounds == []


def test_sound_on_the_channels_of_the_video_is_refused() -> None:
    media = Interleaved(Wire((0, 1), bytearray(CAPACITY_BYTES)))
    media.negotiated(0, "RTP/AVP/TCP;interleaved=0-1")
    with pytest.raises(SourceUnreachable, match="same channels"):
        media.negotiated(1, "RTP/AVP/TCP;interleaved=0-1")
    assert media.channel(0) == 0


def test_another_way_than_tcp_is_refused() -> None:
    with pytest.raises(SourceUnreachable, match="transport: udp"):
        Interleaved(Wire((0, 1), bytearray(CAPACITY_BYTES))).negotiated(
            0, "RTP/AVP;unicast;client_port=1-2"
        )
