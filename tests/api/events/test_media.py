"""Pictures and clips from the object store and the node's spool, with ranges and errors."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY

from domain.errors import ObjectsUnavailable
from domain.events.event import ObjectDigest, Sidecar
from domain.paths.object_keys import CLIP, CROP, SIDECAR, SNAPSHOT, event_object
from domain.people import Role
from storage.events.damaged_objects import DamagedObjects

if TYPE_CHECKING:
    from domain.events.event import Event
    from storage.clients.s3 import ObjectStream
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent

DATA = bytes(range(256)) * 1200  # more than one chunk of the store's


def keep(site: Site, event: Event) -> str:
    """Store an event and its objects as the publisher does; return the clip's SHA-256."""
    objects, digests = site.context.objects, {}
    files = {CLIP: DATA, SNAPSHOT: b"a kept snapshot", CROP: b"a kept crop"}
    for name, data in files.items():
        key = event_object(event.camera, event.id, name)
        objects.put(key, data, "application/octet-stream")
        sha256 = hashlib.sha256(data).hexdigest()
        digests[name] = ObjectDigest(key=key, size_bytes=len(data), sha256=sha256)
    text = Sidecar(event=event, objects=digests).model_dump_json(by_alias=True)
    objects.put(event_object(event.camera, event.id, SIDECAR), text.encode(), "application/json")
    site.context.index.put(event)
    return digests[CLIP].sha256


def test_a_whole_clip(site: Site, make_event: MakeEvent) -> None:
    event = make_event(clip_ready=True)
    sha256 = keep(site, event)
    answer = site.get(f"/v1/events/{event.id}/clip")
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{sha256}"'
    assert (
        answer.headers["Content-Disposition"]
        == f'inline; filename="east-gate_20251124T160000Z_{event.id}.mp4"'
    )


def test_parts_of_a_clip(site: Site, make_event: MakeEvent) -> None:
    event = make_event(1, clip_ready=True)
    etag = f'"{keep(site, event)}"'
    path, size = f"/v1/events/{event.id}/clip", len(DATA)
    for header, first, last in (
        ("bytes=0-99", 0, 99),
        ("bytes=70000-", 70_000, size - 1),
        ("bytes=-10", size - 10, size - 1),
    ):
        answer = site.get(path, Range=header)
        assert (answer.status_code, answer.content) == (206, DATA[first : last + 1])
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
    assert site.get(path, Range="bytes=0-9", If_Range='"older"').status_code == 200
    assert site.get(path, Range="bytes=0-9", If_Range=etag).status_code == 206
    outside = site.get(path, Range=f"bytes={size}-")
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert outside.json()["type"] == "urn:sightline:problem:range_not_satisfiable"
    assert [json.loads(line)["status"] for line in site.audit_lines()] == [206, 416]


