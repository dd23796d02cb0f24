"""Session descriptions of cameras."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.packets.sdp import Audio, Video, control_url, first_audio, first_video

SPS, PPS = b"\x67\x64\x00\x28\xac", b"\x68\xeb\xe3\xcb"
SETS = f"{b64encode(SPS).decode()},{b64encode(PPS).decode()}"
H264 = f"""v=0
o=- 1 1 IN IP4 192.0.2.1
s=x
a=control:*
m=audio 0 RTP/AVP 8
a=control:trackID=2
m=video 0 RTP/AVP 96
a=rtpmap:97 H265/1000
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1; profile-level-id=640028; sprop-parameter-sets={SETS}
a=control:trackID=1
"""
HEVC = f"""v=0
m=video 0 RTP/AVP 98
a=rtpmap:98 H265/90000
a=fmtp:98 sprop-vps={b64encode(b"vps").decode()}; sprop-sps={b64encode(b"sps").decode()};sprop-pps={b64encode(b"pps").decode()}
"""  # noqa: E501


def video(text: str) -> Video:
    found = first_video(text)
    assert found is not None
    return found


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_h264_and_where_to_ask_for_it(end: str) -> None:
    assert video(H264.replace("\n", end)) == Video(
        "h264", 96, 90_000, (SPS, PPS), True, "trackID=1", "*"
    )


def test_hevc_and_its_sets() -> None:
    assert video(HEVC) == Video("hevc", 98, 90_000, (b"vps", b"sps", b"pps"), True, "", "")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("packetization-mode=1", "packetization-mode=2"),
        ("video 0 RTP/AVP", "video 0 RTP/SAVP"),
        ("90000\na=fmtp", "90000\na=x"),
    ],
)
def test_other_packetisations_are_recognised(was: str, now: str) -> None:
    assert video(H264.replace(was, now)).is_plain == ("fmtp" in was)


def test_reordered_hevc_is_recognised() -> None:
    assert not video(HEVC.replace("sprop-vps", "sprop-max-don-diff=2;sprop-vps")).is_plain


def test_sets_with_start_codes_and_broken_ones_are_made_good() -> None:
    with_code = b64encode(b"\0\0\0\1" + SPS).decode().rstrip("=")
    assert video(H264.replace(SETS, f"{with_code},!?,")).sets == (SPS,)


def test_other_encodings_keep_their_names() -> None:
    assert video("m=video 0 RTP/AVP 26\n").codec == "payload type 26"
    assert video("m=video 0 RTP/AVP 26\na=rtpmap:26 JPEG/90000").codec == "jpeg"
    assert first_video("v=0\nm=audio 0 RTP/AVP 0\n") is None


@pytest.mark.parametrize(
    ("base", "control", "url"),
    [
        ("rtsp://h/a", "", "rtsp://h/a"),
        ("rtsp://h/a", "*", "rtsp://h/a"),
        ("rtsp://h/a/", "track1", "rtsp://h/a/track1"),
        ("rtsp://h/a", "track1", "rtsp://h/a/track1"),
        ("rtsp://h/a?channel=1&subtype=0", "trackID=0", "rtsp://h/a?channel=1&subtype=0/trackID=0"),
        ("rtsp://h/a", "rtsp://other/b", "rtsp://other/b"),
    ],
)
def test_controls_become_urls(base: str, control: str, url: str) -> None:
    assert control_url(base, control) == url


@given(
    st.lists(
        st.sampled_from(
            [
                "m=video ",
                "0 RTP/AVP 96",
                "\n",
                "a=rtpmap:96 ",
                "H264/",
                "a=fmtp:96 ",
                "sprop-sps=",
                "=",
                ";",
                ",",
            ]
        )
        | st.text()
    )
)
def test_no_text_is_an_error(pieces: list[str]) -> None:
    found = first_video("".join(pieces))
    assert found is None or found.clock_hz > 0


AAC = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/2\r\na=control:trackID=2\r\n"
HBR = (
    "a=fmtp:97 "
    "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1410\r\n"
)


def test_sound_that_is_kept() -> None:
    assert first_audio(AAC + HBR) == Audio("aac", 97, 16_000, 2, b"\x14\x10", True, "trackID=2")
    assert first_audio("m=audio 0 RTP/AVP 8\r\na=control:a\r\n") == Audio(
        "pcm_alaw", 8, 8000, 1, b"", True, "a"
    )
    assert first_audio("m=audio 0 RTP/AVP 98\na=rtpmap:98 PCMU/16000\n") == Audio(
        "pcm_mulaw", 98, 16_000, 1, b"", True, ""
    )
    assert first_audio("m=video 0 RTP/AVP 96\r\n") is None


@pytest.mark.parametrize(
    "text",
    [
        AAC,
        AAC + HBR.replace("1410", "xyz"),
        AAC + HBR.replace("=13", "=6"),
        (AAC + HBR).replace("RTP/AVP", "RTP/SAVP"),
        "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 opus/48000/2\r\n",
        "m=audio 0 RTP/AVP x\r\n",
    ],
)
def test_sound_that_is_not_kept(text: str) -> None:
    sound = first_audio(text)
    assert sound is not None
    assert not sound.is_supported
