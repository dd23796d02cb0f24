"""Recordings as files: whole, as byte ranges, and from segments in several places."""

from __future__ import annotations

import base64
import email
import hashlib
import io
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import av
import httpx
import pytest

from api.app import make_app
from api.cameras import layout_reader, recording_files, recordings
from api.cameras.read_ahead import read_ahead
from api.cameras.recording_files import FRESH_S
from api.node_api.app import make_node_api
from api.node_api.context import NodeApiContext
from api.nodes.client import NodeClient, NodeStream
from api.nodes.segment_lists import SegmentList
from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_MS, NS_PER_S, S_PER_DAY, ManualClock, SystemClock, rfc3339
from domain.errors import IndexUnavailable, NotFound
from domain.paths.data_layout import Layout
from domain.paths.object_keys import RECORDINGS_PREFIX, segment_object
from domain.paths.segment_name import SegmentName
from domain.people import Role
from domain.settings import Settings
from ingest.recording.segments import Segments
from storage.clients.redis import connect
from storage.clients.s3 import ObjectStore, ObjectStream
from storage.events.spool import Spool
from storage.recordings.damaged_fragments import DamagedFragment, DamagedFragments
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger, open_name
from storage.recordings.trigger_log import TriggerLog
from storage.recordings.virtual.index_uploads import IndexUploads
from storage.recordings.virtual.layout_records import StoredRecord
from storage.recordings.virtual.layouts import RecordingIndex
from storage.recordings.virtual.stored_index import StoredIndex
from tests.api.site_data import SIGNER, heads_of, key_of_api, layouts_of
from tests.live_station import detection_streams, live_streams
from tests.recorded import PLAIN, packets_of

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.conftest import S3Config

START_NS = SystemClock().wall_ns() // NS_PER_S * NS_PER_S - 1800 * NS_PER_S
Record = Callable[[Layout, str, int, float], Path]


def at(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


def address(from_s: float, to_s: float, camera: str = "east-gate") -> str:
    return f"/v1/cameras/{camera}/recording?from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"


def store(site: Site, path: Path) -> None:
    """Move a segment to the object store, as after its time on the disk."""
    name = SegmentName.parse(path.name)
    assert name is not None
    site.context.objects.put_file(segment_object(name), path, "video/mp4")
    site.context.stored.forget(name.camera_id)
    path.unlink()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().wall_ns())


@pytest.fixture
def whole(site: Site, record: Record) -> bytes:
    record(site.layout, "east-gate", at(0), 4)
    site.hold("east-gate")
    return site.get(address(1, 4)).content


def test_a_part_is_the_same_bytes(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range="bytes=100-299")
    assert (answer.status_code, answer.content) == (206, whole[100:300])
    assert answer.headers["Content-Range"] == f"bytes 100-299/{len(whole)}"
    assert site.get(address(1, 4), Range="bytes=-50").content == whole[-50:]


def test_a_part_of_another_file_is_the_whole(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range="bytes=0-9", If_Range='"another"')
    assert (answer.status_code, answer.content) == (200, whole)
    etag = answer.headers["ETag"]
    assert site.get(address(1, 4), Range="bytes=0-9", If_Range=etag).content == whole[:10]


def test_several_parts_are_one_response(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range="bytes=0-9,100-199, -20")
    assert answer.status_code == 206
    assert answer.headers["Content-Length"] == str(len(answer.content))
    kind = answer.headers["Content-Type"]
    parts = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + answer.content)
    assert [part.get_payload(decode=True) for part in parts.walk()][1:] == [
        whole[:10],
        whole[100:200],
        whole[-20:],
    ]
    last = f"bytes {len(whole) - 20}-{len(whole) - 1}/{len(whole)}"
    assert [part["Content-Range"] for part in parts.walk()][1:] == [
        f"bytes 0-9/{len(whole)}",
        f"bytes 100-199/{len(whole)}",
        last,
    ]
    assert site.get(address(1, 4), Range=f"bytes={'0-1,' * 17}").status_code == 416


