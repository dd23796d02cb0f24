"""RTSP over TLS: the camera's certificate is verified before libavformat gets the password."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from socket import create_connection, create_server, socket
from threading import Thread

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from domain.camera_states import Why
from domain.errors import SourceTimeout, SourceUnreachable
from domain.messages.message import NO_MESSAGE, Message
from domain.settings import Settings
from ingest.rtsp.source import RtspSource
from simulator import SimCamera, Simulator, Stall
from tests.ingest.conftest import (
    NETWORKS,
    NEVER_S,
    Pull,
    Puller,
    assert_silence_ends_at_the_timeout,
    make_camera,
)
from tests.tls_relay import TlsFiles, copy_bytes, make_files, tls_relay


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return make_files(tmp_path_factory.mktemp("tls"), "127.0.0.1", "camera.example")


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """Another authority and a certificate of it under another name."""
    return make_files(tmp_path_factory.mktemp("other"), "camera.example")


@pytest.fixture
def sim_port(clips: dict[str, Path]) -> Iterator[int]:
    """A simulator in which `gate` plays once and `silent` sends ten packets."""
    stalling = SimCamera("silent", clips["h264"], mode="on_play", faults=(Stall(0.39, NEVER_S),))
    playing = SimCamera("gate", clips["h264"], mode="on_play", loop=False)
    with Simulator([playing, stalling]) as sim:
        yield sim.port


@pytest.fixture
def tls_port(files: TlsFiles, sim_port: int) -> Iterator[int]:
    with tls_relay(sim_port, files.server) as port:
        yield port


def _fingerprint(files: TlsFiles) -> str:
    return sha256(files.certified.certificate.public_bytes(Encoding.DER)).hexdigest()


def _source(
    url: str, tls: dict[str, str] | None, ca_file: Path | None = None, timeout_s: float = 5.0
) -> RtspSource:
    """A source with this `tls` in its registry entry, on a site with this authority."""
    camera = make_camera(url)
    entry = camera.model_dump(by_alias=True) | {"tls": tls}
    changes = {"rtsps_ca": ca_file, "source_timeout_s": timeout_s}
    settings = Settings().model_copy(update=changes)
    return RtspSource(type(camera).model_validate(entry), None, NETWORKS, settings)


def _played(got: Pull) -> int:
    """The packets of a connection that the camera ended."""
    assert isinstance(got.error, SourceUnreachable)
    assert got.error.why is Why.ENDED
    return len(got.packets)


def _refused(got: Pull) -> str:
    assert got.packets == []
    assert isinstance(got.error, SourceUnreachable)
    assert got.error.why is Why.CERTIFICATE
    reason = got.error.message.parts.get("reason", NO_MESSAGE)
    assert isinstance(reason, Message), "it can be translated"
    return str(got.error)


def test_a_camera_is_trusted_by_its_authority(
    tls_port: int, files: TlsFiles, others: TlsFiles, pull: Puller
) -> None:
    url = f"rtsps://127.0.0.1:{tls_port}/gate"
    assert _played(pull(_source(url, {"ca": str(files.authority)}))) == 50
    assert _played(pull(_source(url, None, files.authority))) == 50
    for source in (_source(url, {"ca": str(others.authority)}), _source(url, None)):
        assert _fingerprint(files) in _refused(pull(source))
    missing = _source(url, {"ca": "/nowhere/authority.pem"})
    assert "cannot be read on this node" in _refused(pull(missing))


def test_a_camera_is_trusted_by_its_fingerprint(
    tls_port: int, files: TlsFiles, others: TlsFiles, pull: Puller
) -> None:
    url = f"rtsps://127.0.0.1:{tls_port}/gate"
    assert _played(pull(_source(url, {"sha256": _fingerprint(files)}))) == 50
    refused = _refused(pull(_source(url, {"sha256": _fingerprint(others)}, files.authority)))
    assert _fingerprint(files) in refused
    assert "it is not the one in the registry" in refused


def test_a_fingerprint_needs_no_name(sim_port: int, others: TlsFiles, pull: Puller) -> None:
    with tls_relay(sim_port, others.server) as port:
        url = f"rtsps://127.0.0.1:{port}/gate"
        assert _played(pull(_source(url, {"sha256": _fingerprint(others)}))) == 50
        refused = _refused(pull(_source(url, {"ca": str(others.authority)})))
        assert "IP address mismatch" in refused


@pytest.mark.parametrize("proof", ["ca", "sha256"])
def test_another_certificate_on_the_second_connection_is_refused(
    proof: str, sim_port: int, files: TlsFiles, tmp_path: Path, pull: Puller
) -> None:
    """The certificate is verified on one connection, and libavformat opens another one."""
    same_name = make_files(tmp_path / "attacker", "127.0.0.1", "camera.example")
    tls = {"ca": str(files.authority)} if proof == "ca" else {"sha256": _fingerprint(files)}
    with (
        tls_relay(sim_port, files.server) as genuine,
        tls_relay(sim_port, same_name.server) as attacker,
        create_server(("127.0.0.1", 0)) as switch,
    ):
        ports: list[int] = []
        Thread(target=_switch, args=(switch, [genuine, attacker], ports), daemon=True).start()
        got = pull(_source(f"rtsps://127.0.0.1:{switch.getsockname()[1]}/gate", tls))
        assert ports == [genuine, attacker]
    assert got.packets == []
    assert isinstance(got.error, SourceUnreachable)


def _switch(server: socket, targets: list[int], used: list[int]) -> None:
    """Connect each further client with the next target."""
    for target in targets:
        client, _ = server.accept()
        used.append(target)
        inner = create_connection(("127.0.0.1", target))
        Thread(target=_relay, args=(client, inner), daemon=True).start()


def _relay(client: socket, inner: socket) -> None:
    with client, inner:
        back = Thread(target=copy_bytes, args=(inner, client), daemon=True)
        back.start()
        copy_bytes(client, inner)
        back.join()


def test_a_server_without_tls_is_named(pull: Puller) -> None:
    with create_server(("127.0.0.1", 0)) as plain:
        Thread(target=_answer_in_clear, args=(plain,), daemon=True).start()
        url = f"rtsps://127.0.0.1:{plain.getsockname()[1]}/gate"
        got = pull(_source(url, {"sha256": "0" * 64}))
    assert isinstance(got.error, SourceUnreachable)
    assert got.error.why is Why.TLS


def _answer_in_clear(server: socket) -> None:
    client, _ = server.accept()
    with client:
        client.recv(8192)
        client.sendall(b"RTSP/1.0 400 Bad Request\r\n\r\n")


def test_a_handshake_without_an_answer_ends_at_the_timeout(pull: Puller) -> None:
    with create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsps://127.0.0.1:{silent.getsockname()[1]}/gate"
        got = pull(_source(url, None, timeout_s=0.5))
    assert isinstance(got.error, SourceTimeout)
    assert got.error.why is Why.TLS


def test_silence_over_tls_ends_at_the_timeout(tls_port: int, files: TlsFiles) -> None:
    url = f"rtsps://127.0.0.1:{tls_port}/silent"
    source = _source(url, {"ca": str(files.authority)}, timeout_s=NEVER_S)
    got = assert_silence_ends_at_the_timeout(source, lambda: 10)
    assert isinstance(got.error, SourceTimeout)