def test_head_describes_a_clip_without_sending_it(site: Site, make_event: MakeEvent) -> None:
    event = make_event(2, clip_ready=True)
    sha256 = keep(site, event)
    answer = site.get(f"/v1/events/{event.id}/clip", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["ETag"] == f'"{sha256}"'
    assert len(site.audit_lines()) == 1


def test_a_client_that_disconnects_releases_the_connection(
    site: Site, make_event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    event = make_event(3, clip_ready=True)
    keep(site, event)
    headers = {"Authorization": f"Bearer {site.tokens[Role.OPERATOR]}", "X-Reason": "a test"}
    for _ in range(30):  # the store's pool has 16
        with site.http.stream(
            "GET", f"{site.url}/v1/events/{event.id}/clip", headers=headers
        ) as answer:
            assert answer.status_code == 200
    assert site.get(f"/v1/events/{event.id}/clip").content == DATA
    assert [record for record in caplog.records if record.levelname == "ERROR"] == [], (
        "leaving is no fault"
    )


def test_a_clip_that_is_not_ready_has_a_retry_time(site: Site, make_event: MakeEvent) -> None:
    event = make_event(4)
    site.context.index.put(event)
    answer = site.get(f"/v1/events/{event.id}/clip")
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:sightline:problem:clip_not_ready",
    )
    assert answer.headers["Retry-After"] == "2"


def test_a_missing_clip_has_its_cause(site: Site, make_event: MakeEvent) -> None:
    event = make_event(5, clip_missing="nothing was recorded")
    site.context.index.put_all([event, make_event(0, "west-gate")])
    answer = site.get(f"/v1/events/{event.id}/clip")
    assert (answer.status_code, answer.json()["type"]) == (
        404,
        "urn:sightline:problem:clip_missing",
    )
    assert "nothing was recorded" in answer.json()["detail"]
    for path in (f"/v1/events/{event.id}", "/v1/events"):
        found = site.get(path, Accept_Language="zh").json()
        assert found.get("items", [found])[0]["clip_missing"] == "没有录像"
    span = "from=2025-11-24T15:00:00Z&to=2025-11-25T16:00:00Z"
    (pair,) = site.get(f"/v1/journeys/impossible?{span}", Accept_Language="zh").json()["items"]
    assert pair["sightings"][1]["clip_missing"] == "没有录像"
    body = {"plate": "鄂F8888B", "reason": "seen in the picture", "version": 0}
    path = f"/v1/events/{event.id}"
    corrected = site.get(path, Role.OPERATOR, method="PATCH", body=body, Accept_Language="zh")
    assert corrected.json()["clip_missing"] == "没有录像"
    rows = site.get("/v1/events?format=ndjson", Accept_Language="zh").text
    assert '"clip_missing":"nothing was recorded"' in rows, "files of rows have one language"


@pytest.mark.parametrize(
    ("gone", "asked"),
    [(SIDECAR, "clip"), (CLIP, "clip"), (SNAPSHOT, "snapshot"), (SIDECAR, "crop"), (CROP, "crop")],
)
def test_a_lost_file_is_reported_as_damage(
    site: Site, make_event: MakeEvent, gone: str, asked: str
) -> None:
    event = make_event(6, clip_ready=True)
    keep(site, event)
    site.context.objects.delete(event_object(event.camera, event.id, gone))
    answer = site.get(f"/v1/events/{event.id}/{asked}")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:sightline:problem:data_loss")


def test_a_damaged_sidecar_is_reported_as_damage(site: Site, make_event: MakeEvent) -> None:
    event = make_event(6.5, clip_ready=True)
    keep(site, event)
    site.context.objects.put(
        event_object(event.camera, event.id, SIDECAR), b"{}", "application/json"
    )
    assert site.get(f"/v1/events/{event.id}/clip").status_code == 500


def test_pictures_come_from_the_store(site: Site, make_event: MakeEvent) -> None:
    event = make_event(7)
    keep(site, event)
    snapshot = site.get(f"/v1/events/{event.id}/snapshot")
    assert (snapshot.content, snapshot.headers["Content-Type"]) == (
        b"a kept snapshot",
        "image/jpeg",
    )
    assert snapshot.headers["ETag"] == f'"{hashlib.sha256(b"a kept snapshot").hexdigest()}"'
    assert site.get(f"/v1/events/{event.id}/crop").content == b"a kept crop"


@pytest.mark.parametrize("name", ["snapshot", "crop", "clip"])
def test_a_file_that_the_client_has_is_not_sent(
    site: Site, make_event: MakeEvent, name: str
) -> None:
    event = make_event(clip_ready=True)
    keep(site, event)
    path = f"/v1/events/{event.id}/{name}"
    etag = site.get(path).headers["ETag"]
    unchanged = site.get(path, If_None_Match=f'"other", {etag}')
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == etag
    assert '"status": 304' in site.audit_lines()[-1] or '"status":304' in site.audit_lines()[-1]
    assert site.get(path, If_None_Match='"other"').status_code == 200


def test_pictures_come_from_the_node_api_before_their_upload(
    site: Site, make_event: MakeEvent
) -> None:
    event = make_event(8)
    site.spool_passing(event)
    site.hold("east-gate")
    assert (
        site.get(f"/v1/events/{event.id}/snapshot").content == b"snapshot of " + event.id.encode()
    )
    assert site.get(f"/v1/events/{event.id}/crop").content == b"crop of " + event.id.encode()


def test_a_picture_on_a_node_that_is_down_is_node_offline(
    site: Site, make_event: MakeEvent
) -> None:
    event = make_event(9)
    site.spool_passing(event)
    assert (
        site.get(f"/v1/events/{event.id}/snapshot").json()["type"]
        == "urn:sightline:problem:node_offline"
    )
    site.hold("east-gate", "node-7", "http://127.0.0.1:9")
    answer = site.get(f"/v1/events/{event.id}/snapshot")
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:sightline:problem:node_offline",
    )
    assert "node-7" in answer.json()["detail"]