def test_a_deleted_segment_makes_another_file(
    open_site: OpenSite, record: Record, clock: ManualClock
) -> None:
    site = open_site(clock=clock)
    paths = [record(site.layout, "east-gate", at(start_s), 4) for start_s in (0, 4, 8)]
    site.hold("east-gate")
    before = site.get(address(1, 12))
    clock.advance(FRESH_S)
    assert site.get(address(1, 12), Range="bytes=5-9").content == before.content[5:10]
    paths[1].unlink()
    clock.advance(FRESH_S)
    etag = before.headers["ETag"]
    after = site.get(address(1, 12), Range="bytes=5-9", If_Range=etag)
    assert (after.status_code, len(after.content)) == (200, int(after.headers["Content-Length"]))
    assert after.headers["ETag"] != etag
    assert after.headers["Sightline-Gaps"] == f"{rfc3339(at(4))}/{rfc3339(at(8))}"


def test_a_segment_that_is_deleted_while_it_is_sent_ends_the_response(
    open_site: OpenSite, record: Record, clock: ManualClock
) -> None:
    site = open_site(clock=clock)
    paths = [record(site.layout, "east-gate", at(start_s), 4) for start_s in (0, 4)]
    site.hold("east-gate")
    before = site.get(address(0, 8))
    paths[1].unlink()
    with pytest.raises(httpx.RemoteProtocolError):
        site.get(address(0, 8), Range="bytes=0-")
    # The next request lists the segments again at once.
    again = site.get(address(0, 8), Range="bytes=0-", If_Range=before.headers["ETag"])
    assert again.status_code == 200
    assert again.headers["ETag"] != before.headers["ETag"]
    assert again.headers["Sightline-Gaps"] == f"{rfc3339(at(4))}/{rfc3339(at(8))}"


def test_the_digest_of_the_whole_file_is_sent_on_request(site: Site, whole: bytes) -> None:
    digest = base64.b64encode(hashlib.sha256(whole).digest()).decode()
    answer = site.get(address(1, 4), Want_Repr_Digest="md5=3, sha-256=10")
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    part = site.get(address(1, 4), Want_Repr_Digest="sha-256=10", Range="bytes=10-19")
    assert part.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    head = site.get(address(1, 4), method="HEAD", Want_Repr_Digest="sha-256=1")
    assert head.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    for unwanted in ("sha-256=0", "sha-512=5", "sha-256=99"):
        assert "Repr-Digest" not in site.get(address(1, 4), Want_Repr_Digest=unwanted).headers
    assert "Repr-Digest" not in site.get(address(1, 3602), Want_Repr_Digest="sha-256=1").headers


class NoMediaClient(NodeClient):
    """A client that requests no layout and no byte of a segment from a node."""

    def layouts(
        self, node_api_url: str, node: str, camera_id: str, from_ns: int, to_ns: int
    ) -> list[StoredRecord]:
        raise AssertionError("a layout was requested from a node")

    def segment_part(
        self, node_api_url: str, node: str, camera_id: str, name: str, part: tuple[int, int]
    ) -> NodeStream:
        raise AssertionError("bytes were requested from a node")


def record_hashed(site: Site, camera_id: str = "east-gate") -> None:
    """Record 12 s as one segment, with the hashes of its fragments in the recording index."""
    segments = Segments(
        camera_id,
        site.layout.recordings_of(camera_id),
        lambda: 1,
        20.0,
        pytest.fail,
        lambda start_ns, end_ns, cause: None,
        index=RecordingIndex(site.layout.recording_index),
    )
    packets = packets_of(PLAIN, start_ns=at(0))
    for first in range(0, len(packets), 25):
        segments.write(packets[first : first + 25])
    segments.close()


