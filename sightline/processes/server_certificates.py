"""Certificates of an instance's own servers: a private authority, and one identity that it
signs.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain.clock import S_PER_DAY, Clock
from sightline.processes.certificates import (
    CLIENT,
    SERVER,
    CertificateRequest,
    CertifiedKey,
    certificate_pem,
    is_issued_by,
    issue,
    key_pem,
    make_authority,
    read_key,
    wall_time,
    write_key,
)
from sightline.processes.private_files import write_atomically

_log = logging.getLogger(__name__)

AUTHORITY_LIFETIME = timedelta(days=3650)
AUTHORITY_RENEWED_BEFORE = timedelta(days=730)
IDENTITY_LIFETIME = timedelta(days=365)
IDENTITY_RENEWED_BEFORE = timedelta(days=90)
RENEWAL_EVERY_S = S_PER_DAY


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


def renew_identity(files: CertificateFiles, clock: Clock) -> bool:
    """Sign a new identity where the present one expires within 90 days; whether it did.

    The authority stays the same, so running servers accept the new identity without a restart.
    """
    now, authority, identity = wall_time(clock), _authority(files), _identity(files)
    if authority is None or (identity and identity.is_valid(now, IDENTITY_RENEWED_BEFORE)):
        return False
    write_key(files.identity, _issue_identity(authority, now))
    return True


def ensure_certificates(files: CertificateFiles, clock: Clock) -> None:
    """Make what is absent, unreadable, not valid yet or soon to expire. To be called before the
    servers start.
    """
    now, authority = wall_time(clock), _authority(files)
    if authority is None or not authority.is_valid(now, AUTHORITY_RENEWED_BEFORE):
        authority = make_authority(
            CertificateRequest("Sightline embedded servers", AUTHORITY_LIFETIME), now
        )
        files.identity.unlink(missing_ok=True)
        write_atomically(files.authority_key, key_pem(authority.key))
        write_atomically(files.authority, certificate_pem(authority.certificate))
    identity = _identity(files)
    if identity is None or not is_issued_by(identity.certificate, authority.certificate):
        write_key(files.identity, _issue_identity(authority, now))
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


def _authority(files: CertificateFiles) -> CertifiedKey | None:
    return read_key(files.authority, files.authority_key)


def _identity(files: CertificateFiles) -> CertifiedKey | None:
    return read_key(files.identity)


def _issue_identity(authority: CertifiedKey, now: datetime) -> CertifiedKey:
    """An identity for both directions: SeaweedFS' servers are clients of each other."""
    request = CertificateRequest(
        "seaweedfs", IDENTITY_LIFETIME, ("127.0.0.1", "localhost"), (SERVER, CLIENT)
    )
    return issue(authority, request, now)
