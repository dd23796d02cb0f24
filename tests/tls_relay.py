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
    relay = _Relay(context, port)
    with create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=relay.accept, args=(server,), daemon=True)
        accepting.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(SHUT_RDWR)
            accepting.join()
            relay.end()


class _Relay:
    """The connections of one relay, each with a thread."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context = context
        self._port = port
        self._accepted: list[socket] = []
        self._inner: list[socket] = []
        self._threads: list[threading.Thread] = []

    def accept(self, server: socket) -> None:
        """Serve connections until `server` is shut down."""
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                self._accepted.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def end(self) -> None:
        """End all connections; a client may keep one open. No further one is accepted."""
        _shut_down(self._accepted)
        # After its handshake, an accepted socket belongs to another object. The connection then
        # ends with its inner socket, which was made before.
        _shut_down(self._inner)
        for thread in self._threads:
            thread.join()

    def _serve(self, connection: socket) -> None:
        with (
            connection,
            suppress(OSError),
            create_connection(("127.0.0.1", self._port)) as inner,
        ):
            self._inner.append(inner)
            outer = self._context.wrap_socket(connection, server_side=True)
            back = threading.Thread(target=copy_bytes, args=(inner, outer), daemon=True)
            back.start()
            copy_bytes(outer, inner)
            back.join()
            outer.close()


def _shut_down(sockets: list[socket]) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(SHUT_RDWR)


def copy_bytes(source: socket, target: socket) -> None:
    """Copy until `source` ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(SHUT_RDWR)