class OtherCameraClient(NodeClient):
    """A client of a stolen node, which lists a segment of another camera."""

    def segments(
        self,
        node_api_url: str,
        node: str,
        camera_id: str,
        from_ns: int,
        to_ns: int,
        with_heads: bool = True,
    ) -> SegmentList:
        listed = super().segments(node_api_url, node, "west-gate", from_ns, to_ns, with_heads)
        assert listed.rows
        return listed


def test_a_node_cannot_lend_the_recording_of_another_camera(open_site: OpenSite) -> None:
    site = open_site(node_client=OtherCameraClient(SIGNER, SystemClock()))
    record_hashed(site, "west-gate")
    site.hold("east-gate")
    answer = site.get(address(1, 11))
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )


def test_segments_on_the_same_machine_are_read_without_their_node(open_site: OpenSite) -> None:
    site = open_site(node_client=NoMediaClient(SIGNER, SystemClock()))
    record_hashed(site)
    site.hold("east-gate")
    answer = site.get(address(1, 11))
    assert (answer.status_code, answer.headers["Sightline-Gaps"]) == (200, "none")
    assert int(answer.headers["Content-Length"]) == len(answer.content)


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
        _receive(site, address(0, 12), received)
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


def damaged_gaps(
    site: Site, from_s: float, to_s: float, camera: str = "east-gate"
) -> list[tuple[str, str]]:
    """Return the damaged parts in the coverage of a range, in which nothing else is missing."""
    span = f"from={rfc3339(at(from_s))}&to={rfc3339(at(to_s))}"
    answer = site.get(f"/v1/cameras/{camera}/coverage?{span}").json()
    assert {gap["cause"] for gap in answer["gaps"]} <= {"damaged"}
    edges = [answer["from"], *(part[end] for part in answer["recorded"] for end in ("from", "to"))]
    assert edges == sorted(edges)
    gaps = [(gap["from"], gap["to"]) for gap in answer["gaps"]]
    recorded = {(part["from"], part["to"]) for part in answer["recorded"]}
    assert not recorded & set(gaps)
    return gaps


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
        _receive(site, address(0, 12), bytearray())
    # The process knows it, and nobody else does.
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


def store_index(site: Site) -> None:
    """Upload the recording index of the site's node."""
    uploads = IndexUploads(
        RecordingIndex(site.layout.recording_index),
        StoredIndex(site.context.objects, ManualClock(at(0))),
        "node-1",
        ManualClock(at(0)),
    )
    uploads.add("west-gate", at(0))
    assert uploads.run_once(threading.Event()) > 0


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
        _receive(site, address(0, 12, "west-gate"), received)
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
        _receive(site, address(300, 304, "school"), received)
    assert before.content.startswith(bytes(received))
    after = site.get(address(300, 304, "school"), Range="bytes=0-9", If_Range=etag)
    assert (after.status_code, after.headers["ETag"] == etag) == (200, False)
    assert after.content != before.content


def _receive(site: Site, path: str, received: bytearray) -> None:
    headers = {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}", "X-Reason": "a test"}
    with site.http.stream("GET", site.url + path, headers=headers) as answer:
        for chunk in answer.iter_raw():
            received += chunk


def test_all_ranges_of_a_file_are_one_line_of_the_audit_log(site: Site, whole: bytes) -> None:
    lines = len(site.audit_lines())
    for first in range(0, 1000, 100):
        site.get(address(1, 4), Range=f"bytes={first}-{first + 99}")
    assert len(site.audit_lines()) == lines == 1