def test_a_missing_picture_is_not_found(site: Site, make_event: MakeEvent) -> None:
    event = make_event(10)
    site.context.index.put(event)
    site.hold("east-gate")
    assert site.get(f"/v1/events/{event.id}/crop").status_code == 404


def change(site: Site, event: Event, name: str) -> None:
    """Flip one byte in the middle of a stored file, as a disk or a person may."""
    key = event_object(event.camera, event.id, name)
    data = bytearray(site.context.objects.get(key))
    data[len(data) // 2] ^= 1
    site.context.objects.put(key, bytes(data), "application/octet-stream")


def refused(name: str) -> float:
    labels = {"file": name}
    return REGISTRY.get_sample_value("sightline_objects_damaged_total", labels) or 0.0


@pytest.mark.parametrize(
    ("name", "method", "part"),
    [
        (CLIP, "GET", "bytes=0-"),
        (CLIP, "GET", "bytes=0-9"),
        (CLIP, "GET", "none"),
        (CLIP, "HEAD", "none"),
        (SNAPSHOT, "GET", "none"),
        (CROP, "GET", "none"),
    ],
)
@pytest.mark.parametrize("was_read", [False, True])
def test_a_changed_file_is_never_served(
    site: Site, make_event: MakeEvent, name: str, method: str, part: str, was_read: bool
) -> None:
    event = make_event(20, clip_ready=True)
    keep(site, event)
    path = f"/v1/events/{event.id}/{name.partition('.')[0]}"
    if was_read:
        assert site.get(path).status_code == 200
    change(site, event, name)
    before = refused(name)
    answer = site.get(path, method=method, Range=part)
    assert answer.status_code == 500
    if method == "GET":
        assert answer.json()["type"] == "urn:sightline:problem:data_loss"
        assert "SHA-256" in answer.json()["detail"]
    assert refused(name) == before + 1
    assert DamagedObjects(site.redis, site.context.clock).all() == [
        event_object(event.camera, event.id, name)
    ]


def test_a_restored_file_is_served_and_the_alarm_ends(
    site: Site, make_event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    event = make_event(21, clip_ready=True)
    keep(site, event)
    change(site, event, CLIP)
    for _ in range(3):
        assert site.get(f"/v1/events/{event.id}/clip").status_code == 500
    records = [one for one in caplog.records if one.levelname == "CRITICAL"]
    assert len(records) == 1, "one line for a file, not one for each reader"
    keep(site, event)
    assert site.get(f"/v1/events/{event.id}/clip").content == DATA
    assert DamagedObjects(site.redis, site.context.clock).all() == []


def test_a_verified_clip_is_not_read_again_for_each_part(
    site: Site, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = make_event(22, clip_ready=True)
    keep(site, event)
    path, objects = f"/v1/events/{event.id}/clip", site.context.verified._objects
    asked: list[tuple[int, int | None]] = []
    read = objects.read

    def counted(key: str, offset: int = 0, length: int | None = None) -> ObjectStream:
        if event.id in key:
            asked.append((offset, length))
        return read(key, offset, length)

    monkeypatch.setattr(objects, "read", counted)
    for _ in range(3):
        assert site.get(path, Range="bytes=5-9").content == DATA[5:10]
    assert asked == [(0, None), (0, None), (5, 5), (5, 5), (5, 5)], "sidecar, clip, then parts"


def test_a_passing_that_continues_is_not_reported_as_damaged(
    site: Site, make_event: MakeEvent
) -> None:
    """Its files are replaced one after the other, the sidecar last."""
    event = make_event(23, clip_ready=True)
    keep(site, event)
    change(site, event, SNAPSHOT)
    longer = event.model_copy(update={"ended_at": event.ended_at + 10**9, "clip_ready": False})
    verified = site.context.verified
    with pytest.raises(ObjectsUnavailable, match="stored again"):
        verified.picture(event, SNAPSHOT, lambda: longer.version == event.version)
    assert DamagedObjects(site.redis, site.context.clock).all() == []
