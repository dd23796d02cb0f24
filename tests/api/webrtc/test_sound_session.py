"""The sound of a WebRTC viewer: what is read, what is sent, and why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from aiortc.rtp import RtcpPacket, RtcpSrPacket

from api.nodes.live_wire import LiveWriter, error_record
from api.webrtc import sound_session
from api.webrtc.protocols.packetiser import MAX_PAYLOAD_BYTES
from api.webrtc.protocols.rtcp import ntp_of
from api.webrtc.protocols.srtp import RTP_HEADER, RtpHead
from api.webrtc.sdp import read_offer
from api.webrtc.sound_session import SoundSession, opened_sound
from api.webrtc.sound_stream import SoundStream, SoundUnit, read_sound
from domain.errors import NotFound, SourceTimeout, SourceUnsupported
from domain.media.live_stream import LiveFragment
from domain.media.packets import AudioInfo
from ingest.live.sound_fragmenter import SoundFragmenter
from tests.api.webrtc.test_sdp import CHROMIUM
from tests.recorded import PLAIN, START_NS, packets_of, sound_of

OFFER = read_offer(CHROMIUM.replace("SAVPF 111 0", "SAVPF 111 8 0"))
ONLY_PCMU = read_offer(CHROMIUM)
NO_SOUND = read_offer(CHROMIUM.replace("m=audio", "m=text"))
TICKS = START_NS * 8000 // 1_000_000_000


class Plain:
    """A protection that changes nothing."""

    def protect(self, payloads: Sequence[bytes], first: int, head: RtpHead) -> list[bytes]:
        raise AssertionError("this is for pictures")

    def protect_again(self, header: bytes, payload: bytes, sequence: int) -> bytes:
        assert sequence & 0xFFFF == RTP_HEADER.unpack(header)[2]
        return header + payload


def fragments(codec: str, count: int = 10, **info: int) -> list[LiveFragment]:
    fragmenter = SoundFragmenter()
    packets = sound_of(codec, packets_of(PLAIN)[0], 2.0)[:count]
    stream = packets[0].stream
    assert isinstance(stream.audio, AudioInfo)
    changed = replace(stream, audio=replace(stream.audio, **info))  # type: ignore[arg-type]
    made = [fragmenter.fragment(replace(one, stream=changed)) for one in packets]
    return [one for one in made if one is not None]


def stream_of(codec: str, **info: int) -> SoundStream:
    stream = SoundStream("gate")
    stream.feed(LiveWriter().records(fragments(codec, **info)))
    return stream


@pytest.mark.parametrize(("codec", "encoding"), [("pcm_alaw", "PCMA"), ("pcm_mulaw", "PCMU")])
def test_the_samples_and_times_of_g711_are_those_of_the_camera(codec: str, encoding: str) -> None:
    packets = sound_of(codec, packets_of(PLAIN)[0], 2.0)[:10]
    units = [read_sound(one, "gate") for one in fragments(codec)]
    assert [one.payloads for one in units] == [(packet.data,) for packet in packets]
    assert [one.ticks for one in units] == [TICKS + 160 * at for at in range(10)]
    assert [one.wall_ns for one in units] == [packet.wall_ns for packet in packets]
    assert {one.encoding for one in units} == {encoding}


def test_a_long_packet_is_divided_on_the_way_to_the_viewer() -> None:
    fragment = fragments("pcm_alaw", 1)[0]
    (packet,) = sound_of("pcm_alaw", packets_of(PLAIN)[0], 0.02)
    long = replace(packet, data=bytes(2500), duration=2500)
    made = SoundFragmenter().fragment(long)
    assert made is not None
    assert made.init == fragment.init
    unit = read_sound(made, "gate")
    most = MAX_PAYLOAD_BYTES
    assert [len(one) for one in unit.payloads] == [most, most, 2500 - 2 * most]
    session = SoundSession(SoundStream("gate"), {"PCMA": 8}, None)
    session.begin(Plain())
    stamps = [RTP_HEADER.unpack_from(one)[3] for one in session.packets(unit)]
    assert stamps == [unit.ticks + at & 0xFFFFFFFF for at in (0, most, 2 * most)]


def test_packets_have_no_hole_and_the_type_that_the_viewer_offered() -> None:
    session = SoundSession(SoundStream("gate"), {"PCMA": 101}, None)
    units = [read_sound(one, "gate") for one in fragments("pcm_alaw")]
    assert session.packets(units[0]) == [], "there are no keys yet"
    session.begin(Plain())
    packets = [one for unit in units for one in session.packets(unit)]
    heads = [RTP_HEADER.unpack_from(one) for one in packets]
    assert {(version, kind, ssrc) for version, kind, _, _, ssrc in heads} == {
        (0x80, 101, session.ssrc)
    }, "there is no marker, because no silence is left out"
    assert [number for _, _, number, _, _ in heads] == list(range(heads[0][2], heads[0][2] + 10))
    assert [stamp for *_, stamp, _ in heads] == [unit.ticks & 0xFFFFFFFF for unit in units]
    assert [one[RTP_HEADER.size :] for one in packets] == [unit.payloads[0] for unit in units]


def test_a_camera_that_changes_to_an_encoding_that_was_not_offered_is_explained() -> None:
    session = SoundSession(SoundStream("gate"), {"PCMA": 8}, None)
    session.begin(Plain())
    (other,) = [read_sound(one, "gate") for one in fragments("pcm_mulaw", 1)]
    assert session.packets(other) == []
    assert "camera gate sends its sound as PCMU" in str(session.problem)
    (own,) = [read_sound(one, "gate") for one in fragments("pcm_alaw", 1)]
    assert len(session.packets(own)) == 1
    assert session.problem is None


def test_reports_give_the_wall_time_by_which_players_keep_sound_and_picture_in_step() -> None:
    session = SoundSession(SoundStream("gate"), {"PCMA": 8}, None)
    units = [read_sound(one, "gate") for one in fragments("pcm_alaw")]
    assert session.report(units[0], 0.0) is None
    session.begin(Plain())
    session.packets(units[0])
    data = session.report(units[0], 5.0)
    assert data is not None
    report = RtcpPacket.parse(data)[0]
    assert isinstance(report, RtcpSrPacket)
    info = report.sender_info
    assert (report.ssrc, info.ntp_timestamp) == (session.ssrc, ntp_of(units[0].wall_ns))
    assert info.rtp_timestamp == units[0].ticks & 0xFFFFFFFF
    assert (info.packet_count, info.octet_count) == (1, 160)
    assert session.report(units[1], 5.9) is None
    assert session.report(units[1], 6.0) is not None


@pytest.mark.parametrize(
    ("stream", "offer", "sentence"),
    [
        (stream_of("aac"), OFFER, "as AAC.*only G.711 by WebRTC.*choose G.711 in the settings"),
        (stream_of("pcm_alaw", clock_hz=16_000), OFFER, "16000 Hz.*change the audio settings"),
        (stream_of("pcm_alaw", channels=2), OFFER, "2 channels"),
        (stream_of("pcm_alaw"), ONLY_PCMU, "as PCMA.*offer does not have.*audio that receives"),
        (stream_of("pcm_alaw"), NO_SOUND, "as G.711.*offer does not have"),
    ],
)
def test_sound_that_a_viewer_cannot_hear_is_explained(
    stream: SoundStream, offer: object, sentence: str
) -> None:
    session = asyncio.run(opened_sound(stream, offer, "gate"))  # type: ignore[arg-type]
    assert not session.is_accepted
    with pytest.raises(SourceUnsupported, match=sentence):
        raise session.problem or AssertionError("there is no problem")


def test_sound_is_accepted_as_soon_as_its_encoding_is_known() -> None:
    async def work() -> SoundSession:
        stream = SoundStream("gate")
        opening = asyncio.create_task(opened_sound(stream, OFFER, "gate"))
        await asyncio.sleep(0)
        stream.feed(LiveWriter().records(fragments("pcm_mulaw")))
        return await opening

    session = asyncio.run(work())
    assert (session.is_accepted, session.problem) == (True, None)


def test_a_camera_that_sends_no_sound_does_not_keep_the_viewer_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sound_session, "SOUND_WITHIN_S", 0.0)
    session = asyncio.run(opened_sound(SoundStream("gate"), OFFER, "gate"))
    assert isinstance(session.problem, SourceTimeout)
    assert session.is_accepted, "it may send sound later"
    session.begin(Plain())
    (unit,) = [read_sound(one, "gate") for one in fragments("pcm_alaw", 1)]
    assert len(session.packets(unit)) == 1
    assert session.problem is None


def test_the_end_of_the_sound_is_a_problem_of_its_listeners_until_it_returns() -> None:
    stream = stream_of("pcm_alaw")
    heard: list[SoundUnit | None] = []
    stream.listen(heard.append)
    session = asyncio.run(opened_sound(stream, OFFER, "gate"))
    stream.feed(error_record(NotFound("camera gate sends no sound")))
    assert heard == [None]
    assert str(session.problem) == "camera gate sends no sound"
    stream.feed(LiveWriter().records(fragments("pcm_alaw", 2)))
    assert [unit is None for unit in heard] == [True, False, False]
    assert session.problem is None
    stream.ignore(heard.append)


def test_sound_that_cannot_be_sent_does_not_end_the_stream() -> None:
    stream = stream_of("pcm_alaw")
    heard: list[SoundUnit | None] = []
    stream.listen(heard.append)
    first = fragments("pcm_alaw", 1)[0]
    writer = LiveWriter()
    stream.feed(writer.records([first, replace(first, data=b"")]))
    assert "is empty" in str(stream.error)
    stream.feed(writer.records([replace(first, data=b""), *fragments("pcm_alaw", 2)]))
    assert stream.error is None
    assert [unit is None for unit in heard] == [False, True, False, False]
