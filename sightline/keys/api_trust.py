"""What API and nodes prove to each other: by signatures of the API, and by certificates of both."""

from __future__ import annotations

import ssl
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from domain.errors import BadInput
from domain.signatures import ApiSigner
from sightline.keys.register import KeyRegister, Purpose
from sightline.keys.site_keys import SiteKeys, common_name, signing_name
from sightline.keys.tls import server_context
from sightline.processes.certificates import certificate_pem

_MAX_CERTIFICATES = 100


def api_signer(keys: SiteKeys) -> ApiSigner:
    """Return the signer of this machine's API. Raises BadInput if the machine has no key for it."""
    own = keys.key(Purpose.API_SIGNING)
    if own is None or not isinstance(own.key, Ed25519PrivateKey):
        raise BadInput(
            "{api_signing} is missing; run `sightline keys init`, or take over "
            "the bundle of `sightline keys export --api`",
            api_signing=keys.files.key(Purpose.API_SIGNING),
        )
    register = keys.register()
    others = [
        _public_key(record.certificate)
        for record in register.of(Purpose.API_SIGNING)
        if record.certificate != own.certificate
        and register.is_trusted(record.certificate, keys.now)
    ]
    return ApiSigner(own.key, own.certificate.public_bytes(Encoding.DER), tuple(others))


class CurrentRegister:
    """The register of this machine, which is read again when its file was replaced."""

    def __init__(self, keys: SiteKeys) -> None:
        self._keys = keys
        self._register = KeyRegister()
        self._state: tuple[int, int] | None = None

    def read(self) -> KeyRegister:
        """Return the register; the same object while the file is the same."""
        try:
            stat = self._keys.files.register.stat()
            state = (stat.st_mtime_ns, stat.st_ino)
        except FileNotFoundError:
            state = None
        if state != self._state:
            self._register, self._state = self._keys.register(), state
        return self._register


class ApiTrust:
    """Which certificates sign requests for the API of this site: for a node, which has no such key.

    A certificate needs no place in the node's register: the root that signed it must be trusted.
    A revocation in the register holds from the next request.
    """

    def __init__(self, keys: SiteKeys) -> None:
        self._keys = keys
        self._current = CurrentRegister(keys)
        self._register = KeyRegister()
        self._verified: dict[bytes, x509.Certificate | None] = {}

    def key_of_api(self, certificate: bytes) -> Ed25519PublicKey | None:
        """Return the public key of an API's certificate (DER); None if it is not trusted."""
        now = self._keys.now
        self._reload()
        if certificate not in self._verified:
            if len(self._verified) >= _MAX_CERTIFICATES:
                self._verified.clear()
            self._verified[certificate] = self._verify(certificate, now)
        found = self._verified[certificate]
        if found is None or not found.not_valid_before_utc <= now < found.not_valid_after_utc:
            return None
        return _public_key(found)

    def _reload(self) -> None:
        """Forget what was verified if the register was replaced."""
        register = self._current.read()
        if register is not self._register:
            self._register = register
            self._verified.clear()

    def _verify(self, der: bytes, now: datetime) -> x509.Certificate | None:
        try:
            certificate = x509.load_der_x509_certificate(der)
            is_api = common_name(certificate) == signing_name(Purpose.API_SIGNING)
            is_signing_key = isinstance(certificate.public_key(), Ed25519PublicKey)
        except (ValueError, UnsupportedAlgorithm):
            return None
        is_trusted = is_api and is_signing_key and self._register.is_trusted(certificate, now)
        return certificate if is_trusted else None


def node_server_context(keys: SiteKeys, node: str) -> ssl.SSLContext:
    """TLS of the node API: it shows the node's certificate and demands one of the API.

    Raises BadInput if this machine has no valid certificate for `node`.
    """
    key, register = keys.key(Purpose.NODE), keys.register()
    if Purpose.NODE in keys.missing(node, purposes=(Purpose.NODE,)) or key is None:
        raise BadInput(
            "{file} is no valid certificate of the node {node}; run "
            "`sightline keys export --node {node}` on the machine with the "
            "site's root, and `sightline keys init --from` here",
            file=keys.files.key(Purpose.NODE),
            node=node,
        )
    file = keys.files.key(Purpose.NODE)
    context = server_context(file, file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=_trusted_roots(register, keys.now))
    return context


class _NodeClientTls(ssl.SSLContext):
    """Verifies nodes by the roots that it has loaded, and by the register as it is now.

    OpenSSL knows no revocation in the register, so each handshake ends with a check of its own.
    """

    def __init__(self, _protocol: int, keys: SiteKeys) -> None:
        self._keys = keys
        self._current = CurrentRegister(keys)

    def check(self, certificate: bytes | None) -> None:
        """Check the certificate of a node (DER). Raises SSLCertVerificationError."""
        found = x509.load_der_x509_certificate(certificate or b"")
        if not self._current.read().is_trusted(found, self._keys.now):
            raise ssl.SSLCertVerificationError("the certificate of the node was revoked")


class _NodeSocket(ssl.SSLSocket):
    """A connection to a node."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        _check_node(self)


class _NodeObject(ssl.SSLObject):
    """A connection to a node in an event loop."""

    def do_handshake(self) -> None:
        super().do_handshake()
        _check_node(self)


def _check_node(connection: ssl.SSLSocket | ssl.SSLObject) -> None:
    assert isinstance(connection.context, _NodeClientTls)
    connection.context.check(connection.getpeercert(binary_form=True))


_NodeClientTls.sslsocket_class = _NodeSocket
_NodeClientTls.sslobject_class = _NodeObject


def node_client_context(keys: SiteKeys) -> ssl.SSLContext:
    """TLS of the API as a client of nodes. A certificate that the register revokes is refused from
    the next connection. Raises BadInput if this machine has no key for it.
    """
    file = keys.files.key(Purpose.API)
    if keys.key(Purpose.API) is None:
        raise BadInput("{file} is missing; run `sightline keys init`", file=file)
    context = _NodeClientTls(ssl.PROTOCOL_TLS_CLIENT, keys)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(file)
    context.load_verify_locations(cadata=_trusted_roots(keys.register(), keys.now))
    return context


def _trusted_roots(register: KeyRegister, now: datetime) -> str:
    return "".join(map(certificate_pem, register.trusted_roots(now)))


def _public_key(certificate: x509.Certificate) -> Ed25519PublicKey:
    key = certificate.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput("a signing certificate of the API has no Ed25519 key")
    return key
