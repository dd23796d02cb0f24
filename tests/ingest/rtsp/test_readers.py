"""Our own reader and that of libavformat on the same streams: the same packets, and the cases that
only one of them handles.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
import pytest
from pydantic import SecretStr

from domain.errors import SourceRejected, SourceUnreachable
from domain.registry import Credentials
from ingest.packets import nal
from ingest.rtsp.auth import Challenge, RtspLogin
from simulator import ConnectionCut, NewPassword, PacketLoss, SimCamera, Simulator
from tests.ingest.conftest import NEVER_S, MakeSource, Puller, pulling, wait_passes
from tests.waiting import PATIENCE_S, wait_for


@pytest.fixture(scope="module")
def streams(clips: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`sliced`: several slices and B-frames a picture, at a size that needs fragments."""
    file = tmp_path_factory.mktemp("streams") / "sliced.mp4"
    random = np.random.default_rng(1)
    with av.open(str(file), "w") as out:
        stream = out.add_stream(
            "libx264",
            rate=25,
            options={"preset": "veryfast", "bf": "2", "g": "20", "x264-params": "slices=4"},
        )
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for _ in range(50):
            out.mux(
                stream.encode(
                    av.VideoFrame.from_ndarray(
                        random.integers(0, 255, (480, 640, 3), np.uint8), "rgb24"
                    )
                )
            )
        out.mux(stream.encode(None))
    return {**clips, "sliced": file}


