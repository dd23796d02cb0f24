"""Fixtures with real stores, which are empty before each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from tests.kept import START_NS, Relay, Site, record
from tests.storage.events.drawn_city import City
from tests.threads_left import no_thread_left


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    with no_thread_left():
        yield


class S3Config(Protocol):
    endpoint: str
    access_key: str
    secret_key: str
    bucket: str


@pytest.fixture
def redis(valkey_server: str) -> Iterator[Redis]:
    client = connect(valkey_server)
    client.do("FLUSHALL")
    yield client
    client.close()


@pytest.fixture
def objects(s3_server: S3Config) -> Iterator[ObjectStore]:
    client = ObjectStore(
        s3_server.endpoint, s3_server.access_key, s3_server.secret_key, "storage-tests"
    )
    client.ensure_bucket()
    yield client
    for found in list(client.list("")):
        client.delete(found.key)
    client.close()


@dataclass(frozen=True, slots=True)
class RelayedStore:
    """An object store behind a relay, which a test cuts and mends."""

    relay: Relay
    objects: ObjectStore


@pytest.fixture
def relayed(s3_server: S3Config, objects: ObjectStore) -> Iterator[RelayedStore]:
    """The bucket of `objects` by another way."""
    relay = Relay(int(s3_server.endpoint.rpartition(":")[2]))
    client = ObjectStore(
        f"127.0.0.1:{relay.port}", s3_server.access_key, s3_server.secret_key, objects.bucket
    )
    yield RelayedStore(relay, client)
    client.close()
    relay.cut()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_NS)


@pytest.fixture
def site(redis: Redis, objects: ObjectStore, layout: Layout, clock: ManualClock) -> Site:
    record(layout.recordings, "gate", START_NS, 30)
    clock.advance(40)
    return Site(redis, objects, layout, clock)


@pytest.fixture
def city(redis: Redis, objects: ObjectStore, tmp_path: Path) -> Iterator[City]:
    """An index and an archive of several days."""
    city = City(redis, objects, tmp_path / "archive")
    yield city
    city.archive.close()
