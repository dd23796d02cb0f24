"""Redis and the object store over TLS: certificate and name are verified, whatever the URL says."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from domain.clock import SystemClock
from domain.errors import BadInput, IndexUnavailable, ObjectsUnavailable
from domain.paths.data_layout import Layout
from domain.settings import Settings, check_settings
from sightline.processes.store_clients import connected
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from tests.tls_relay import TlsFiles, make_files, tls_relay

if TYPE_CHECKING:
    from tests.conftest import S3Config

VERIFY_FAILED = "CERTIFICATE_VERIFY_FAILED"


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    return make_files(tmp_path / "own", "127.0.0.1", "localhost")


def _secure(url: str, port: int) -> str:
    login = urlsplit(url).netloc.rpartition("@")[0]
    return f"rediss://{login}@127.0.0.1:{port}/0"


def test_redis_is_verified_by_its_authority(
    valkey_server: str, files: TlsFiles, tmp_path: Path
) -> None:
    with tls_relay(urlsplit(valkey_server).port or 0, files.server) as port:
        url = _secure(valkey_server, port)
        trusting = connect(url, files.authority)
        trusting.ping()
        again: Redis = pickle.loads(pickle.dumps(trusting))
        again.ping()
        other = make_files(tmp_path / "other", "127.0.0.1")
        for client in (connect(url), connect(url, other.authority)):
            with pytest.raises(IndexUnavailable, match=VERIFY_FAILED):
                client.ping()


def test_redis_under_another_name_is_refused(valkey_server: str, tmp_path: Path) -> None:
    files = make_files(tmp_path / "own", "redis.example")
    with (
        tls_relay(urlsplit(valkey_server).port or 0, files.server) as port,
        pytest.raises(IndexUnavailable, match="mismatch"),
    ):
        connect(_secure(valkey_server, port), files.authority).ping()


@pytest.mark.parametrize("query", ["ssl_cert_reqs=none", "ssl_check_hostname=false&db=0"])
@pytest.mark.parametrize("scheme", ["rediss", "rediss+cluster"])
def test_no_parameter_of_the_url_switches_verification_off(scheme: str, query: str) -> None:
    with pytest.raises(IndexUnavailable, match="SIGHTLINE_REDIS_CA") as refused:
        connect(f"{scheme}://:hunter2@127.0.0.1:1/0?{query}")
    assert "hunter2" not in str(refused.value)


def test_redis_without_tls_needs_no_authority(valkey_server: str, files: TlsFiles) -> None:
    connect(valkey_server, files.authority).ping()


def test_the_object_store_is_verified_by_its_authority(
    s3_server: S3Config, files: TlsFiles, tmp_path: Path
) -> None:
    def store(port: int, ca_file: Path | None, host: str = "127.0.0.1") -> ObjectStore:
        keys = (s3_server.access_key, s3_server.secret_key)
        return ObjectStore(f"{host}:{port}", *keys, "tls-tests", True, ca_file)

    with tls_relay(int(s3_server.endpoint.rpartition(":")[2]), files.server) as port:
        trusting = store(port, files.authority)
        trusting.ensure_bucket()
        trusting.put("x", b"1", "text/plain")
        again: ObjectStore = pickle.loads(pickle.dumps(trusting))
        assert again.get("x") == b"1"
        other = make_files(tmp_path / "other", "127.0.0.1")
        for client in (store(port, None), store(port, other.authority)):
            with pytest.raises(ObjectsUnavailable, match=VERIFY_FAILED):
                client.ping()
    renamed = make_files(tmp_path / "renamed", "s3.example")
    with (
        tls_relay(int(s3_server.endpoint.rpartition(":")[2]), renamed.server) as port,
        pytest.raises(ObjectsUnavailable, match="mismatch"),
    ):
        store(port, renamed.authority).ping()


def test_the_settings_name_the_authorities(
    valkey_server: str, s3_server: S3Config, files: TlsFiles, tmp_path: Path
) -> None:
    s3_port = int(s3_server.endpoint.rpartition(":")[2])
    with (
        tls_relay(urlsplit(valkey_server).port or 0, files.server) as redis_tls,
        tls_relay(s3_port, files.server) as s3_tls,
    ):
        settings = Settings.model_validate(
            {
                "redis_url": _secure(valkey_server, redis_tls),
                "redis_ca": files.authority,
                "s3_endpoint": f"127.0.0.1:{s3_tls}",
                "s3_access_key": s3_server.access_key,
                "s3_secret_key": s3_server.secret_key,
                "s3_bucket": "tls-tests",
                "s3_secure": True,
                "s3_ca": files.authority,
            }
        )
        stores = connected(settings, Layout(tmp_path), SystemClock())
        stores.redis.ping()
        stores.objects.ensure_bucket()
        stores.close()


@pytest.mark.parametrize("name", ["SIGHTLINE_REDIS_CA", "SIGHTLINE_S3_CA"])
def test_an_authority_that_is_not_there_is_named_at_start(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "/nowhere/hunter2.pem")
    with pytest.raises(BadInput, match=name):
        check_settings()
