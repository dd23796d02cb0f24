"""A bundle gives another machine its own keys and no others."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography import x509

from domain.clock import SystemClock
from domain.errors import BadInput, DataLoss, NewerRecord
from domain.node_names import node_host
from sightline.keys.bundle import TRUST_FILE, export_api, export_node, export_public, read_bundle
from sightline.keys.register import Purpose
from sightline.keys.site_keys import SiteKeys
from sightline.processes.certificates import fingerprint, server_names


@pytest.fixture
def root_machine(tmp_path: Path) -> SiteKeys:
    keys = SiteKeys(tmp_path / "root" / "keys", SystemClock())
    keys.ensure("node-1")
    return keys


@pytest.fixture
def other(tmp_path: Path) -> SiteKeys:
    return SiteKeys(tmp_path / "other" / "keys", SystemClock())


def _held(keys: SiteKeys) -> set[Purpose]:
    return {purpose for purpose in Purpose if keys.key(purpose) is not None}


def test_a_node_gets_its_own_key_and_no_other(
    root_machine: SiteKeys, other: SiteKeys, tmp_path: Path
) -> None:
    file = export_node(root_machine, tmp_path / "out", "node-2")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other.adopt(*read_bundle(file))
    assert _held(other) == {Purpose.NODE}
    node = other.key(Purpose.NODE)
    assert node is not None
    assert server_names(node.certificate) == {node_host("node-2")}
    assert other.register().is_trusted(node.certificate, other.now)
    own = root_machine.key(Purpose.NODE)
    assert own is not None
    assert fingerprint(own.certificate) != fingerprint(node.certificate)
    with pytest.raises(BadInput, match="not on this machine"):
        other.rotate(Purpose.NODE, "node-2")
    with pytest.raises(BadInput, match="on another machine"):
        other.rotate(Purpose.ROOT, "node-2")


def test_a_further_bundle_retires_the_former_key_of_the_node(
    root_machine: SiteKeys, other: SiteKeys, tmp_path: Path
) -> None:
    for _ in range(2):
        other.adopt(*read_bundle(export_node(root_machine, tmp_path / "out", "node-2")))
    for keys in (root_machine, other):
        records = [one for one in keys.register().of(Purpose.NODE) if one.subject == "node-2"]
        assert [one.is_in_use for one in records] == [False, True]


def test_all_former_keys_of_a_stolen_node_are_revoked(
    root_machine: SiteKeys, other: SiteKeys, tmp_path: Path
) -> None:
    for _ in range(2):
        export_node(root_machine, tmp_path / "out", "node-2")
    file = export_node(root_machine, tmp_path / "out", "node-2", is_revoking=True)
    other.adopt(*read_bundle(file))
    for keys in (root_machine, other):
        records = [one for one in keys.register().of(Purpose.NODE) if one.subject == "node-2"]
        assert [one.is_revoked for one in records] == [True, True, False]
    own = root_machine.key(Purpose.NODE)
    assert own is not None
    assert root_machine.register().is_trusted(own.certificate, root_machine.now), "of node-1"


def test_an_api_signs_with_the_key_of_all_apis(
    root_machine: SiteKeys, other: SiteKeys, tmp_path: Path
) -> None:
    other.adopt(*read_bundle(export_api(root_machine, tmp_path / "out", ["10.0.0.3"])))
    assert _held(other) == {Purpose.API, Purpose.API_SIGNING}
    api, signing, own = (
        other.key(Purpose.API),
        other.key(Purpose.API_SIGNING),
        root_machine.key(Purpose.API_SIGNING),
    )
    assert api
    assert signing
    assert own
    assert "10.0.0.3" in server_names(api.certificate)
    assert signing.certificate == own.certificate


def test_public_files_hold_no_key_and_carry_a_rotation(
    root_machine: SiteKeys, other: SiteKeys, tmp_path: Path
) -> None:
    other.adopt(*read_bundle(export_node(root_machine, tmp_path / "out", "node-2")))
    root_machine.rotate(Purpose.ROOT, "node-1", is_revoking=True)
    files = export_public(root_machine, tmp_path / "public")
    assert not any("PRIVATE KEY" in file.read_text() for file in files)
    exported = {
        x509.load_pem_x509_certificate(file.read_bytes()) for file in files if file.suffix == ".pem"
    }
    assert exported == {one.certificate for one in root_machine.register().certificates}
    other.adopt(*read_bundle(tmp_path / "public" / TRUST_FILE))
    node = other.key(Purpose.NODE)
    assert node is not None
    assert not other.register().is_trusted(node.certificate, other.now), "its root was revoked"
    assert other.register().trusted_roots(other.now) == root_machine.register().trusted_roots(
        root_machine.now
    )


def test_keys_of_another_site_are_refused(
    root_machine: SiteKeys, other: SiteKeys, tmp_path: Path
) -> None:
    other.ensure("node-2")
    before = other.files.register.read_bytes()
    with pytest.raises(BadInput, match="another site"):
        other.adopt(*read_bundle(export_node(root_machine, tmp_path / "out", "node-2")))
    assert other.files.register.read_bytes() == before


def test_a_node_has_a_name_that_a_setting_could_have(
    root_machine: SiteKeys, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="SIGHTLINE_NODE"):
        export_node(root_machine, tmp_path / "out", "../node")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_bundle_is_named(root_machine: SiteKeys, tmp_path: Path) -> None:
    file = export_node(root_machine, tmp_path, "node-2")
    bundle = json.loads(file.read_text())
    cases: list[dict[str, object]] = [
        {},
        bundle | {"keys": {"node": "x"}},
        bundle | {"keys": {"other": "x"}},
    ]
    for damaged in cases:
        file.write_text(json.dumps(damaged))
        with pytest.raises(DataLoss, match=r"node-node-2\.json"):
            read_bundle(file)
    file.write_text(json.dumps(bundle | {"schema": 2}))
    with pytest.raises(NewerRecord):
        read_bundle(file)
