"""The client to the object store, on a real SeaweedFS."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from domain.errors import NotFound, ObjectsUnavailable
from storage.clients.s3 import MOST_IDLE, PART_BYTES, ObjectStore


def test_what_is_put_is_got(objects: ObjectStore) -> None:
    objects.put("a/one", b"first", "text/plain")
    objects.put("a/one", b"second", "text/plain")
    assert objects.get("a/one") == b"second"
    stat = objects.stat("a/one")
    assert stat is not None
    assert stat.size_bytes == 6
    assert stat.etag == hashlib.md5(b"second").hexdigest()


def test_an_empty_object_is_one(objects: ObjectStore) -> None:
    objects.put("empty", b"", "text/plain")
    assert objects.get("empty") == b""


@pytest.mark.parametrize(
    ("offset", "length"), [(0, None), (0, 1), (10, 100), (99_990, 10), (99_990, None), (50, 0)]
)
def test_a_range_is_what_was_asked(objects: ObjectStore, offset: int, length: int | None) -> None:
    data = bytes(n * 7 % 251 for n in range(100_000))
    objects.put("range", data, "video/mp4")
    assert (
        b"".join(objects.read("range", offset, length))
        == data[offset : None if length is None else offset + length]
    )


def test_a_stream_may_be_left(objects: ObjectStore) -> None:
    objects.put("left", b"x" * 300_000, "video/mp4")
    stream = objects.read("left")
    assert next(stream)
    stream.close()
    assert list(stream) == []


def test_a_file_larger_than_a_part_arrives_whole(objects: ObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(range(256)) * ((PART_BYTES + 1024) // 256))
    objects.put_file("large", path, "video/mp4")
    digest = hashlib.sha256()
    for chunk in objects.read("large"):
        digest.update(chunk)
    assert digest.hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_listing_is_by_key_and_whole(objects: ObjectStore) -> None:
    keys = [f"list/{n // 10}/{n:04d}" for n in range(25)]
    for key in reversed(keys):
        objects.put(key, b"1", "text/plain")
    objects.put("other", b"1", "text/plain")
    assert [found.key for found in objects.list("list/")] == keys
    assert [found.size_bytes for found in objects.list("list/0/")] == [1] * 10


def test_what_is_not_there(objects: ObjectStore) -> None:
    assert objects.stat("no/such") is None
    with pytest.raises(NotFound, match="no/such"):
        objects.read("no/such")
    objects.delete("no/such")


def test_the_bucket_may_be_there(objects: ObjectStore) -> None:
    objects.ensure_bucket()
    objects.ping()


def test_a_dead_store_is_reported_plainly() -> None:
    store = ObjectStore("127.0.0.1:1", "key", "secret", "bucket")
    for call in (
        lambda: store.get("x"),
        lambda: store.stat("x"),
        lambda: store.put("x", b"", "y"),
        lambda: list(store.list("x")),
        store.ping,
    ):
        with pytest.raises(ObjectsUnavailable, match="object store"):
            call()
    store.close()


def test_a_wrong_key_is_refused(objects: ObjectStore, s3_server: object) -> None:
    endpoint = str(getattr(s3_server, "endpoint"))  # noqa: B009 - the fixture's type lives in tests/conftest.py
    store = ObjectStore(endpoint, "unknown", "wrong-secret", objects.bucket)
    with pytest.raises(ObjectsUnavailable, match="refused"):
        store.get("x")
    store.close()


@pytest.mark.parametrize("endpoint", ["http://key:hunter2@h:1", "key:hunter2@h:1/x", "key:hunter2"])
def test_an_endpoint_that_cannot_be_read_is_not_repeated(endpoint: str) -> None:
    with pytest.raises(ObjectsUnavailable, match="SIGHTLINE_S3_ENDPOINT") as refused:
        ObjectStore(endpoint, "key", "secret", "bucket")
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"
    assert refused.value.__suppress_context__


def test_connections_of_many_streams_are_used_again_and_nothing_is_warned_of(
    objects: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    objects.put("shared", b"x" * 200_000, "video/mp4")
    objects._http.clear()

    def read(streams: int) -> int:
        held = [objects.read("shared") for _ in range(streams)]
        assert all(len(b"".join(stream)) == 200_000 for stream in held)
        pool = objects._http.connection_from_url(objects._client._base_url._url.geturl())
        return pool.num_connections

    assert (read(100), read(100)) == (100, 100)
    read(MOST_IDLE + 20)
    assert [record.getMessage() for record in caplog.records] == []
