"""Keys are made once and kept private; rotation keeps old certificates and survives a kill."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

from domain.clock import S_PER_DAY, ManualClock, SystemClock
from domain.errors import BadInput, DataLoss
from domain.node_names import node_host
from sightline.keys.register import CertificateRecord, Purpose
from sightline.keys.site_keys import RENEWED_BEFORE, TLS_LIFETIME, SiteKeys
from sightline.processes.certificates import certificate_pem, fingerprint, server_names


@pytest.fixture
def keys(tmp_path: Path) -> SiteKeys:
    made = SiteKeys(tmp_path / "keys", SystemClock())
    made.ensure("node-1")
    return made


def _present(keys: SiteKeys, purpose: Purpose) -> x509.Certificate:
    key = keys.key(purpose)
    assert key is not None
    return key.certificate


def _record(keys: SiteKeys, certificate: x509.Certificate) -> CertificateRecord:
    record = keys.register().find(certificate)
    assert record is not None
    return record


def test_each_purpose_has_a_private_key_in_a_folder_of_its_kind_of_process(keys: SiteKeys) -> None:
    files = {purpose: keys.files.key(purpose) for purpose in Purpose}
    assert {file.parent.name for file in files.values()} == {"root", "api", "node", "evidence"}
    for file in [*files.values(), keys.files.register]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.files.folder.stat().st_mode) == 0o700
    assert "PRIVATE KEY" not in keys.files.register.read_text()


def test_keys_are_made_once(keys: SiteKeys) -> None:
    before = {purpose: keys.files.key(purpose).read_bytes() for purpose in Purpose}
    assert keys.missing("node-1", ()) == []
    assert keys.ensure("node-1") == []
    assert {purpose: keys.files.key(purpose).read_bytes() for purpose in Purpose} == before


def test_every_certificate_is_signed_by_the_root_and_names_what_it_is_for(keys: SiteKeys) -> None:
    for purpose in Purpose:
        assert keys.register().is_trusted(_present(keys, purpose), keys.now)
    node, api = _present(keys, Purpose.NODE), _present(keys, Purpose.API)
    assert server_names(node) == {node_host("node-1")}
    assert {"localhost", "127.0.0.1", "::1"} <= server_names(api)
    usage = node.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH], "a node is no client of nodes"
    assert isinstance(_present(keys, Purpose.EVIDENCE).public_key(), Ed25519PublicKey)


def test_the_api_gets_a_certificate_for_each_further_host(keys: SiteKeys) -> None:
    keys.ensure("node-1", ["sightline.city"])
    (record,) = keys.ensure("node-1", ["10.0.0.3"])
    assert record.purpose == Purpose.API
    assert {"sightline.city", "10.0.0.3"} <= server_names(_present(keys, Purpose.API))


def test_an_old_certificate_verifies_old_signatures_after_a_rotation(tmp_path: Path) -> None:
    clock = ManualClock()
    keys = SiteKeys(tmp_path / "keys", clock)
    keys.ensure("node-1")
    old = keys.key(Purpose.EVIDENCE)
    assert old is not None
    assert isinstance(old.key, Ed25519PrivateKey)
    signature = old.key.sign(b"bundle")
    clock.advance(S_PER_DAY)
    keys.rotate(Purpose.EVIDENCE, "node-1")
    record = _record(keys, old.certificate)
    assert record.retired == clock.wall_ns()
    assert keys.register().is_trusted(record.certificate, keys.now)
    public = record.certificate.public_key()
    assert isinstance(public, Ed25519PublicKey)
    public.verify(signature, b"bundle")
    new = _present(keys, Purpose.EVIDENCE).public_key()
    assert isinstance(new, Ed25519PublicKey)
    with pytest.raises(InvalidSignature):
        new.verify(signature, b"bundle")


def test_what_an_old_root_has_signed_stays_trusted(keys: SiteKeys) -> None:
    api = _present(keys, Purpose.API)
    keys.rotate(Purpose.ROOT, "node-1")
    assert keys.register().is_trusted(api, keys.now)
    assert keys.missing("node-1", ()) == []
    keys.rotate(Purpose.API, "node-1")
    assert keys.register().is_trusted(_present(keys, Purpose.API), keys.now)
    assert len(keys.register().trusted_roots(keys.now)) == 2


def test_nothing_that_a_revoked_root_has_signed_is_trusted(keys: SiteKeys) -> None:
    old = {purpose: _present(keys, purpose) for purpose in Purpose}
    keys.rotate(Purpose.ROOT, "node-1", is_revoking=True)
    register = keys.register()
    assert not any(register.is_trusted(certificate, keys.now) for certificate in old.values())
    made = keys.ensure("node-1")
    assert {one.purpose for one in made} == set(Purpose) - {Purpose.ROOT}
    for purpose in Purpose:
        assert keys.register().is_trusted(_present(keys, purpose), keys.now)


def test_a_rotation_keeps_the_names_of_the_api(keys: SiteKeys) -> None:
    keys.ensure("node-1", ["sightline.city"])
    keys.rotate(Purpose.API, "node-1")
    assert "sightline.city" in server_names(_present(keys, Purpose.API))


def test_certificates_expire_and_do_not_outlive_the_root(tmp_path: Path) -> None:
    clock = ManualClock()
    keys = SiteKeys(tmp_path / "keys", clock)
    keys.ensure("node-1")
    root = _present(keys, Purpose.ROOT)
    left = root.not_valid_after_utc - keys.now - timedelta(days=10)
    clock.advance(left.total_seconds())
    assert set(keys.missing("node-1", ())) == set(Purpose) - {Purpose.ROOT}
    keys.ensure("node-1")
    assert _present(keys, Purpose.NODE).not_valid_after_utc == root.not_valid_after_utc
    assert _record(keys, root).expires_soon(keys.now)
    clock.advance(11 * S_PER_DAY)
    with pytest.raises(BadInput, match="keys rotate root"):
        keys.ensure("node-1")


def test_a_damaged_key_is_not_replaced_silently(keys: SiteKeys) -> None:
    file = keys.files.key(Purpose.EVIDENCE)
    file.write_text(file.read_text()[:200])
    with pytest.raises(DataLoss, match="restore the file from a backup"):
        keys.ensure("node-1")
    assert len(file.read_text()) == 200


def test_a_lost_key_is_replaced_and_its_certificate_stays_known(keys: SiteKeys) -> None:
    old = _present(keys, Purpose.EVIDENCE)
    keys.files.key(Purpose.EVIDENCE).unlink()
    (record,) = keys.ensure("node-1")
    assert record.purpose == Purpose.EVIDENCE
    assert _record(keys, old).retired is not None
    assert keys.register().is_trusted(old, keys.now)


def test_a_lost_root_is_replaced_by_a_command_only(keys: SiteKeys) -> None:
    api = _present(keys, Purpose.API)
    keys.files.key(Purpose.ROOT).unlink()
    with pytest.raises(BadInput, match="keys rotate root"):
        keys.ensure("node-1")
    keys.rotate(Purpose.ROOT, "node-1")
    assert keys.register().is_trusted(api, keys.now)
    assert keys.missing("node-1", ()) == []


def test_a_lost_register_is_made_again_from_the_keys(keys: SiteKeys) -> None:
    keys.files.register.unlink()
    keys.ensure("node-1")
    assert {one.fingerprint for one in keys.register().certificates} == {
        fingerprint(_present(keys, purpose)) for purpose in Purpose
    }


def _killed_at(step: int, change: Callable[[], object]) -> bool:
    """Run `change` in a child process that ends, as by `kill -9`, at its step-th write to the disk;
    return whether that step was reached.
    """
    child = os.fork()
    if child == 0:
        calls = 0

        def counted(original: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object) -> object:
                nonlocal calls
                calls += 1
                if calls == step:
                    os._exit(9)
                return original(*arguments)

            return call

        os.fsync = counted(os.fsync)  # type: ignore[assignment]
        Path.replace = counted(Path.replace)  # type: ignore[assignment,method-assign]
        try:
            change()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9


@pytest.mark.parametrize("is_revoking", [False, True])
@pytest.mark.parametrize("purpose", [Purpose.ROOT, Purpose.EVIDENCE])
def test_a_rotation_may_be_killed_at_any_step(
    tmp_path: Path, purpose: Purpose, is_revoking: bool
) -> None:
    steps = 0
    while True:
        keys = SiteKeys(tmp_path / str(steps) / "keys", SystemClock())
        keys.ensure("node-1")
        old = certificate_pem(_present(keys, purpose))
        rotate = partial(keys.rotate, purpose, "node-1", is_revoking=is_revoking)
        if not _killed_at(steps + 1, rotate):
            break
        steps += 1
        present = _present(keys, purpose)
        assert keys.register().find(present) is not None
        is_replaced = certificate_pem(present) != old
        if is_replaced or not is_revoking:
            assert keys.register().is_trusted(present, keys.now)
        # The next change completes the interrupted one, or undoes it.
        keys.rotate(purpose, "node-1")
        keys.ensure("node-1")
        in_use = [one for one in keys.register().of(purpose) if one.is_in_use]
        assert [one.fingerprint for one in in_use] == [fingerprint(_present(keys, purpose))]
        assert keys.register().of(purpose)[0].pem == old
        assert keys.register().of(purpose)[0].retired is not None
        assert not list(keys.files.folder.rglob(".*"))
        for each in Purpose:
            assert keys.register().is_trusted(_present(keys, each), keys.now)
    assert steps >= 8, "three files, each synchronised and renamed, with their folders"


def test_a_tls_key_is_replaced_a_month_before_it_expires(tmp_path: Path) -> None:
    clock = ManualClock()
    keys = SiteKeys(tmp_path / "keys", clock)
    keys.ensure("node-1")
    clock.advance((TLS_LIFETIME - RENEWED_BEFORE).total_seconds() - S_PER_DAY)
    assert keys.ensure("node-1") == []
    clock.advance(2 * S_PER_DAY)
    assert keys.missing("node-1") == [Purpose.API, Purpose.NODE]
    assert [one.purpose for one in keys.ensure("node-1")] == ["api", "node"]
    assert keys.missing("node-1") == []
