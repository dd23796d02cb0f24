"""The public register of a site's certificates: present ones and those that were replaced. It
holds no private key, so every process may read it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from pydantic import ValidationError

from domain.stored_model import StoredModel, WallNs, schema_field, unreadable
from sightline.processes.certificates import fingerprint, is_issued_by
from sightline.processes.private_files import write_atomically

EXPIRES_SOON = timedelta(days=90)


class Purpose(StrEnum):
    """What a key of the site is for. Each has one present key on a machine."""

    ROOT = "root"  # signs all other certificates
    API = "api"  # TLS of the API, as a server for people and as a client of nodes
    API_SIGNING = "api-signing"  # signatures of the API: tickets, and requests to nodes
    NODE = "node"  # TLS of one node's node API
    EVIDENCE = "evidence"  # signatures of evidence bundles


class CertificateRecord(StoredModel):
    """One certificate. A newer version may know more purposes, so `purpose` is any text."""

    purpose: str
    subject: str
    """The node of a node's certificate; otherwise empty."""
    pem: str
    is_here: bool = True
    """Whether its private key was stored on this machine."""
    retired: WallNs | None = None
    """When another key replaced it; it still verifies earlier signatures."""
    is_revoked: bool = False
    """Whether it verifies nothing any more."""

    @property
    def certificate(self) -> x509.Certificate:
        return _parsed(self.pem)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.certificate)

    @property
    def is_in_use(self) -> bool:
        return self.retired is None and not self.is_revoked

    def is_valid(self, now: datetime) -> bool:
        certificate = self.certificate
        return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc

    def expires_soon(self, now: datetime) -> bool:
        return self.is_in_use and now >= self.certificate.not_valid_after_utc - EXPIRES_SOON


class KeyRegister(StoredModel):
    """All certificates, in the order in which they were made."""

    certificates: tuple[CertificateRecord, ...] = ()
    schema_: int = schema_field()

    def of(self, purpose: Purpose) -> tuple[CertificateRecord, ...]:
        return tuple(record for record in self.certificates if record.purpose == purpose)

    def find(self, certificate: x509.Certificate) -> CertificateRecord | None:
        """Return the record of a certificate, by its fingerprint."""
        requested = fingerprint(certificate)
        return next((one for one in self.certificates if one.fingerprint == requested), None)

    def trusted_roots(self, now: datetime) -> tuple[x509.Certificate, ...]:
        """Return the root certificates that sign for this site now, replaced ones included."""
        return tuple(
            record.certificate
            for record in self.of(Purpose.ROOT)
            if not record.is_revoked and record.is_valid(now)
        )

    def is_trusted(self, certificate: x509.Certificate, now: datetime) -> bool:
        """Return whether a certificate of this site still counts: signed by a trusted root, valid
        now, and not revoked.
        """
        record = self.find(certificate)
        if record is not None and record.is_revoked:
            return False
        if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
            return False
        return any(is_issued_by(certificate, root) for root in self.trusted_roots(now))

    def with_records(self, *records: CertificateRecord) -> KeyRegister:
        """These records in place of those of the same certificates, or at the end."""
        found = {record.fingerprint: record for record in self.certificates}
        found |= {record.fingerprint: record for record in records}
        return self.model_copy(update={"certificates": tuple(found.values())})

    def without(self, *fingerprints: str) -> KeyRegister:
        left = (one for one in self.certificates if one.fingerprint not in fingerprints)
        return self.model_copy(update={"certificates": tuple(left)})


@lru_cache(1000)
def _parsed(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def read_register(file: Path) -> KeyRegister:
    """Return the register in `file`; an empty one if there is none. Raises DataLoss if it is
    damaged.
    """
    try:
        return KeyRegister.model_validate_json(file.read_text("utf-8"))
    except FileNotFoundError:
        return KeyRegister()
    except ValidationError as error:
        raise unreadable(str(file), error) from error


def write_register(file: Path, register: KeyRegister) -> None:
    write_atomically(file, register.model_dump_json(by_alias=True, indent=1))
