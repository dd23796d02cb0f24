"""The DTLS handshake with a viewer, which gives the keys of SRTP (RFC 5764). The adapter of
pyOpenSSL.

It has no socket: datagrams are put in and taken out.
"""

from __future__ import annotations

import datetime
import hmac
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from api.webrtc.protocols.srtp import SrtpKeys, SrtpProfile
from domain.errors import Forbidden

MAX_DATAGRAM_BYTES = 1_200
_RECORD_HEAD_BYTES = 13
_VALID = datetime.timedelta(days=365)
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305"
)
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}
_LABEL = b"EXTRACTOR-dtls_srtp"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The hash of a certificate, as SDP has it: `sha-256` and `AB:CD:…`."""

    algorithm: str
    value: str


class DtlsIdentity:
    """The certificate of this process. It is made at the start and is on no disk."""

    def __init__(self, now_ns: int) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key, now_ns)
        self.fingerprint = _fingerprint(certificate, "sha-256")
        self.context = SSL.Context(SSL.DTLS_SERVER_METHOD)
        self.context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_QUERY_MTU)
        self.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        # Certificates of viewers are self-signed too. Their fingerprints are compared afterwards.
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_cipher_list(_CIPHERS)
        self.context.set_tlsext_use_srtp(":".join(SrtpProfile).encode())


class DtlsServer:
    """The server's end of one handshake."""

    def __init__(self, identity: DtlsIdentity, expected: Fingerprint) -> None:
        """`expected` is the fingerprint that the viewer's offer names."""
        self.keys: SrtpKeys | None = None
        """The keys of SRTP; None until the handshake is finished."""
        self.has_ended = False
        """Whether the viewer has closed its end."""
        self._expected = expected
        self._connection = SSL.Connection(identity.context, None)
        self._connection.set_ciphertext_mtu(MAX_DATAGRAM_BYTES)
        self._connection.set_accept_state()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Process a datagram, and return what to send. Raises Forbidden if the handshake fails."""
        self._connection.bio_write(datagram)
        if self.keys is None:
            self._shake_hands()
        else:
            self._read()
        return self._waiting()

    def next_timeout_s(self) -> float | None:
        """Return the time after which `on_timeout` is due; None if nothing waits."""
        return self._connection.DTLSv1_get_timeout()

    def on_timeout(self) -> list[bytes]:
        """Return what must be sent again, because the viewer has not answered."""
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            raise Forbidden(
                "the viewer does not finish the DTLS handshake: {error}", error=error
            ) from error
        return self._waiting()

    def close(self) -> list[bytes]:
        """Return the message that ends the connection."""
        if self.keys is None or self.has_ended:
            return []
        try:
            self._connection.shutdown()
        except SSL.Error as error:
            raise Forbidden("the DTLS connection cannot be closed: {error}", error=error) from error
        return self._waiting()

    def _shake_hands(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise Forbidden("the DTLS handshake failed: {error}", error=error) from error
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None or not self._is_expected(certificate):
            raise Forbidden("the certificate of the viewer is not the one that its offer names")
        self.keys = self._export()

    def _is_expected(self, certificate: x509.Certificate) -> bool:
        actual = _fingerprint(certificate, self._expected.algorithm)
        return hmac.compare_digest(actual.value, self._expected.value.upper())

    def _export(self) -> SrtpKeys:
        name = self._connection.get_selected_srtp_profile().decode()
        if not name:
            raise Forbidden("the viewer has no protection profile of SRTP that this server has")
        profile = SrtpProfile(name)
        key, salt = profile.key_bytes, profile.salt_bytes
        material = self._connection.export_keying_material(_LABEL, 2 * (key + salt))
        salts = material[2 * key :]
        return SrtpKeys(
            profile,
            sending=material[key : 2 * key] + salts[salt:],
            receiving=material[:key] + salts[:salt],
        )

    def _read(self) -> None:
        """Read what follows the handshake: nothing but the end is expected."""
        try:
            self._connection.recv(1 << 14)
        except SSL.WantReadError:
            return
        except SSL.Error:
            self.has_ended = True

    def _waiting(self) -> list[bytes]:
        try:
            data = self._connection.bio_read(1 << 16)
        except SSL.WantReadError:
            return []
        return datagrams(data)


def is_supported(fingerprint: Fingerprint) -> bool:
    return fingerprint.algorithm in _HASHES


def datagrams(records: bytes) -> list[bytes]:
    """Divide records of DTLS into datagrams."""
    found, begin, at = [], 0, 0
    while at < len(records):
        end = at + _RECORD_HEAD_BYTES + int.from_bytes(records[at + 11 : at + 13], "big")
        if end - begin > MAX_DATAGRAM_BYTES and at > begin:
            found.append(records[begin:at])
            begin = at
        at = end
    return [*found, records[begin:]]


def _fingerprint(certificate: x509.Certificate, algorithm: str) -> Fingerprint:
    digest = certificate.fingerprint(_HASHES[algorithm]())
    return Fingerprint(algorithm, digest.hex(":").upper())


def _self_signed(key: ec.EllipticCurvePrivateKey, now_ns: int) -> x509.Certificate:
    now = datetime.datetime.fromtimestamp(now_ns / 1e9, datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sightline")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID)
        .not_valid_after(now + _VALID)
        .sign(key, hashes.SHA256())
    )
