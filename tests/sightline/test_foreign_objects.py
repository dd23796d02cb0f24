"""Commands on a site whose bucket has objects that Sightline never wrote, or damaged records."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.paths.data_layout import Layout
from domain.paths.object_keys import person_object, registry_object
from sightline.cli import main
from sightline.processes.store_clients import open_stores
from storage.clients.s3 import ObjectStore
from tests.conftest import S3Config
from tests.sightline.processes.test_instance import GOOD


@pytest.fixture
def objects(
    valkey_server: str, s3_server: S3Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ObjectStore]:
    """The object store of a site that the commands reach by its settings."""
    for name, value in {
        "REDIS_URL": valkey_server,
        "S3_ENDPOINT": s3_server.endpoint,
        "S3_ACCESS_KEY": s3_server.access_key,
        "S3_SECRET_KEY": s3_server.secret_key,
        "S3_BUCKET": f"t-{secrets.token_hex(6)}",
        "S3_SECURE": "0",
    }.items():
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    with open_stores(Layout(tmp_path)) as stores:
        stores.redis.do("FLUSHALL")
        yield stores.objects


def test_a_registry_is_applied_despite_foreign_objects(
    objects: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(GOOD)
    command = ["cameras", "apply", str(file), "--data", str(tmp_path), "--json"]
    objects.put("state/registry/zzz", b"junk", "text/plain")
    assert main(command) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["version"] == 1
    assert "state/registry/zzz is not the key of a record" in said.err
    objects.put(registry_object(2), b"{", "application/json")
    assert main(command) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["version"] == 3
    assert f"{registry_object(2)} cannot be read" in said.err


def test_people_are_listed_despite_foreign_objects(
    objects: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path)]
    assert main(["user", "add", "li.wei", "--role", "auditor", *data]) == 0
    objects.put("state/people/zzz", b"junk", "text/plain")
    objects.put(person_object("wang", 1), b"{", "application/json")
    capsys.readouterr()
    assert main(["user", "list", "--json", *data]) == 0
    said = capsys.readouterr()
    (listed,) = json.loads(said.out)
    assert (listed["name"], listed["role"]) == ("li.wei", "auditor")
    assert "state/people/zzz is not the key of a record" in said.err
    assert f"{person_object('wang', 1)} cannot be read" in said.err