def test_while_the_end_is_recorded_the_answer_is_the_address_of_a_fixed_range(
    site: Site, record: Record
) -> None:
    written = record(site.layout, "east-gate", at(0), 10)
    written.rename(written.with_name(open_name("east-gate", at(0) // NS_PER_MS, 1)))
    site.statuses.append(
        CameraStatus("east-gate", CameraState.LIVE, at(0), recorded_until_ns=at(10))
    )
    site.hold("east-gate")
    answer = site.get(address(1, 60))
    fixed_range = httpx.URL(answer.headers["Location"])
    assert (answer.status_code, fixed_range.params) == (307, httpx.URL(address(1, 8)).params)
    fixed = site.get(answer.headers["Location"])
    assert (fixed.status_code, fixed.headers["Sightline-Gaps"]) == (200, "none")


def test_a_range_outside_the_file_is_refused(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), Range=f"bytes={len(whole)}-")
    assert (answer.status_code, answer.json()["type"]) == (
        416,
        "urn:sightline:problem:range_not_satisfiable",
    )
    assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"


def test_a_head_request_has_no_body(site: Site, whole: bytes) -> None:
    answer = site.get(address(1, 4), method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(whole))
    assert answer.headers["Sightline-Gaps"] == "none"


def test_segments_on_a_node_and_in_the_object_store_are_one_file(
    open_site: OpenSite, record: Record
) -> None:
    site = open_site()
    for start_s in (0, 4, 8):
        path = record(site.layout, "west-gate", at(start_s), 4)
        if start_s != 4:
            store(site, path)
    site.hold("west-gate")
    answer = site.get(address(1, 11, "west-gate"))
    assert (answer.status_code, answer.headers["Sightline-Gaps"]) == (200, "none")
    with av.open(io.BytesIO(answer.content), "r") as container:
        times = [frame.time or 0 for frame in container.decode(video=0)]
    assert len([time for time in times if 0 <= time < 10]) == 100
    part = site.get(address(1, 11, "west-gate"), Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, answer.content[10:20])
    assert site.get(address(1, 11, "west-gate"), method="HEAD").headers["Content-Length"] == str(
        len(answer.content)
    )


def test_without_a_node_only_its_own_segments_are_missing(
    open_site: OpenSite, record: Record
) -> None:
    site = open_site()
    store(site, record(site.layout, "school", at(0), 4))
    site.hold("school", "node-7", "http://127.0.0.1:9")
    assert site.get(address(0, 4, "school")).status_code == 200
    answer = site.get(address(100, 104, "school"))
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )


def test_a_range_with_too_much_to_read_in_the_store_is_refused(
    open_site: OpenSite, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_site()
    store(site, record(site.layout, "school", at(200), 4))
    site.hold("school")
    monkeypatch.setattr(layout_reader, "MOST_UNKNOWN_BYTES", 1000)
    answer = site.get(address(200, 204, "school"))
    assert answer.status_code == 400
    assert "request it in parts" in answer.json()["detail"]


def test_more_gaps_than_a_header_holds_are_in_the_linked_coverage(
    site: Site, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start_s in (0, 6, 12, 18):
        record(site.layout, "east-gate", at(start_s), 2)
    site.hold("east-gate")
    all_listed = site.get(address(0, 20))
    assert len(all_listed.headers["Sightline-Gaps"].split(", ")) == 3
    assert "Link" not in all_listed.headers
    monkeypatch.setattr(recordings, "MOST_RANGES_BYTES", 160)
    answer = site.get(address(0, 20))
    gaps = answer.headers["Sightline-Gaps"]
    assert gaps == f"{rfc3339(at(2))}/{rfc3339(at(6))}, {rfc3339(at(8))}/{rfc3339(at(12))}, more"
    assert len(gaps) <= 160
    coverage = site.get(answer.links["describedby"]["url"]).json()
    found = [(gap["from"], gap["to"]) for gap in coverage["gaps"]]
    assert found == [(rfc3339(at(end)), rfc3339(at(end + 4))) for end in (2, 8, 14)]


@contextmanager
def another_node(site: Site, folder: Path) -> Iterator[tuple[Layout, str]]:
    """Start a second node with its own disk; return its layout and the URL of its node API."""
    layout, clock = Layout(folder), SystemClock()
    ledger, gaps, triggers = (
        Ledger(layout.recordings),
        GapLog(layout, clock),
        TriggerLog(layout, Settings()),
    )
    node_api = make_node_api(
        NodeApiContext(
            "node-2",
            key_of_api,
            Spool(layout, clock),
            ledger,
            gaps,
            lambda: (),
            _no_picture,
            live_streams(layout).watch,
            detection_streams(layout).watch,
            layouts_of(layout),
            heads_of(layout),
            clock,
            triggers,
        )
    )
    with site.serve(node_api) as url:
        yield layout, url


def _no_picture(camera_id: str, is_sub: bool) -> bytes:
    raise NotFound(f"{camera_id} has shown nothing")


def times_of(content: bytes) -> list[float]:
    with av.open(io.BytesIO(content), "r") as container:
        return [time for frame in container.decode(video=0) if (time := frame.time or 0) >= 0]


def test_a_camera_that_moved_is_one_file_and_one_playlist_over_both_nodes(
    site: Site, record: Record, tmp_path: Path
) -> None:
    with another_node(site, tmp_path / "node-2") as (layout, url):
        record(layout, "east-gate", at(0), 4)
        record(site.layout, "east-gate", at(4), 4)
        site.hold("east-gate", "node-2", url)
        site.hold("east-gate")
        answer = site.get(address(1, 7))
        assert (
            answer.status_code,
            answer.headers["Sightline-Gaps"],
            answer.headers["Sightline-Offline"],
        ) == (200, "none", "none")
        assert len([time for time in times_of(answer.content) if time < 6]) == 60
        playlist = site.get(address(1, 7).replace("/recording", "/playlist")).json()
        assert len(playlist["segments"]) == 2
        assert [site.get(one["media"]).status_code for one in playlist["segments"]] == [200, 200]
    answer = site.get(address(1, 7))  # and with the second node down, what this one has
    assert (answer.status_code, answer.headers["Sightline-Offline"]) == (200, "node-2")
    assert answer.headers["Sightline-Gaps"] == f"{rfc3339(at(1))}/{rfc3339(at(4))}"
    assert site.get(address(1, 3)).status_code == 503


def test_segments_of_another_node_are_read_ahead(
    site: Site, record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of this machine are read as they are sent."""
    ahead: list[Generator[bytes]] = []

    def noted(chunks: Generator[bytes]) -> Generator[bytes]:
        ahead.append(chunks)
        return read_ahead(chunks)

    monkeypatch.setattr(recording_files, "READ_AHEAD_FROM_BYTES", 0)
    monkeypatch.setattr(recording_files, "read_ahead", noted)
    with another_node(site, tmp_path / "node-2") as (layout, url):
        moved = record(layout, "east-gate", at(0), 4)
        record(site.layout, "east-gate", at(4), 4)
        site.hold("east-gate", "node-2", url)
        site.hold("east-gate")
        answer = site.get(address(0, 8))
        whole, etag = answer.content, answer.headers["ETag"]
        assert len(ahead) == 1
        assert len(times_of(whole)) == 80
        part = site.get(address(0, 8), Range="bytes=2000-3999").content
        assert part == whole[2000:4000]
        moved.unlink()
        without = site.get(address(0, 8), Range="bytes=2000-", If_Range=etag)
        assert (without.status_code, without.headers["ETag"] == etag) == (200, False)
        ahead.clear()
        assert site.get(address(4, 8)).status_code == 200
        assert ahead == []


@pytest.mark.parametrize(
    ("seen_before_s", "status"), [(60, 503), (2 * 3600, 404), (100 * S_PER_DAY, 404)]
)
def test_a_node_that_left_before_the_range_is_not_reported(
    site: Site, seen_before_s: int, status: int
) -> None:
    site.hold("school", "gone", "http://127.0.0.1:9")
    site.beat("gone", "http://127.0.0.1:9", seen_ns=START_NS - seen_before_s * NS_PER_S)
    site.hold("school")
    assert site.get(address(500, 504, "school")).status_code == status
    assert site.get(address(500, 504, "school").replace("/recording", "/coverage")).json()[
        "offline"
    ] == (["gone"] if status == 503 else [])
