"""What tests of commands share: the folder of an empty site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.paths.data_layout import Layout
from sightline.processes.store_clients import open_stores
from storage.clients.redis import connect
from tests.buckets import remove_objects

if TYPE_CHECKING:
    from tests.conftest import S3Config


@pytest.fixture
def empty_site(
    valkey_server: str, s3_server: S3Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The data folder of a site without people, whose empty stores the environment names."""
    redis = connect(valkey_server)
    redis.do("FLUSHALL")
    redis.close()
    monkeypatch.setenv("SIGHTLINE_REDIS_URL", valkey_server)
    monkeypatch.setenv("SIGHTLINE_S3_ENDPOINT", s3_server.endpoint)
    monkeypatch.setenv("SIGHTLINE_S3_ACCESS_KEY", s3_server.access_key)
    monkeypatch.setenv("SIGHTLINE_S3_SECRET_KEY", s3_server.secret_key)
    monkeypatch.setenv("SIGHTLINE_S3_BUCKET", "empty-site-tests")
    with open_stores(Layout(tmp_path)) as stores:
        remove_objects(stores.objects)
    return tmp_path
