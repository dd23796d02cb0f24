"""Offers of players, and answers that they accept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from api.webrtc.protocols.dtls import Fingerprint
from api.webrtc.sdp import (
    SEND_TIME_URI,
    IceCredentials,
    SdpAnswer,
    read_ice_fragment,
    read_offer,
    write_answer,
)
from domain.errors import BadInput

FINGERPRINT = ":".join(["AB"] * 32)
CHROMIUM = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=extmap-allow-mixed
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 0
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:8hhY
a=ice-pwd:asd88fgpdd777uzjYhagZg
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:0
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:0 PCMU/8000
m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 106 108 39
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:8hhY
a=ice-pwd:asd88fgpdd777uzjYhagZg
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:1
a=extmap:1 urn:ietf:params:rtp-hdrext:toffset
a=recvonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=rtcp-fb:102 goog-remb
a=rtcp-fb:102 transport-cc
a=rtcp-fb:102 ccm fir
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:106 H264/90000
a=rtcp-fb:106 nack
a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:108 H264/90000
a=rtcp-fb:108 nack
a=rtcp-fb:108 nack pli
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:39 H264/90000
a=fmtp:39 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:8hhY
a=ice-pwd:asd88fgpdd777uzjYhagZg
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:2
a=sctp-port:5000
""".replace("\n", "\r\n")
ANSWER = SdpAnswer(
    IceCredentials("name", "p" * 32),
    Fingerprint("sha-256", FINGERPRINT),
    ("192.0.2.7", "2001:db8::7"),
    41_000,
    77,
    "gate",
)


def test_what_is_used_of_an_offer() -> None:
    offer = read_offer(CHROMIUM)
    assert [section.kind for section in offer.sections] == ["audio", "video", "application"]
    assert (offer.video, offer.payload_type, offer.profile) == (1, 108, "42e01f")
    assert offer.feedback == ("nack", "nack pli")
    assert offer.fingerprint == Fingerprint("sha-256", FINGERPRINT)
    assert offer.ice_name == "8hhY"


def test_the_answer_accepts_one_section_and_one_payload_type() -> None:
    text = write_answer(read_offer(CHROMIUM), ANSWER)
    answer = SessionDescription.parse(text)
    audio, video, data = answer.media
    assert (audio.port, audio.direction, audio.rtp.muxId) == (0, "inactive", "0")
    assert (data.port, data.rtp.muxId) == (0, "2")
    assert (video.direction, video.rtcp_mux, video.fmt) == ("sendonly", True, [108])
    assert video.dtls is not None
    assert (video.dtls.role, video.dtls.fingerprints[0].value) == ("server", FINGERPRINT)
    assert video.ice is not None
    assert (video.ice.iceLite, video.ice.usernameFragment) == (True, "name")
    assert [(one.ip, one.port) for one in video.ice_candidates] == [
        ("192.0.2.7", 41_000),
        ("2001:db8::7", 41_000),
    ]
    assert video.ice_candidates_complete
    assert str(answer.group[0]) == "BUNDLE 1"
    (codec,) = video.rtp.codecs
    assert codec.parameters["packetization-mode"] in (1, "1")


SEND_TIME = f"a=extmap:4 {SEND_TIME_URI}\r\n"
REMB = "a=rtcp-fb:108 goog-remb\r\n"
ESTIMATING = CHROMIUM.replace(
    "a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize",
    f"{SEND_TIME}a=recvonly\r\na=rtcp-mux\r\n{REMB}a=rtcp-rsize",
)


def test_a_viewer_that_estimates_its_path_is_sent_the_times_of_its_packets() -> None:
    assert read_offer(ESTIMATING).send_time_id == 4
    answer = SessionDescription.parse(write_answer(read_offer(ESTIMATING), ANSWER))
    video = answer.media[1]
    assert [(one.id, one.uri) for one in video.rtp.headerExtensions] == [(4, SEND_TIME_URI)]
    assert "goog-remb" in [one.type for one in video.rtp.codecs[0].rtcpFeedback]


@pytest.mark.parametrize(
    ("old", "new"),
    [(SEND_TIME, ""), (REMB, ""), ("extmap:4", "extmap:15"), ("108 goog", "102 goog")],
)
def test_without_both_parts_of_an_estimate_the_answer_has_none(old: str, new: str) -> None:
    offer = read_offer(ESTIMATING.replace(old, new))
    assert offer.send_time_id is None
    text = write_answer(offer, ANSWER)
    assert "goog-remb" not in text
    assert "extmap" not in text


