"""The keys of a site on one machine: made, rotated and repaired, safely at any interruption.

A change writes the new certificate to the register, then the key with its certificate, then the
retirement of the old certificate. Each write is one rename. What an interrupted change left is
completed or undone by the next one, because the key files say which key is in use.
"""

from __future__ import annotations

import fcntl
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from domain.clock import Clock
from domain.errors import BadInput, DataLoss
from domain.node_names import PATTERN, node_host
from sightline.keys.register import (
    CertificateRecord,
    KeyRegister,
    Purpose,
    read_register,
    write_register,
)
from sightline.processes.certificates import (
    CLIENT,
    DOCUMENTS,
    SERVER,
    CertificateRequest,
    CertifiedKey,
    certificate_pem,
    issue,
    make_authority,
    read_key,
    server_names,
    wall_time,
    write_key,
)

ROOT_LIFETIME = timedelta(days=3650)
TLS_LIFETIME = timedelta(days=825)
SIGNING_LIFETIME = timedelta(days=1095)
RENEWED_BEFORE = timedelta(days=30)
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_TLS = (Purpose.API, Purpose.NODE)
_FILES = {
    Purpose.ROOT: "root/root.pem",
    Purpose.API: "api/tls.pem",
    Purpose.API_SIGNING: "api/signing.pem",
    Purpose.NODE: "node/tls.pem",
    Purpose.EVIDENCE: "evidence/signing.pem",
}
"""Each kind of process has one folder, so that it can be given no other private keys."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where the keys of a machine are: `folder` is `keys` in its data folder."""

    folder: Path

    def key(self, purpose: Purpose) -> Path:
        return self.folder / _FILES[purpose]

    @property
    def register(self) -> Path:
        return self.folder / "public" / "register.json"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"


