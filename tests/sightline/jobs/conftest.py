"""A site with watches on real stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.clients.s3 import ObjectStore
from tests.buckets import remove_objects
from tests.sightline.jobs.watch_city import City

if TYPE_CHECKING:
    from tests.conftest import S3Config


@pytest.fixture
def city(valkey_server: str, s3_server: S3Config, tmp_path: Path) -> Iterator[City]:
    objects = ObjectStore(
        s3_server.endpoint, s3_server.access_key, s3_server.secret_key, "watch-tests"
    )
    objects.ensure_bucket()
    remove_objects(objects)
    made = City(valkey_server, objects, tmp_path)
    yield made
    made.redis.close()
    objects.close()
