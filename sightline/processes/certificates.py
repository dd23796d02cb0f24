"""Certificates of an instance's own servers: a private authority, and one identity that it
signs.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domain.clock import NS_PER_S, S_PER_DAY, Clock
from sightline.processes.private_files import write_atomically

_log = logging.getLogger(__name__)

AUTHORITY_LASTS = timedelta(days=3650)
AUTHORITY_RENEWED_BEFORE = timedelta(days=730)
IDENTITY_LASTS = timedelta(days=365)
IDENTITY_RENEWED_BEFORE = timedelta(days=90)
RENEWAL_EVERY_S = S_PER_DAY
_VALID_SINCE = timedelta(days=1)
"""A certificate is valid from a day before it is made, so that a clock may be set back a little."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the certificates lie. All files are PEM and readable by their owner alone."""

    folder: Path

    @property
    def authority(self) -> Path:
        """The certificate of the authority: what both sides of a connection trust."""
        return self.folder / "ca.pem"

    @property
    def authority_key(self) -> Path:
        return self.folder / "ca-key.pem"

    @property
    def identity(self) -> Path:
        """A private key and its certificate, for servers and clients, in one file.

        One file is replaced by one rename, so a reader never sees a key of another certificate.
        """
        return self.folder / "identity.pem"


@dataclass(frozen=True, slots=True)
class _Signed:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def serves(self, now: datetime, renewed_before: timedelta) -> bool:
        """Whether it is valid now and does not have to be renewed yet."""
        start, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return start <= now < end - renewed_before

    def key_matches(self) -> bool:
        return self.certificate.public_key() == self.key.public_key()


def renew_identity(files: CertificateFiles, clock: Clock) -> bool:
    """Sign a new identity where the present one expires within 90 days; whether it did.

    The authority stays the same, so servers that run accept the new identity at once.
    """
    now, authority, identity = _now(clock), _authority(files), _identity(files)
    if authority is None or (identity and identity.serves(now, IDENTITY_RENEWED_BEFORE)):
        return False
    write_atomically(files.identity, _pem(_issue_identity(authority, now)))
    return True


def ensure_certificates(files: CertificateFiles, clock: Clock) -> None:
    """Make what is absent, unreadable, not valid yet or soon to expire. To be called before the
    servers start.
    """
    now, authority = _now(clock), _authority(files)
    if authority is None or not authority.serves(now, AUTHORITY_RENEWED_BEFORE):
        authority = _issue_authority(now)
        files.identity.unlink(missing_ok=True)
        write_atomically(files.authority_key, _key_pem(authority.key))
        write_atomically(files.authority, _certificate_pem(authority.certificate))
    identity = _identity(files)
    if identity is None or not _is_signed_by(identity, authority):
        write_atomically(files.identity, _pem(_issue_identity(authority, now)))
    renew_identity(files, clock)


class IdentityRenewal:
    """Renews the identity of an instance that runs for months: SeaweedFS reads it every 5 hours."""

    def __init__(self, files: CertificateFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        while not self._clock.wait(stop, RENEWAL_EVERY_S):
            if renew_identity(self._files, self._clock):
                _log.info("the certificate of the embedded object store was renewed")


def _now(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.wall_ns() / NS_PER_S, UTC)


def _authority(files: CertificateFiles) -> _Signed | None:
    return _read(files.authority, files.authority_key)


def _identity(files: CertificateFiles) -> _Signed | None:
    return _read(files.identity, files.identity)


def _read(certificate_file: Path, key_file: Path) -> _Signed | None:
    """None where a file is absent or holds something else: then it is made anew."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    signed = _Signed(certificate, key)
    return signed if signed.key_matches() else None


def _is_signed_by(identity: _Signed, authority: _Signed) -> bool:
    try:
        identity.certificate.verify_directly_issued_by(authority.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _issue_authority(now: datetime) -> _Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Sightline embedded servers")
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(name, name, key, now, AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Signed(certificate, key)


def _issue_identity(authority: _Signed, now: datetime) -> _Signed:
    """An identity for both directions: SeaweedFS' servers are clients of each other."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    addresses = [x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")]
    certificate = (
        _builder(_name("seaweedfs"), issuer, key, now, IDENTITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(both, critical=False)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _Signed(certificate, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID_SINCE)
        .not_valid_after(now + lasts)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(signed: _Signed) -> str:
    return _key_pem(signed.key) + _certificate_pem(signed.certificate)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


def _certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
