"""Recordings whose bytes differ from their hashes, on the disk and in the object store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from api.app import make_app
from domain.clock import NS_PER_MS, ManualClock, SystemClock, rfc3339
from domain.errors import IndexUnavailable
from domain.paths.object_keys import RECORDINGS_PREFIX, segment_object
from domain.paths.segment_name import SegmentName
from domain.people import Role
from storage.clients.redis import connect
from storage.clients.s3 import ObjectStore, ObjectStream
from storage.recordings.damaged_fragments import DamagedFragment, DamagedFragments
from tests.api.cameras.recorded_site import (
    Record,
    address,
    at,
    damaged_gaps,
    receive,
    record_hashed,
    store,
    store_index,
)

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.conftest import S3Config


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().wall_ns())


def test_a_damaged_fragment_is_never_sent_and_then_omitted(site: Site) -> None:
    record_hashed(site)
    site.hold("east-gate")
    whole = site.get(address(0, 12))
    (path,) = site.layout.recordings_of("east-gate").rglob("*.mp4")
    intact = path.read_bytes()
    damaged = bytearray(intact)
    damaged[len(intact) // 2] ^= 1
    path.write_bytes(damaged)
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        receive(site, address(0, 12), received)
    assert whole.content.startswith(bytes(received))
    (found,) = site.context.damaged.all()
    assert path.name in found
    etag = whole.headers["ETag"]
    again = site.get(address(0, 12), Range="bytes=0-", If_Range=etag)
    assert (again.status_code, again.headers["ETag"] == etag) == (200, False)
    start, _, end = again.headers["Sightline-Gaps"].partition("/")
    assert rfc3339(at(4)) < start < end < rfc3339(at(8))
    assert int(again.headers["Content-Length"]) == len(again.content)
    assert damaged_gaps(site, 0, 12) == [(start, end)]
    assert damaged_gaps(site, 5.5, 5.6) in ([], [(rfc3339(at(5.5)), rfc3339(at(5.6)))])
    assert damaged_gaps(site, 0, 4) == []
    # Another process, which has read nothing, omits it too.
    with site.serve(make_app(site.context)) as url:
        headers = {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}", "X-Reason": "a test"}
        other = site.http.get(url + address(0, 12), headers=headers)
        assert (other.status_code, other.content) == (200, again.content)
        assert other.headers["ETag"] == again.headers["ETag"]
    path.write_bytes(intact)  # restored from a backup
    restored = site.get(address(0, 12))
    assert (restored.content, restored.headers["Sightline-Gaps"]) == (whole.content, "none")
    assert damaged_gaps(site, 0, 12) == []


def test_a_file_that_was_changed_since_it_was_verified_is_compared_again(site: Site) -> None:
    record_hashed(site)
    site.hold("east-gate")
    whole = site.get(address(0, 12))
    (path,) = site.layout.recordings_of("east-gate").rglob("*.mp4")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    # The segments were listed a moment ago, and all of their fragments were verified then.
    middle, etag = len(whole.content) // 2, whole.headers["ETag"]
    part = f"bytes={middle - 2000}-{middle + 2000}"
    with pytest.raises(httpx.RemoteProtocolError):
        site.get(address(0, 12), Range=part, If_Range=etag)
    again = site.get(address(0, 12), Range=part, If_Range=etag)
    assert (again.status_code, again.headers["ETag"] == etag) == (200, False)
    assert damaged_gaps(site, 0, 12) != []


def test_damage_that_redis_does_not_accept_is_recorded_later(
    open_site: OpenSite, valkey_server: str
) -> None:
    fragments = RefusingFragments(connect(valkey_server))
    site = open_site(damaged_fragments=fragments)
    record_hashed(site)
    site.hold("east-gate")
    (path,) = site.layout.recordings_of("east-gate").rglob("*.mp4")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(httpx.RemoteProtocolError):
        receive(site, address(0, 12), bytearray())
    # This process knows it, and no other process does.
    without = site.get(address(0, 12))
    assert (without.status_code, without.headers["Sightline-Gaps"] == "none") == (200, False)
    fragments.refuses = False
    assert site.get(address(0, 12)).content == without.content
    assert len(fragments.of("east-gate")) == 1
    assert len(damaged_gaps(site, 0, 12)) == 1


class RefusingFragments(DamagedFragments):
    """Damaged fragments in a Redis that does not respond for a while."""

    refuses = True

    def add(self, camera_id: str, found: DamagedFragment) -> None:
        if self.refuses:
            raise IndexUnavailable("Redis does not respond")
        super().add(camera_id, found)

    def of(self, camera_id: str) -> list[DamagedFragment]:
        if self.refuses:
            raise IndexUnavailable("Redis does not respond")
        return super().of(camera_id)


class ReadingsObjects(ObjectStore):
    """Notes which ranges of segments are read."""

    def __init__(self, config: S3Config) -> None:
        super().__init__(config.endpoint, config.access_key, config.secret_key, "api-tests")
        self.readings: list[tuple[int, int | None]] = []

    def read(self, key: str, offset: int = 0, length: int | None = None) -> ObjectStream:
        if key.startswith(RECORDINGS_PREFIX):
            self.readings.append((offset, length))
        return super().read(key, offset, length)


def test_a_stored_segment_with_an_index_is_verified_and_read_only_where_it_is_needed(
    open_site: OpenSite, s3_server: S3Config
) -> None:
    objects = ReadingsObjects(s3_server)
    site = open_site(objects_asked=objects)
    record_hashed(site, "west-gate")
    site.hold("west-gate")
    whole = site.get(address(0, 12, "west-gate"))
    (path,) = site.layout.recordings_of("west-gate").rglob("*.mp4")
    store_index(site)
    store(site, path)
    # The same file, whose hashes prove that nothing changed.
    middle = len(whole.content) // 2
    part, etag = f"bytes={middle}-{middle + 9}", whole.headers["ETag"]
    objects.readings.clear()
    for _ in range(2):
        answer = site.get(address(0, 12, "west-gate"), Range=part, If_Range=etag)
        assert (answer.status_code, answer.content) == (206, whole.content[middle : middle + 10])
    (verified, exact) = objects.readings
    assert (verified[1] or 0) > 10
    assert exact[1] == 10
    assert site.get(address(0, 12, "west-gate")).content == whole.content


def test_a_damaged_fragment_in_the_object_store_is_never_sent_and_then_omitted(
    open_site: OpenSite,
) -> None:
    site = open_site()
    record_hashed(site, "west-gate")
    site.hold("west-gate")
    whole = site.get(address(0, 12, "west-gate"))
    (path,) = site.layout.recordings_of("west-gate").rglob("*.mp4")
    store_index(site)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    store(site, path)
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        receive(site, address(0, 12, "west-gate"), received)
    assert whole.content.startswith(bytes(received))
    (found,) = site.context.damaged.all()
    assert path.name in found
    again = site.get(address(0, 12, "west-gate"), Range="bytes=0-", If_Range=whole.headers["ETag"])
    assert (again.status_code, again.headers["ETag"] == whole.headers["ETag"]) == (200, False)
    start, _, end = again.headers["Sightline-Gaps"].partition("/")
    assert rfc3339(at(4)) < start < end < rfc3339(at(8))
    assert damaged_gaps(site, 0, 12, "west-gate") == [(start, end)]


def test_without_an_index_the_content_of_a_stored_segment_is_part_of_the_etag(
    open_site: OpenSite, record: Record
) -> None:
    site = open_site()
    path = record(site.layout, "school", at(300), 4)
    content = path.read_bytes()
    store(site, path)
    site.hold("school")
    before = site.get(address(300, 304, "school"))
    etag = before.headers["ETag"]
    changed = bytearray(content)
    changed[content.rindex(b"mdat") + 20] ^= 1
    name = SegmentName("school", at(300) // NS_PER_MS, 4000, 1)
    site.context.objects.put(segment_object(name), bytes(changed), "video/mp4")
    # What was listed is not there any more, and nothing of the new content has the old ETag.
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        receive(site, address(300, 304, "school"), received)
    assert before.content.startswith(bytes(received))
    after = site.get(address(300, 304, "school"), Range="bytes=0-9", If_Range=etag)
    assert (after.status_code, after.headers["ETag"] == etag) == (200, False)
    assert after.content != before.content
