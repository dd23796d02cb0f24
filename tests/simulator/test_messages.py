"""Requests are parsed, and transports are chosen from the offers of clients."""

from __future__ import annotations

import pytest

from simulator.messages import (
    MalformedRequest,
    SimulatorAnswer,
    Transport,
    parse_request,
    parse_transport,
)


@pytest.mark.parametrize(
    ("header", "transport"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=2-3", Transport(channels=(2, 3))),
        ("RTP/AVP/TCP;unicast", Transport(channels=(0, 1))),
        ("RTP/AVP;unicast;client_port=5000-5001", Transport(ports=(5000, 5001))),
        (
            "RTP/AVP;multicast,RTP/AVP/UDP;unicast;client_port=5000-5001",
            Transport(ports=(5000, 5001)),
        ),
        ("RTP/AVP;multicast;client_port=5000-5001", None),
        ("RTP/AVP;unicast;client_port=5000-70000", None),
        ("", None),
    ],
)
def test_transport(header: str, transport: Transport | None) -> None:
    assert parse_transport(header) == transport


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("rtsp://h:554/a/b", "a/b"),
        ("rtsp://h/a/b/track1", "a/b"),
        ("rtsp://h/a/b/?x=1", "a/b"),
        ("rtsp://u:p@h/a/", "a"),
        ("*", "*"),
    ],
)
def test_path(url: str, path: str) -> None:
    request = parse_request(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 3\r\nX:  y ".encode())
    assert (request.method, request.path, request.header("CSEQ"), request.header("x")) == (
        "DESCRIBE",
        path,
        "3",
        "y",
    )


@pytest.mark.parametrize("text", [b"", b"GET / HTTP/1.1", b"\xff\xfe", b"PLAY RTSP/1.0"])
def test_what_is_no_request_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_request(text)


def test_answer() -> None:
    assert (
        SimulatorAnswer(404).encoded("7")
        == b"RTSP/1.0 404 Not Found\r\nCSeq: 7\r\nServer: Sightline simulator\r\n\r\n"
    )
    assert SimulatorAnswer(200, body="x").encoded("8").endswith(b"Content-Length: 1\r\n\r\nx")
