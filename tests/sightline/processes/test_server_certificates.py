"""Certificates are created once, renewed before they expire, and replaced when invalid."""

from __future__ import annotations

import ssl
import stat
import threading
from pathlib import Path

import pytest

from domain.clock import S_PER_DAY, ManualClock, SystemClock
from sightline.processes.server_certificates import (
    AUTHORITY_LIFETIME,
    AUTHORITY_RENEWED_BEFORE,
    IDENTITY_LIFETIME,
    IDENTITY_RENEWED_BEFORE,
    CertificateFiles,
    IdentityRenewal,
    ensure_certificates,
    renew_identity,
)


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return CertificateFiles(tmp_path / "security")


def _contents(files: CertificateFiles) -> tuple[bytes, bytes, bytes]:
    paths = (files.authority, files.authority_key, files.identity)
    return tuple(path.read_bytes() for path in paths)  # type: ignore[return-value]


def test_certificates_are_made_once_private_and_usable(files: CertificateFiles) -> None:
    clock = SystemClock()
    ensure_certificates(files, clock)
    made = _contents(files)
    ensure_certificates(files, clock)
    assert _contents(files) == made
    for path in (files.authority, files.authority_key, files.identity):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    context = ssl.create_default_context(cafile=files.authority)
    context.load_cert_chain(files.identity)
    assert context.cert_store_stats()["x509_ca"] == 1


def test_an_identity_is_renewed_before_it_expires(files: CertificateFiles) -> None:
    clock = ManualClock()
    ensure_certificates(files, clock)
    authority, key, identity = _contents(files)
    clock.advance((IDENTITY_LIFETIME - IDENTITY_RENEWED_BEFORE).total_seconds() - S_PER_DAY)
    assert not renew_identity(files, clock)
    clock.advance(2 * S_PER_DAY)
    assert renew_identity(files, clock)
    assert _contents(files)[:2] == (authority, key), "a server that runs trusts the new identity"
    assert files.identity.read_bytes() != identity
    assert not renew_identity(files, clock)


def test_an_instance_that_runs_for_a_year_renews_its_identity(files: CertificateFiles) -> None:
    clock, stop = ManualClock(), StopAfterDays(360)
    ensure_certificates(files, clock)
    identity = files.identity.read_bytes()
    IdentityRenewal(files, clock).run(stop)
    assert clock.waits_s == [S_PER_DAY] * 361
    assert files.identity.read_bytes() != identity


class StopAfterDays(threading.Event):
    """An event that is set after so many waits."""

    def __init__(self, days: int) -> None:
        super().__init__()
        self._left = days * 2

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0


def test_an_authority_is_renewed_with_its_identity_before_it_expires(
    files: CertificateFiles,
) -> None:
    clock = ManualClock()
    ensure_certificates(files, clock)
    before = _contents(files)
    clock.advance((AUTHORITY_LIFETIME - AUTHORITY_RENEWED_BEFORE).total_seconds() + S_PER_DAY)
    ensure_certificates(files, clock)
    after = _contents(files)
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_certificates_that_are_not_valid_yet_are_made_again(files: CertificateFiles) -> None:
    """They were created while the machine's clock was years ahead."""
    clock = ManualClock()
    ensure_certificates(files, clock)
    before = _contents(files)
    clock.step(-3 * 365 * S_PER_DAY)
    ensure_certificates(files, clock)
    after = _contents(files)
    assert all(old != new for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("name", ["authority", "authority_key", "identity"])
@pytest.mark.parametrize("damage", ["absent", "cut short", "of another authority"])
def test_a_damaged_file_is_made_again(files: CertificateFiles, name: str, damage: str) -> None:
    clock = ManualClock()
    ensure_certificates(files, clock)
    file: Path = getattr(files, name)
    if damage == "absent":
        file.unlink()
    elif damage == "cut short":
        file.write_bytes(file.read_bytes()[:100])
    else:
        other = CertificateFiles(files.folder.with_name("other"))
        ensure_certificates(other, clock)
        file.write_bytes(getattr(other, name).read_bytes())
    ensure_certificates(files, clock)
    made = _contents(files)
    ensure_certificates(files, clock)
    assert _contents(files) == made
    ssl.create_default_context(cafile=files.authority).load_cert_chain(files.identity)
