"""A camera that sends what cannot be used is never called silent: what it sends instead is said."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable

import pytest

from domain.camera_states import Why
from domain.errors import SourceError
from tests.ingest.conftest import MakeSource, Puller
from tests.ingest.damaged_camera import SDP_WITH_SOUND, DamagedCamera, Say, rtp

TIMEOUT_S = 1.5
EVERY_S = 0.05


def again_and_again(packet: Callable[[int], bytes]) -> Callable[[Say], None]:
    """Media that goes on until the reader hangs up."""

    def play(say: Say) -> None:
        pause = threading.Event()
        for number in range(1000):
            say(packet(number))
            pause.wait(EVERY_S)

    return play


def noise(number: int) -> bytes:
    return bytes(random.Random(number).choices(b"abcdefgh\r\n", k=500))


CUT_OFF_FRAGMENT = b"\x7c\x05" + bytes(100)
"""The middle of a fragmented slice (RFC 6184, 5.8), whose beginning and end never come."""
RECEIVER_REPORT = b"\x80\xc9\x00\x01\x00\x00\x00\x07"


def framed(packet: bytes, channel: int) -> bytes:
    return bytes([0x24, channel, 0, len(packet)]) + packet


def too_long(number: str) -> bytes:
    return f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nContent-Length: 10000000\r\n\r\nv=0".encode()


def without_end(number: str) -> bytes:
    return f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nX: ".encode() + b"x" * 5000


def a_long_head(number: str) -> bytes:
    return f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nX: ".encode() + b"x" * 100_000


CAMERAS = {
    "too_long": (DamagedCamera(says={"DESCRIBE": too_long}), Why.MALFORMED, "longer than 64 KiB"),
    "long_head": (DamagedCamera(says={"DESCRIBE": a_long_head}), Why.MALFORMED, "longer than 64"),
    "without_end": (DamagedCamera(says={"OPTIONS": without_end}), Why.MALFORMED, "did not end"),
    "noise_for_answer": (
        DamagedCamera(says={"DESCRIBE": lambda number: noise(1)}),
        Why.MALFORMED,
        "answers with what is not RTSP",
    ),
    "play_unanswered": (
        DamagedCamera(says={"PLAY": lambda number: rtp(CUT_OFF_FRAGMENT, 1) * 3}),
        Why.MALFORMED,
        "sends video, but did not answer",
    ),
    "noise": (DamagedCamera(plays=again_and_again(noise)), Why.MALFORMED, "neither RTSP nor RTP"),
    "another_payload_type": (
        DamagedCamera(plays=again_and_again(lambda number: rtp(b"\x41", number, kind=97))),
        Why.NO_PICTURES,
        "another payload type",
    ),
    "broken_pictures": (
        DamagedCamera(
            plays=again_and_again(
                lambda number: rtp(CUT_OFF_FRAGMENT, 2 * number, stamp=3600 * number)
            )
        ),
        Why.NO_PICTURES,
        "broken pictures and no whole one",
    ),
    "one_stamp_without_end": (
        DamagedCamera(plays=again_and_again(lambda number: rtp(CUT_OFF_FRAGMENT, number))),
        Why.NO_PICTURES,
        "completes a picture",
    ),
    "empty_packets": (
        DamagedCamera(plays=again_and_again(lambda number: rtp(b"", number))),
        Why.NO_PICTURES,
        "completes a picture",
    ),
    "sound_alone": (
        DamagedCamera(
            sdp=SDP_WITH_SOUND,
            plays=again_and_again(
                lambda number: rtp(bytes(160), number, kind=0, stamp=160 * number, channel=2)
            ),
        ),
        Why.SILENT,
        "sound does",
    ),
    "reports_alone": (
        DamagedCamera(plays=again_and_again(lambda number: framed(RECEIVER_REPORT, 1))),
        Why.SILENT,
        "reports (RTCP) do",
    ),
    "nothing": (DamagedCamera(), Why.SILENT, "no video arrived for 1.5 s"),
}


@pytest.mark.parametrize("name", CAMERAS)
def test_what_comes_instead_of_pictures_is_reported(
    name: str, source_of: MakeSource, pull: Puller
) -> None:
    camera, why, sentence = CAMERAS[name]
    with camera.running() as url:
        got = pull(source_of(url, timeout_s=TIMEOUT_S))
    assert isinstance(got.error, SourceError)
    assert sentence in str(got.error)
    assert got.error.why is why


def test_packets_that_a_stalled_camera_left_of_a_picture_are_no_fault_of_theirs(
    source_of: MakeSource, pull: Puller
) -> None:
    """A camera that stops within a picture is silent, though its last packets made no picture."""
    camera = DamagedCamera(plays=lambda say: say(rtp(CUT_OFF_FRAGMENT, 1) * 2))
    with camera.running() as url:
        got = pull(source_of(url, timeout_s=TIMEOUT_S))
    assert str(got.error) == "no video arrived for 1.5 s"


def test_datagrams_from_another_address_are_reported_with_the_remedy(
    source_of: MakeSource, pull: Puller
) -> None:
    """As a camera with two addresses sends them, or one behind address translation."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))

        def send(packet: bytes) -> None:
            stranger.sendto(packet[4:], ("127.0.0.1", 47_020))

        def play(say: Say) -> None:
            again_and_again(lambda number: rtp(b"\x41", number))(send)

        with DamagedCamera(plays=play).running() as url:
            source = source_of(url, "udp", timeout_s=TIMEOUT_S, udp_ports=(47_020, 47_021))
            got = pull(source)
    assert isinstance(got.error, SourceError)
    assert "`transport: tcp`" in str(got.error)
    assert got.error.why is Why.TRANSPORT
