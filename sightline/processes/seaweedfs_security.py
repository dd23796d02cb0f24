"""Protects the embedded SeaweedFS from other users of the machine, by certificates and tokens.

Loopback is open to every local user. All gRPC ports and the master's HTTP port therefore require a
client certificate of the instance's own authority. The volume server and the filer require signed
tokens, which only the master and the S3 server can create.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from domain.clock import Clock
from domain.errors import SightlineError
from sightline.processes.private_files import write_atomically
from sightline.processes.server_certificates import CertificateFiles, ensure_certificates

_GRPC_COMPONENTS = ("master", "volume", "filer", "s3", "client")
_TOKENS = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
"""Each has a key of its own: with a shared key, a token for reading would also allow writing."""
_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class SeaweedfsSecurity:
    """`folder` holds `security.toml` and the certificates it names; SeaweedFS' `-config_dir`."""

    folder: Path
    signing_key: str

    @property
    def files(self) -> CertificateFiles:
        return CertificateFiles(self.folder)

    def prepare(self, clock: Clock) -> None:
        """Write all files. To be called before each start of the server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        ensure_certificates(self.files, clock)
        write_atomically(self.folder / "security.toml", self._toml())

    def client_context(self) -> ssl.SSLContext:
        """For connections of our own to SeaweedFS' TLS ports."""
        context = ssl.create_default_context(cafile=self.files.authority)
        context.load_cert_chain(self.files.identity)
        return context

    def check_refusal(self, grpc_port: int) -> None:
        """Raise SightlineError where the port serves a client that has no certificate.

        SeaweedFS starts without TLS where it cannot read its certificates, and only logs it.
        """
        if not self._refuses_without_certificate(grpc_port):
            raise SightlineError(
                "SeaweedFS accepts connections without a certificate on port "
                "{grpc_port}; delete {folder} and start again, so that its "
                "certificates are made again",
                grpc_port=grpc_port,
                folder=self.folder,
            )

    def _refuses_without_certificate(self, grpc_port: int) -> bool:
        """With TLS 1.3 the server reports a missing certificate only after the handshake."""
        context = ssl.create_default_context(cafile=self.files.authority)
        context.set_alpn_protocols(["h2"])
        address = ("127.0.0.1", grpc_port)
        with socket.create_connection(address, _TIMEOUT_S) as connection:
            try:
                with context.wrap_socket(connection, server_hostname="127.0.0.1") as wrapped:
                    wrapped.recv(1)
            except ssl.SSLError as error:
                return "CERTIFICATE_REQUIRED" in (error.reason or "")
        return False

    def _toml(self) -> str:
        """TOML's basic strings have JSON's escapes, so that any path can be spelled."""
        sections = [f"[{name}]\nkey = {_quoted(self._derived_key(name))}" for name in _TOKENS]
        sections.append(f"[grpc]\nca = {_quoted(self.files.authority)}")
        sections += [f"[grpc.{name}]\n{self._identity()}" for name in _GRPC_COMPONENTS]
        authority = f"ca = {_quoted(self.files.authority)}"
        sections.append(f"[https.master]\n{self._identity()}\n{authority}")
        return "\n\n".join(sections) + "\n"

    def _identity(self) -> str:
        return f"cert = {_quoted(self.files.identity)}\nkey = {_quoted(self.files.identity)}"

    def _derived_key(self, purpose: str) -> str:
        return hmac.new(self.signing_key.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _quoted(value: str | Path) -> str:
    return json.dumps(str(value), ensure_ascii=False)
