"""A password leaves without encryption only to loopback, or where the registry accepts it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_network
from threading import Thread

import pytest
from pydantic import SecretStr

from domain.camera_states import CameraState, Why
from domain.errors import SourceRejected
from domain.registry import Credentials, Networks
from domain.settings import Settings
from domain.settings_groups.recording import RtspReader
from ingest.rtsp.source import RtspSource
from tests.ingest.conftest import Puller, make_camera
from tests.ingest.rtsp.test_readers import Scripted

BASIC, DIGEST = 'Basic realm="x"', 'Digest realm="x", nonce="y"'
BEYOND = "0.0.0.0"
"""An address that leads to this machine and is not one of loopback."""
NETWORKS = Networks((ip_network("0.0.0.0/32"), ip_network("127.0.0.0/8")))


Served = tuple[Scripted, int]


@pytest.fixture(params=[(BASIC,), (BASIC, DIGEST)], ids=["basic", "basic and digest"])
def offered(request: pytest.FixtureRequest) -> tuple[str, ...]:
    found: tuple[str, ...] = request.param
    return found


@pytest.fixture
def camera(offered: tuple[str, ...]) -> Iterator[Served]:
    """A camera that wants a login and accepts none."""
    challenges = "\r\n".join(f"WWW-Authenticate: {one}" for one in offered)
    scripted = Scripted(lambda method, request: f"401 Unauthorized\r\n{challenges}")
    with socket.create_server((BEYOND, 0)) as server:
        Thread(target=scripted.serve, args=(server,), daemon=True).start()
        yield scripted, server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _source(host: str, port: int, reader: RtspReader, is_allowed: bool) -> RtspSource:
    entry = make_camera(f"rtsp://{host}:{port}/1").model_dump(by_alias=True)
    camera = type(make_camera("rtsp://h/1")).model_validate(entry | {"basic_in_clear": is_allowed})
    credentials = Credentials("admin", SecretStr("s3cret"))
    return RtspSource(camera, credentials, NETWORKS, Settings(rtsp_reader=reader))


def _logins(scripted: Scripted) -> list[str]:
    return [
        line.split(" ")[1]
        for request in scripted.requests
        for line in request.split("\r\n")
        if line.startswith("Authorization:")
    ]


@pytest.mark.parametrize(
    ("host", "is_allowed", "sends"),
    [(BEYOND, False, False), (BEYOND, True, True), ("127.0.0.1", False, True)],
)
def test_basic_is_sent_in_clear_only_where_it_may_be(
    camera: Served,
    offered: tuple[str, ...],
    host: str,
    is_allowed: bool,
    sends: bool,
    pull: Puller,
) -> None:
    scripted, port = camera
    got = pull(_source(host, port, RtspReader.OWN, is_allowed))
    assert isinstance(got.error, SourceRejected)
    assert got.error.state is CameraState.WRONG_PASSWORD
    if DIGEST in offered:
        assert set(_logins(scripted)) == {"Digest"}
        assert got.error.why is Why.LOGIN
    elif sends:
        assert set(_logins(scripted)) == {"Basic"}
        assert got.error.why is Why.LOGIN
    else:
        assert _logins(scripted) == []
        assert got.error.why is Why.BASIC_IN_CLEAR
        assert "enable digest" in str(got.error)


def test_libavformat_gets_no_password_that_it_could_send_in_clear(
    camera: Served, pull: Puller
) -> None:
    """It answers basic authentication whenever a camera asks for it."""
    scripted, port = camera
    got = pull(_source(BEYOND, port, RtspReader.LIBAVFORMAT, False))
    assert isinstance(got.error, SourceRejected)
    assert got.error.why is Why.BASIC_IN_CLEAR
    assert scripted.requests == []
    pull(_source(BEYOND, port, RtspReader.LIBAVFORMAT, True))
    assert _logins(scripted) != []
