"""RTSP over TLS, from a camera with a certificate that it signed itself."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import SHUT_RDWR, create_connection, create_server, socket
from typing import Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.errors import SourceError, SourceTimeout, SourceUnreachable
from domain.media.packets import Packet
from ingest.rtsp.source import RtspSource
from simulator import SimCamera, Simulator, Stall
from tests.ingest.conftest import NEVER_S, assert_silence_ends_at_the_timeout


class Pulled(Protocol):
    packets: list[Packet]
    error: SourceError | None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    )
    file = tmp_path_factory.mktemp("tls") / "camera.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_pem = key.private_bytes(serialization.Encoding.PEM, *plain)
    file.write_bytes(
        key_pem + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def tls_port(certificate: Path, clips: dict[str, Path]) -> Iterator[int]:
    """A port that speaks TLS for a simulator: `gate` plays once, `silent` sends ten packets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    stalling = SimCamera("silent", clips["h264"], mode="on_play", faults=(Stall(0.39, NEVER_S),))
    playing = SimCamera("gate", clips["h264"], mode="on_play", loop=False)
    with Simulator([playing, stalling]) as sim, create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, context, sim.port), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(SHUT_RDWR)


def _accept(server: socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_serve, args=(connection, context, port), daemon=True).start()


def _serve(connection: socket, context: ssl.SSLContext, port: int) -> None:
    with connection, suppress(OSError), create_connection(("127.0.0.1", port)) as inner:
        outer = context.wrap_socket(connection, server_side=True)
        back = threading.Thread(target=_copy, args=(inner, outer), daemon=True)
        back.start()
        _copy(outer, inner)
        back.join()
        outer.close()


def _copy(source: socket, target: socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(SHUT_RDWR)


def test_packets_come_over_tls(
    tls_port: int, source_of: Callable[..., RtspSource], pull: Callable[..., Pulled]
) -> None:
    got = pull(source_of(f"rtsps://127.0.0.1:{tls_port}/gate"))
    assert len(got.packets) == 50
    assert isinstance(got.error, SourceUnreachable)


def test_silence_over_tls_ends_at_the_timeout(
    tls_port: int, source_of: Callable[..., RtspSource]
) -> None:
    got = assert_silence_ends_at_the_timeout(
        source_of(f"rtsps://127.0.0.1:{tls_port}/silent"), lambda: 10
    )
    assert isinstance(got.error, SourceTimeout)
