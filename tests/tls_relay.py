"""A server that ends TLS and passes the bytes on: it puts TLS before a server that has none."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from socket import SHUT_RDWR, create_connection, create_server, socket

from domain.clock import SystemClock
from sightline.processes.certificates import (
    SERVER,
    CertificateRequest,
    CertifiedKey,
    certificate_pem,
    issue,
    make_authority,
    wall_time,
)

_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class TlsFiles:
    """Files of one authority: its certificate, and a server's key with its certificate."""

    authority: Path
    server: Path
    certified: CertifiedKey


def make_files(folder: Path, *names: str) -> TlsFiles:
    """A new authority and a server certificate of it for `names`."""
    folder.mkdir(parents=True, exist_ok=True)
    now = wall_time(SystemClock())
    root = make_authority(CertificateRequest("an authority of the tests", _YEAR), now)
    server = issue(root, CertificateRequest("a server", _YEAR, names, (SERVER,)), now)
    files = TlsFiles(folder / "authority.pem", folder / "server.pem", server)
    files.authority.write_text(certificate_pem(root.certificate))
    files.server.write_text(server.pem())
    return files


@contextmanager
def tls_relay(port: int, certificate: Path) -> Iterator[int]:
    """Speak TLS with the key and certificate in a file, for the server at `port`; the new port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, context, port), daemon=True).start()
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
        back = threading.Thread(target=copy_bytes, args=(inner, outer), daemon=True)
        back.start()
        copy_bytes(outer, inner)
        back.join()
        outer.close()


def copy_bytes(source: socket, target: socket) -> None:
    """Copy until `source` ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(SHUT_RDWR)
