"""How every certificate of Sightline is made, read and written: a private key with its X.509
certificate. Pure apart from reading and writing PEM files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domain.clock import NS_PER_S, Clock
from sightline.processes.private_files import write_atomically

SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
DOCUMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""The signing of documents (RFC 9336). Without any usage a certificate would also do for TLS."""
_VALID_SINCE = timedelta(days=1)
"""A certificate is valid from a day before it is made, so that a clock may be set back a little."""

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """A private key and the certificate of its public key."""

    certificate: x509.Certificate
    key: PrivateKey

    def is_valid(self, now: datetime, renewed_before: timedelta = timedelta()) -> bool:
        """Whether it is valid now and does not have to be renewed yet."""
        start, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return start <= now < end - renewed_before

    def pem(self) -> str:
        """The key and the certificate in one text, so that one rename replaces both."""
        return key_pem(self.key) + certificate_pem(self.certificate)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """The content of a certificate. `names` are DNS names and IP addresses of a server."""

    common_name: str
    lifetime: timedelta
    names: tuple[str, ...] = ()
    usages: tuple[x509.ObjectIdentifier, ...] = ()
    """What the key may be used for; a key for `DOCUMENTS` is of Ed25519, any other of P-256."""


def wall_time(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.wall_ns() / NS_PER_S, UTC)


def make_authority(request: CertificateRequest, now: datetime) -> CertifiedKey:
    """A new authority, which signs its own certificate."""
    key = generate_private_key(SECP256R1())
    usage = _key_usage(signs_certificates=True)
    builder = _builder(request, _name(request.common_name), key, now, now + request.lifetime)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return CertifiedKey(certificate, key)


def issue(authority: CertifiedKey, request: CertificateRequest, now: datetime) -> CertifiedKey:
    """A new key with a certificate that `authority` signs and that does not outlive it."""
    signs = DOCUMENTS in request.usages
    key = Ed25519PrivateKey.generate() if signs else generate_private_key(SECP256R1())
    end = min(now + request.lifetime, authority.certificate.not_valid_after_utc)
    issuer = authority.certificate
    builder = (
        _builder(request, issuer.subject, key, now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(_authority_identifier(authority), critical=False)
        .add_extension(x509.ExtendedKeyUsage(request.usages), critical=False)
    )
    if request.names:
        names = x509.SubjectAlternativeName([_general_name(name) for name in request.names])
        builder = builder.add_extension(names, critical=False)
    return CertifiedKey(builder.sign(authority.key, hashes.SHA256()), key)


def read_key(certificate_file: Path, key_file: Path | None = None) -> CertifiedKey | None:
    """The key with its certificate, in one file or two. None if a file is absent or damaged, or if
    the certificate is of another key.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        pem = (key_file or certificate_file).read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey):
        return None
    return CertifiedKey(certificate, key) if certificate.public_key() == key.public_key() else None


def write_key(file: Path, key: CertifiedKey) -> None:
    """Replace the key and its certificate in `file`, readable by its owner alone."""
    write_atomically(file, key.pem())


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the signature of `certificate` is of the key of `authority`."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def server_names(certificate: x509.Certificate) -> frozenset[str]:
    """The DNS names and IP addresses that a certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return frozenset([*found.get_values_for_type(x509.DNSName), *addresses])


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of the certificate's DER form, in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def key_pem(key: PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _builder(
    request: CertificateRequest, issuer: x509.Name, key: PrivateKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    public_key = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(request.common_name))
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID_SINCE)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _authority_identifier(authority: CertifiedKey) -> x509.AuthorityKeyIdentifier:
    """It tells two roots with one name apart. An old authority may have no identifier itself."""
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
