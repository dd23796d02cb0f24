"""Files that carry keys or certificates of a site from one machine to another.

A bundle is JSON: the public register, and for one machine its private keys. It is as secret as the
keys in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509 import load_pem_x509_certificate
from pydantic import Field, ValidationError

from domain.errors import BadInput, DataLoss
from domain.stored_model import StoredModel, schema_field, unreadable
from sightline.keys.register import CertificateRecord, KeyRegister, Purpose
from sightline.keys.site_keys import SiteKeys
from sightline.processes.certificates import CertifiedKey
from sightline.processes.private_files import write_atomically

TRUST_FILE = "trust.json"
_SHORT_FINGERPRINT = 16


class KeyBundle(StoredModel):
    certificates: KeyRegister
    keys: dict[str, str] = Field(default_factory=dict)
    """The PEM text of a key and its certificate, by purpose."""
    schema_: int = schema_field()


def export_public(keys: SiteKeys, folder: Path) -> list[Path]:
    """Write each certificate as a PEM file, and all together as a bundle without keys."""
    register = keys.register()
    written = []
    for record in register.certificates:
        file = folder / _file_name(record)
        write_atomically(file, record.pem)
        written.append(file)
    trust = folder / TRUST_FILE
    write_atomically(trust, _json(KeyBundle(certificates=register)))
    return [*written, trust]


def export_node(keys: SiteKeys, folder: Path, node: str, *, is_revoking: bool = False) -> Path:
    """Make a new key for `node` and write its bundle. `is_revoking` revokes the former keys."""
    key, _ = keys.issue_for_node(node, is_revoking=is_revoking)
    return _write(keys, folder / f"node-{node}.json", {Purpose.NODE: key})


def export_api(keys: SiteKeys, folder: Path, hosts: Sequence[str]) -> Path:
    """Make a new TLS key for an API on another machine and write its bundle.

    All APIs of a site sign with one key, so that each accepts the tickets of the others.
    """
    signing = keys.key(Purpose.API_SIGNING)
    if signing is None:
        raise BadInput("this machine has no key of the API; run  sightline keys init  first")
    key, _ = keys.issue_for_api(hosts)
    file = folder / f"api-{hosts[0]}.json"
    return _write(keys, file, {Purpose.API: key, Purpose.API_SIGNING: signing})


def read_bundle(file: Path) -> tuple[KeyRegister, dict[Purpose, CertifiedKey]]:
    """Return what a bundle holds. Raises BadInput if the file is no bundle."""
    try:
        bundle = KeyBundle.model_validate_json(file.read_text("utf-8"))
        keys = {Purpose(name): _key(pem) for name, pem in bundle.keys.items()}
    except ValidationError as error:
        raise unreadable(str(file), error) from error
    except ValueError as error:
        raise DataLoss("{file} is no bundle of `sightline keys export`", file=file) from error
    return bundle.certificates, keys


def _write(keys: SiteKeys, file: Path, private: dict[Purpose, CertifiedKey]) -> Path:
    pems = {purpose.value: key.pem() for purpose, key in private.items()}
    write_atomically(file, _json(KeyBundle(certificates=keys.register(), keys=pems)))
    return file


def _json(bundle: KeyBundle) -> str:
    return bundle.model_dump_json(by_alias=True, indent=1)


def _key(pem: str) -> CertifiedKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    certificate = load_pem_x509_certificate(pem.encode())
    if not isinstance(key, EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise ValueError("a key of the site is of P-256 or Ed25519")
    if certificate.public_key() != key.public_key():
        raise ValueError("the certificate is of another key")
    return CertifiedKey(certificate, key)


def _file_name(record: CertificateRecord) -> str:
    parts = (record.purpose, record.subject, record.fingerprint[:_SHORT_FINGERPRINT])
    return "-".join(part for part in parts if part) + ".pem"
