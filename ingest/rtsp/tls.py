"""Verifies the certificate of a camera before libavformat gets the password for it.

A camera is trusted by the fingerprint of its certificate, by the authority that its registry entry
names, by that of the site, or else by those of the system. libavformat has no fingerprints, and its
connection is another one. So it gets exactly the certificate that was verified as its only
authority, and accepts no other.
"""

from __future__ import annotations

import select
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from cryptography import x509
from cryptography.x509.oid import NameOID

from domain.camera_states import Why
from domain.clock import NS_PER_S
from domain.errors import SourceTimeout, SourceUnreachable
from domain.messages.message import Message, system_reason
from ingest.rtsp.endpoint import CameraTrust, Pull, connection_to

_SLICE_S = 0.25
_BYTES = 16 << 10


@contextmanager
def verified_options(pull: Pull) -> Iterator[dict[str, str] | None]:
    """libavformat's options that accept the verified certificate of the camera and no other; None
    if `pull.stop` ended the wait.

    Raises SourceTimeout, and SourceUnreachable for a certificate that is not trusted.
    """
    trust = pull.trust
    with connection_to(pull) as own:
        if own is None:
            yield None
            return
        certificate = _verified_certificate(own, pull)
    with tempfile.NamedTemporaryFile("wb", prefix="sightline-camera-", suffix=".pem") as file:
        file.write(ssl.DER_cert_to_PEM_cert(certificate).encode())
        file.flush()
        yield {"tls_verify": "1", "ca_file": file.name, "verifyhost": _name_in(certificate, trust)}


def _verified_certificate(own: socket.socket, pull: Pull) -> bytes:
    """The camera's certificate (DER)."""
    trust = pull.trust
    if not trust.sha256:
        try:
            return _received_certificate(own, _verifying_context(trust), pull)
        except ssl.SSLCertVerificationError as error:
            raise _untrusted(Message.of(error.verify_message, {}), _fingerprint(pull)) from None
    certificate = _received_certificate(own, _unverified_context(), pull)
    found = sha256(certificate).hexdigest()
    if found != trust.sha256:
        raise _untrusted(Message("it is not the one in the registry"), found)
    end = x509.load_der_x509_certificate(certificate).not_valid_after_utc
    if end.timestamp() * NS_PER_S < pull.clock.wall_ns():
        # libavformat refuses it, whatever the registry says.
        raise _untrusted(Message("it expired on {day}", day=f"{end:%Y-%m-%d}"), found)
    return certificate


def _received_certificate(own: socket.socket, context: ssl.SSLContext, pull: Pull) -> bytes:
    """Raises SSLCertVerificationError, SourceTimeout or SourceUnreachable."""
    handshake = _Handshake(own, context, pull)
    try:
        handshake.run()
    except ssl.SSLCertVerificationError:
        raise
    except OSError as error:
        reason = getattr(error, "reason", None) or system_reason(error)
        raise SourceUnreachable(
            "the TLS handshake failed: {reason}", Why.TLS, reason=reason
        ) from None
    return handshake.peer_certificate()


def _fingerprint(pull: Pull) -> str:
    """The SHA-256 of a certificate that was refused, from a further connection without a login."""
    with connection_to(pull) as own:
        if own is None:
            return ""
        return sha256(_received_certificate(own, _unverified_context(), pull)).hexdigest()


def _untrusted(reason: Message, fingerprint: str) -> SourceUnreachable:
    shown = f" (SHA-256 {fingerprint})" if fingerprint else ""
    return SourceUnreachable(
        "the camera's certificate{fingerprint} is not trusted: {reason}; compare "
        "its SHA-256 at the camera and write it into the registry as  tls: "
        "{sha256: …}, or name its authority",
        Why.CERTIFICATE,
        fingerprint=shown,
        reason=reason,
    )


def _verifying_context(trust: CameraTrust) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=trust.ca_file)
    except (OSError, ValueError):
        raise SourceUnreachable(
            "{ca_file}, the file with the camera's authority, cannot be read on this node",
            Why.CERTIFICATE,
            ca_file=trust.ca_file,
        ) from None


def _unverified_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Handshake:
    """A TLS handshake over a socket that does not block and stays open for its owner."""

    def __init__(self, own: socket.socket, context: ssl.SSLContext, pull: Pull) -> None:
        self._own = own
        self._received, self._sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        host = pull.trust.host
        self._tls = context.wrap_bio(self._received, self._sent, server_hostname=host)
        self._slices = round(pull.timeout_s / _SLICE_S)
        self._pull = pull

    def run(self) -> None:
        """Raises SourceTimeout, ssl.SSLError or OSError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._receive()
            else:
                self._flush()
                return

    def peer_certificate(self) -> bytes:
        certificate = self._tls.getpeercert(binary_form=True)
        if certificate is None:
            raise SourceUnreachable("the camera sent no certificate", Why.TLS)
        return certificate

    def _flush(self) -> None:
        data = self._sent.read()
        while data:
            self._wait(for_room=True)
            data = data[self._own.send(data) :]

    def _receive(self) -> None:
        self._wait(for_room=False)
        data = self._own.recv(_BYTES)
        if not data:
            raise SourceUnreachable("the camera ended the TLS handshake", Why.TLS)
        self._received.write(data)

    def _wait(self, *, for_room: bool) -> None:
        readers = [] if for_room else [self._own]
        writers = [self._own] if for_room else []
        while not any(select.select(readers, writers, [], _SLICE_S)):
            self._slices -= 1
            if self._slices <= 0 or self._pull.stop.is_set():
                raise SourceTimeout(
                    "the camera did not finish the TLS handshake within {timeout_s} s",
                    Why.TLS,
                    timeout_s=self._pull.timeout_s,
                )


def _name_in(certificate: bytes, trust: CameraTrust) -> str:
    """The name under which libavformat finds the certificate valid.

    The name was verified already, or does not matter because the certificate itself is known.
    """
    if not trust.sha256:
        return trust.host
    parsed = x509.load_der_x509_certificate(certificate)
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(common[0].value) if common else trust.host
    found = [
        *names.get_values_for_type(x509.DNSName),
        *map(str, names.get_values_for_type(x509.IPAddress)),
    ]
    return found[0].replace("*", "camera") if found else trust.host