@pytest.mark.parametrize(
    ("old", "new", "types"),
    [
        ("", "", {"PCMU": 0}),
        ("SAVPF 111 0", "SAVPF 111 8 0", {"PCMA": 8, "PCMU": 0}),
        ("a=rtpmap:0 PCMU/8000\r\n", "", {"PCMU": 0}),
        ("a=rtpmap:0 PCMU/8000", "a=rtpmap:0 PCMA/8000", {"PCMA": 0}),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 pcma/8000", {"PCMA": 111, "PCMU": 0}),
        ("a=rtpmap:0 PCMU/8000", "a=rtpmap:0 PCMU/16000", {}),
        ("SAVPF 111 0", "SAVPF 111", {}),
        ("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 1 2", {}),
        ("a=mid:0\r\na=recvonly", "a=mid:0\r\na=sendonly", {}),
        ("m=audio", "m=text", {}),
    ],
)
def test_sound_needs_g711_in_a_section_that_receives_over_the_transport_of_the_video(
    old: str, new: str, types: dict[str, int]
) -> None:
    offer = read_offer(CHROMIUM.replace(old, new) if old else CHROMIUM)
    assert dict(offer.sound_types) == types
    assert offer.sound == (0 if types else None)


def test_the_answer_accepts_the_sound_of_a_viewer_who_is_sent_it() -> None:
    offer = read_offer(CHROMIUM.replace("SAVPF 111 0", "SAVPF 111 8 0"))
    answer = SessionDescription.parse(write_answer(offer, replace(ANSWER, sound_ssrc=99)))
    audio, video, data = answer.media
    assert (audio.port, audio.direction, audio.rtcp_mux) == (9, "sendonly", True)
    assert audio.fmt == [8, 0]
    assert [(one.payloadType, one.name) for one in audio.rtp.codecs] == [(8, "PCMA"), (0, "PCMU")]
    assert [(one.ssrc, one.cname) for one in audio.ssrc] == [(99, "sightline")]
    assert [(one.ssrc, one.cname) for one in video.ssrc] == [(77, "sightline")]
    assert (audio.msid, video.msid) == ("gate sound", "gate video"), "they have one stream"
    assert str(answer.group[0]) == "BUNDLE 0 1"
    assert audio.ice is not None
    assert video.ice is not None
    assert audio.ice.usernameFragment == video.ice.usernameFragment
    assert data.port == 0


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("v=0", "x=0", "does not begin with v=0"),
        ("a=recvonly", "a=sendonly", "no section of video that receives"),
        ("packetization-mode=1", "packetization-mode=0", "packetization-mode=1"),
        ("a=fingerprint:sha-256", "a=fingerprint:md5", "no a=fingerprint"),
        ("a=setup:actpass", "a=setup:passive", "a=setup:actpass or a=setup:active"),
        ("a=rtcp-mux\r\n", "", "a=rtcp-mux"),
        ("a=rtpmap:102 H264/90000", "a=rtpmap:999 H264/90000", "cannot be read"),
        ("profile-level-id=42e01f", "profile-level-id=42e0;x", "six hexadecimal digits"),
        ("m=video", "m=vid\u00e9o", "no token"),
        ("s=-", "s=-" + "\r\na=x" * 601, "more than 600 lines"),
        ("s=-", "s=-" + "\ra=x" * 601, "more than 600 lines"),
        ("s=-", "s=-" + "\r\nm=audio 9 RTP/AVP 0" * 17, "1 to 16 media sections"),
        (FINGERPRINT, FINGERPRINT.replace("AB", "\u00c4B"), "no a=fingerprint"),
    ],
)
def test_an_offer_that_cannot_be_answered_is_refused_with_a_sentence(
    old: str, new: str, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_offer(CHROMIUM.replace(old, new))


ATTRIBUTES_OF_ALL = f"a=fingerprint:sha-256 {FINGERPRINT}\r\na=setup:actpass\r\n"


def test_attributes_of_the_session_apply_to_its_sections() -> None:
    """Firefox writes the fingerprint once, before the sections."""
    moved = CHROMIUM.replace(ATTRIBUTES_OF_ALL, "").replace(
        "m=audio", f"{ATTRIBUTES_OF_ALL}m=audio"
    )
    assert read_offer(moved) == read_offer(CHROMIUM)


@given(st.data())
def test_damaged_offers_are_refused_or_answered(data: st.DataObject) -> None:
    lines = CHROMIUM.split("\r\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:cut] + data.draw(st.text(st.characters(codec="ascii"), max_size=6))
    try:
        offer = read_offer("\r\n".join(lines))
    except BadInput:
        return
    answer = write_answer(offer, ANSWER)
    assert answer.count("\r\nm=") == len(offer.sections)


def test_a_fragment_with_candidates_only() -> None:
    assert read_ice_fragment("a=mid:0\r\na=candidate:1 1 udp 9 192.0.2.1 9 typ host\r\n") is None


def test_a_fragment_that_restarts_ice() -> None:
    found = read_ice_fragment("a=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\na=mid:0\r\n")
    assert found == IceCredentials("abcd", "efgh")


def test_half_of_the_credentials_is_refused() -> None:
    with pytest.raises(BadInput, match="send both"):
        read_ice_fragment("a=ice-ufrag:abcd\r\n")