@pytest.mark.parametrize("name", ["h264", "hevc", "sliced"])
def test_both_readers_give_the_same_packets(
    name: str, streams: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with Simulator([SimCamera("gate", streams[name], mode="on_play", loop=False)]) as sim:
        own, theirs = (
            pull(source_of(sim.url("gate"), transport)).packets
            for transport in ("tcp", "libavformat")
        )
    assert len(own) == len(theirs) == 50
    assert [list(nal.units(packet.data)) for packet in own] == [
        list(nal.units(packet.data)) for packet in theirs
    ]
    assert [packet.is_keyframe for packet in own] == [packet.is_keyframe for packet in theirs]
    for own_packet, other in zip(own, theirs, strict=True):
        assert own_packet.pts - own[0].pts == other.pts - theirs[0].pts
        assert own_packet.dts - own[0].dts == other.dts - theirs[0].dts
        assert own_packet.duration == other.duration
    a, b = own[0].stream, theirs[0].stream
    assert (a.codec, a.width_px, a.height_px, a.time_base) == (
        b.codec,
        b.width_px,
        b.height_px,
        b.time_base,
    )
    assert nal.parameter_sets(name, a.extradata) == nal.parameter_sets(name, b.extradata)


SDP = (
    "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 "
    "packetization-mode={mode}\r\na=control:track1\r\n"
)


class Scripted:
    """A camera that answers by a function of (method, request) and sends nothing else."""

    def __init__(self, answer: Callable[[str, str], str]) -> None:
        self.requests: list[str] = []
        self.connections = self.answers = 0
        self._answer = answer

    @property
    def methods(self) -> list[str]:
        return [request.split(" ")[0] for request in self.requests]

    def serve(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                self.connections += 1
                with connection, suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        while data := connection.recv(8192):
            for request in _requests(data):
                self.requests.append(request)
                number = request.split("CSeq: ")[1].split("\r\n")[0]
                head, _, body = self._answer(request.split(" ")[0], request).partition("\n\n")
                lines = [f"RTSP/1.0 {head}", f"CSeq: {number}", f"Content-Length: {len(body)}"]
                connection.sendall("\r\n".join([*lines, "", body]).encode())
                self.answers += 1


def _requests(data: bytes) -> list[str]:
    """What `data` holds except interleaved packets, which may lie before a request in one read."""
    text = b""
    while data:
        if data.startswith(b"$"):
            data = data[4 + int.from_bytes(data[2:4], "big") :]
            continue
        request, end, data = data.partition(b"\r\n\r\n")
        text += request + end
    return text.decode().split("\r\n\r\n")[:-1]


def test_a_request_behind_a_packet_in_one_read_is_read() -> None:
    packet = b"$\x03\x00\x04\r\n\r\n"
    assert _requests(packet + b"OPTIONS x\r\n\r\n" + packet + b"PLAY x\r\n\r\n") == [
        "OPTIONS x",
        "PLAY x",
    ]


@contextmanager
def camera(answer: Callable[[str, str], str]) -> Iterator[tuple[str, Scripted]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        scripted = Scripted(answer)
        thread = threading.Thread(target=scripted.serve, args=(server,), daemon=True)
        thread.start()
        yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/x?channel=1", scripted
        server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)


def plays(
    mode: int = 1,
    transport: str = "RTP/AVP/TCP;interleaved=2-3",
    timeout: int = 60,
    public: str = "DESCRIBE, GET_PARAMETER",
) -> Callable[[str, str], str]:
    def answer(method: str, request: str) -> str:
        if method == "DESCRIBE":
            return "200 OK\n\n" + SDP.format(mode=mode)
        if method == "SETUP":
            return f"200 OK\r\nTransport: {transport}\r\nSession: abc;timeout={timeout}"
        return f"200 OK\r\nPublic: {public}"

    return answer


def test_what_is_packed_in_another_way_is_left_to_libavformat(
    source_of: MakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.INFO),
        camera(plays(mode=2)) as (url, scripted),
        pulling(source_of(url)) as pull,
    ):
        wait_for("play request of libavformat", lambda: "PLAY" in scripted.methods)
    assert pull.got.packets == []
    assert "libavformat reads this camera" in caplog.text
    assert scripted.connections >= 2


@pytest.mark.parametrize(
    ("public", "method"), [("DESCRIBE, GET_PARAMETER", "GET_PARAMETER"), ("DESCRIBE", "OPTIONS")]
)
def test_a_session_is_kept_alive_and_ended_in_order(
    public: str, method: str, source_of: MakeSource
) -> None:
    """Of the session's 600 s one half passes, then the half hour that the source waits for
    pictures.
    """
    begin = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    with camera(plays(timeout=600, public=public)) as (url, scripted):
        with pulling(source_of(url)) as pull:
            wait_for("answer to the play request", lambda: scripted.answers == len(begin))
            wait_passes(pull.loop)
            pull.clock.advance(310)
            wait_for("request that keeps the session", lambda: scripted.methods == [*begin, method])
            pull.clock.advance(NEVER_S)
            pull.wait_end()
        wait_for("goodbye", lambda: scripted.methods[-1] == "TEARDOWN")
    assert "no video arrived" in str(pull.got.error)
    assert scripted.requests[2].startswith("SETUP " + url + "/track1 RTSP/1.0")
    assert all("Session: abc" in request for request in scripted.requests[3:])


def test_a_session_that_the_camera_gave_up_is_an_end(source_of: MakeSource, pull: Puller) -> None:
    usual = plays(timeout=2)
    with camera(
        lambda method, request: "454 Gone" if method == "GET_PARAMETER" else usual(method, request)
    ) as (url, _):
        got = pull(source_of(url))
    assert "gave up the session" in str(got.error)


@pytest.mark.parametrize("transport", ["RTP/AVP;unicast;client_port=1-2", ""])
def test_a_camera_without_tcp_says_what_to_do(
    transport: str, source_of: MakeSource, pull: Puller
) -> None:
    with camera(plays(transport=transport)) as (url, _):
        got = pull(source_of(url))
    assert isinstance(got.error, SourceUnreachable)
    assert "transport: udp" in str(got.error)


CHALLENGE = 'Digest realm="r", nonce="{nonce}", qop="auth", algorithm=SHA-256'


def test_a_nonce_that_grew_old_is_renewed_and_a_wrong_password_is_tried_once(
    source_of: MakeSource, pull: Puller
) -> None:
    login = Credentials("admin", SecretStr("p"))
    nonces = iter(range(100))

    def answer(method: str, request: str) -> str:
        """The first nonce is too old by the time it is used."""
        challenge = CHALLENGE.format(nonce=next(nonces))
        if "Authorization" not in request:
            return f"401 No\r\nWWW-Authenticate: {challenge}"
        if 'nonce="0"' in request:
            return f"401 No\r\nWWW-Authenticate: {challenge}, stale=true"
        return "404 No"

    with camera(answer) as (url, scripted):
        got = pull(source_of(url, credentials=login))
        assert "404" in str(got.error)
        assert [request.split(" ")[0] for request in scripted.requests] == ["OPTIONS"] * 3 + [
            "DESCRIBE"
        ]
    with camera(
        lambda method, request: "401 No\r\nWWW-Authenticate: " + CHALLENGE.format(nonce="n")
    ) as (url, scripted):
        got = pull(source_of(url, credentials=login))
    assert isinstance(got.error, SourceRejected)
    assert [("Authorization" in request) for request in scripted.requests] == [False, True]
    challenge = Challenge("r", nonce="n", algorithm="SHA-256", has_qop=True)
    field = scripted.requests[1].split('cnonce="')[1].split('"')[0]
    assert RtspLogin(challenge, "admin", "p", field).header("OPTIONS", url) in scripted.requests[1]


@pytest.mark.parametrize("accepts", [True, False])
def test_a_session_is_kept_alive_if_each_request_needs_another_nonce(
    accepts: bool, source_of: MakeSource
) -> None:
    usual, nonces, accepted = plays(timeout=600), iter(range(100)), list[str]()
    newest = ""

    def answer(method: str, request: str) -> str:
        nonlocal newest
        is_first_use = bool(newest) and f'nonce="{newest}"' in request
        newest = "" if is_first_use else f"n{next(nonces)}"
        if is_first_use and (accepts or method != "GET_PARAMETER"):
            accepted.append(method)
            return usual(method, request)
        newest = newest or f"n{next(nonces)}"
        return "401 No\r\nWWW-Authenticate: " + CHALLENGE.format(nonce=newest)

    login = Credentials("admin", SecretStr("p"))
    with camera(answer) as (url, scripted), pulling(source_of(url, credentials=login)) as pull:
        wait_for("answer to the play request", lambda: accepted[-1:] == ["PLAY"])
        wait_for("all answers", lambda: scripted.answers == 8)
        wait_passes(pull.loop)
        pull.clock.advance(310)
        wait_for("answer to the second request", lambda: scripted.answers == 10)
        wait_passes(pull.loop)
        assert scripted.methods[8:] == ["GET_PARAMETER"] * 2
        assert accepted[-1] == ("GET_PARAMETER" if accepts else "PLAY")
        assert not pull.is_over


def test_what_lacks_a_piece_is_dropped_and_what_is_given_is_whole(
    streams: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    lossy = SimCamera(
        "lossy", streams["sliced"], mode="on_play", loop=False, faults=(PacketLoss(0.2, 1.0, 40),)
    )
    with Simulator(
        [SimCamera("gate", streams["sliced"], mode="on_play", loop=False), lossy]
    ) as sim:
        whole = {packet.data for packet in pull(source_of(sim.url("gate"))).packets}
        source = source_of(sim.url("lossy"))
        got = pull(source).packets
    assert source.counts.broken_packets > 0
    assert len(got) + source.counts.broken_packets == 50
    assert {packet.data for packet in got} <= whole


def test_a_new_password_is_asked_for_at_the_next_connection(
    clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    faults = (NewPassword(0.3, "admin", "new"), ConnectionCut(0.8))
    with Simulator(
        [
            SimCamera(
                "gate",
                clips["h264"],
                mode="on_first_play",
                user="admin",
                password="old",
                faults=faults,
            )
        ]
    ) as sim:
        source = source_of(sim.url("gate"), credentials=Credentials("admin", SecretStr("old")))
        first, second = pull(source), pull(source)
    assert len(first.packets) > 15
    assert isinstance(second.error, SourceRejected)