class SiteKeys:
    """Changes are made by one process at a time; reading needs no lock."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.files = KeyFiles(folder)
        self._clock = clock

    @property
    def now(self) -> datetime:
        return wall_time(self._clock)

    def register(self) -> KeyRegister:
        return read_register(self.files.register)

    def key(self, purpose: Purpose) -> CertifiedKey | None:
        """Return the present key of `purpose`, or None if this machine has none. Raises DataLoss if
        its file is damaged.
        """
        file = self.files.key(purpose)
        found = read_key(file)
        if found is None and file.exists():
            raise DataLoss(
                "{file} holds no key with its certificate; restore the file "
                "from a backup, or delete it and run  sightline keys rotate "
                "{purpose}",
                file=file,
                purpose=purpose,
            )
        return found

    def missing(
        self,
        node: str,
        hosts: Sequence[str] = (),
        purposes: Sequence[Purpose] = tuple(Purpose),
        *,
        renews: bool = True,
    ) -> list[Purpose]:
        """Those of `purposes` for which `ensure` would make a key; without `renews`, those that
        cannot be used now.
        """
        register = self.register()
        return [one for one in purposes if not self._is_usable(one, register, node, hosts, renews)]

    def ensure(
        self, node: str, hosts: Sequence[str] = (), purposes: Sequence[Purpose] = tuple(Purpose)
    ) -> list[CertificateRecord]:
        """Make each key that is absent, untrusted, expired or for other names; the new records.
        A TLS key that expires within 30 days is replaced if the root's key is here.

        `hosts` are names and addresses of the API besides those of this machine. Raises BadInput
        if a key is to be made and the root's key is on another machine.
        """
        with self._changing():
            made = []
            for purpose in purposes:
                if not self._is_usable(purpose, self.register(), node, hosts):
                    self._refuse_lost_root(purpose)
                    names = (*self._api_names(), *hosts)
                    made.append(self._replace(purpose, node, names, is_revoking=False))
            return made

    def rotate(
        self, purpose: Purpose, node: str, hosts: Sequence[str] = (), *, is_revoking: bool = False
    ) -> CertificateRecord:
        """Make a new key for `purpose`; the new record.

        The old certificate still verifies what its key signed before, unless `is_revoking`.
        """
        with self._changing():
            if purpose is not Purpose.ROOT:
                self._root()
            elif any(not record.is_here for record in self.register().of(purpose)):
                raise BadInput("the root's key is on another machine; rotate it there")
            names = tuple(hosts) or self._api_names()
            return self._replace(purpose, node, names, is_revoking=is_revoking)

    def issue_for_node(
        self, node: str, *, is_revoking: bool = False
    ) -> tuple[CertifiedKey, CertificateRecord]:
        """Create a key for a node on another machine; here it is only registered.

        The former certificates of the node are retired, or revoked with `is_revoking`.
        """
        with self._changing():
            made = issue(self._root(), _request(Purpose.NODE, node, ()), self.now)
            record = _record(Purpose.NODE, node, made, is_here=False)
            register = self.register()
            former = [one for one in register.of(Purpose.NODE) if one.subject == node]
            retired = [self._retired(one) if one.is_in_use else one for one in former]
            if is_revoking:
                retired = [one.model_copy(update={"is_revoked": True}) for one in retired]
            write_register(self.files.register, register.with_records(*retired, record))
            return made, record

    def issue_for_api(self, hosts: Sequence[str]) -> tuple[CertifiedKey, CertificateRecord]:
        """Create a TLS key for an API on another machine; here it is only registered."""
        with self._changing():
            made = issue(self._root(), _request(Purpose.API, "", tuple(hosts)), self.now)
            record = _record(Purpose.API, "", made, is_here=False)
            write_register(self.files.register, self.register().with_records(record))
            return made, record

    def adopt(self, register: KeyRegister, keys: dict[Purpose, CertifiedKey]) -> None:
        """Take over keys and certificates that another machine of the site made. Raises BadInput
        if they are of another site.
        """
        with self._changing():
            own = self.register()
            roots = {one.fingerprint for one in own.of(Purpose.ROOT)}
            if roots and not roots & {one.fingerprint for one in register.of(Purpose.ROOT)}:
                raise BadInput(
                    "{folder} holds keys of another site; to join this site, "
                    "move that folder away first",
                    folder=self.files.folder,
                )
            merged = _merged(own, register)
            adopted = [one for key in keys.values() if (one := merged.find(key.certificate))]
            here = [one.model_copy(update={"is_here": True}) for one in adopted]
            write_register(self.files.register, merged.with_records(*here))
            for purpose, key in keys.items():
                self.files.key(purpose).parent.mkdir(parents=True, exist_ok=True)
                write_key(self.files.key(purpose), key)
            self._settle()

    def _is_usable(
        self,
        purpose: Purpose,
        register: KeyRegister,
        node: str,
        hosts: Sequence[str],
        renews: bool = True,
    ) -> bool:
        key = self.key(purpose)
        if purpose is Purpose.ROOT and any(not one.is_here for one in register.of(purpose)):
            return True
        if key is None or not register.is_trusted(key.certificate, self.now):
            return False
        if renews and purpose in _TLS and self._is_renewable(key):
            return False
        names = server_names(key.certificate)
        if purpose is Purpose.NODE:
            return node_host(node) in names
        return purpose is not Purpose.API or names >= set(hosts)

    def _is_renewable(self, key: CertifiedKey) -> bool:
        """Return whether the key expires soon and the root here can sign one that lasts longer."""
        root = self.key(Purpose.ROOT)
        if root is None or key.is_valid(self.now, RENEWED_BEFORE):
            return False
        return key.certificate.not_valid_after_utc < root.certificate.not_valid_after_utc

    def _refuse_lost_root(self, purpose: Purpose) -> None:
        if purpose is Purpose.ROOT and self.register().of(purpose):
            raise BadInput(
                "{purpose} is absent or no longer valid; restore it from a "
                "backup, or run  sightline keys rotate root",
                purpose=self.files.key(purpose),
            )

    def _replace(
        self, purpose: Purpose, node: str, names: tuple[str, ...], *, is_revoking: bool
    ) -> CertificateRecord:
        old = [one for one in self.register().of(purpose) if one.is_here and one.is_in_use]
        made = self._make(_request(purpose, node, names), purpose)
        record = _record(purpose, node if purpose is Purpose.NODE else "", made, is_here=True)
        revoked = [one.model_copy(update={"is_revoked": True}) for one in old if is_revoking]
        write_register(self.files.register, self.register().with_records(*revoked, record))
        self.files.key(purpose).parent.mkdir(parents=True, exist_ok=True)
        write_key(self.files.key(purpose), made)
        self._settle()
        return record

    def _api_names(self) -> tuple[str, ...]:
        """Return the names of the API's present certificate."""
        key = self.key(Purpose.API)
        return () if key is None else tuple(sorted(server_names(key.certificate)))

    def _make(self, request: CertificateRequest, purpose: Purpose) -> CertifiedKey:
        if purpose is Purpose.ROOT:
            return make_authority(request, self.now)
        return issue(self._root(), request, self.now)

    def _root(self) -> CertifiedKey:
        root = self.key(Purpose.ROOT)
        if root is None:
            raise BadInput(
                "the root's key is not on this machine, so no certificate can be made here; run "
                "`sightline keys export` on the machine that has it, and `sightline keys init "
                "--from` here"
            )
        record = self.register().find(root.certificate)
        if not root.is_valid(self.now) or (record is not None and record.is_revoked):
            raise BadInput(
                "the root certificate is expired or revoked; run  sightline keys rotate root"
            )
        return root

    def _settle(self) -> None:
        """Make the register agree with the key files.

        A certificate before the present one was replaced. One after it belongs to an interrupted
        change, and its key was never stored.
        """
        register = before = self.register()
        for purpose in Purpose:
            key = self.key(purpose)
            if key is None:
                continue
            present = register.find(key.certificate)
            if present is None:
                subject = common_name(key.certificate) if purpose is Purpose.NODE else ""
                register = register.with_records(_record(purpose, subject, key, is_here=True))
                present = register.certificates[-1]
            here = [one for one in register.of(purpose) if one.is_here]
            place = next(i for i, one in enumerate(here) if one.fingerprint == present.fingerprint)
            replaced = [self._retired(one) for one in here[:place] if one.retired is None]
            register = register.with_records(*replaced)
            register = register.without(*(one.fingerprint for one in here[place + 1 :]))
        if register != before:
            write_register(self.files.register, register)

    def _retired(self, record: CertificateRecord) -> CertificateRecord:
        return record.model_copy(update={"retired": self._clock.wall_ns()})

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock of all changes. It also removes what an interrupted write left."""
        self.files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.files.folder.chmod(0o700)
        with self.files.lock.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in self.files.folder.glob("*/.*"):
                left.unlink()
            self._settle()
            yield


def _request(purpose: Purpose, node: str, hosts: tuple[str, ...]) -> CertificateRequest:
    if purpose is Purpose.ROOT:
        return CertificateRequest("Sightline site root", ROOT_LIFETIME)
    if purpose is Purpose.NODE:
        if not re.fullmatch(PATTERN, node):
            raise BadInput(
                "{node} is no name of a node; it needs the form of SIGHTLINE_NODE", node=repr(node)
            )
        return CertificateRequest(node, TLS_LIFETIME, (node_host(node),), (SERVER,))
    if purpose is Purpose.API:
        names = dict.fromkeys((*_LOOPBACK_NAMES, socket.gethostname(), *hosts))
        return CertificateRequest("Sightline API", TLS_LIFETIME, tuple(names), (SERVER, CLIENT))
    return CertificateRequest(signing_name(purpose), SIGNING_LIFETIME, usages=(DOCUMENTS,))


def signing_name(purpose: Purpose) -> str:
    """Return the common name of a certificate that signs documents; verifiers compare it."""
    return f"Sightline {purpose}"


def _record(
    purpose: Purpose, subject: str, made: CertifiedKey, *, is_here: bool
) -> CertificateRecord:
    return CertificateRecord(
        purpose=purpose, subject=subject, pem=certificate_pem(made.certificate), is_here=is_here
    )


def common_name(certificate: x509.Certificate) -> str:
    (name,) = certificate.subject
    return str(name.value)


def _merged(own: KeyRegister, other: KeyRegister) -> KeyRegister:
    """Return the certificates of both. What one of them has retired or revoked stays so."""
    known = {record.fingerprint: record for record in own.certificates}
    merged = []
    for record in other.certificates:
        mine = known.get(record.fingerprint)
        retired = [one.retired for one in (mine, record) if one and one.retired is not None]
        update = {
            "is_here": mine is not None and mine.is_here,
            "retired": min(retired, default=None),
            "is_revoked": record.is_revoked or (mine is not None and mine.is_revoked),
        }
        merged.append(record.model_copy(update=update))
    return own.with_records(*merged)
