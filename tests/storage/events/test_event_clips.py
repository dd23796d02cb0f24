"""The clip of a published event: when it is made, and what is lost or damaged in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from domain.clock import NS_PER_HOUR, NS_PER_MS, NS_PER_S
from domain.errors import DataLoss, ObjectsUnavailable
from domain.paths.object_keys import CLIP, CROP, SIDECAR, event_object, segment_object
from domain.paths.segment_name import SegmentName
from storage.clients.s3 import ObjectStore
from storage.events.damaged_objects import DamagedObjects
from storage.events.publish_steps import DEFERRED_S
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record
from storage.recordings.virtual.stored_index import StoredIndex
from tests.kept import START_NS, Site, make_event, record


def test_while_the_worker_is_behind_the_event_is_searchable_and_its_clip_waits(
    site: Site,
) -> None:
    event = make_event(after_s=10)
    site.put(event)
    site.is_behind = True
    for _ in range(3):
        assert site.publisher.run_once() == 1
    assert site.row(event) == event
    assert site.objects.stat(event_object("gate", event.id, CROP)) is not None
    assert site.objects.stat(event_object("gate", event.id, SIDECAR)) is None
    assert site.spool.clip_ranges(1, 1), "its recording is not deleted"
    assert site.restart().run_once() == 1, "it still waits after a restart"
    site.is_behind = False
    assert site.publisher.run_once() == 0
    assert site.sidecar(event).event.clip_ready
    site.assert_clean(event)


def test_a_load_that_lasts_defers_a_clip_for_some_minutes_only(site: Site) -> None:
    event = make_event(after_s=10)
    site.put(event)
    site.is_behind = True
    site.clock.advance((event.ended_at - site.clock.wall_ns()) / NS_PER_S + DEFERRED_S - 1)
    assert site.publisher.run_once() == 1
    site.clock.advance(2)
    assert site.publisher.run_once() == 0
    site.assert_clean(event)


@pytest.mark.parametrize("until_s", [None, 10.5])
def test_where_recording_stopped_the_clip_takes_what_there_is(
    site: Site, until_s: float | None
) -> None:
    event = make_event(after_s=28, lasts_s=4)
    site.clock.advance(30)
    site.recorded_until = None if until_s is None else START_NS + 30 * NS_PER_S
    site.put(event)
    assert site.publisher.run_once() == 1
    site.clock.advance(19)
    assert site.publisher.run_once() == 1, "it may still come back"
    site.clock.advance(2)
    assert site.publisher.run_once() == 0
    sidecar = site.sidecar(event)
    assert sidecar.event.clip_ready
    assert sidecar.gaps_ms, "the missing seconds are reported"
    assert sidecar.gaps_ms[-1][1] * 10**6 >= event.ended_at
    site.assert_clean(event)


def test_a_late_event_has_a_clip_also_if_only_the_object_store_has_its_recording(
    site: Site,
) -> None:
    event = make_event(after_s=10).model_copy(update={"late": True})
    for path in site.layout.recordings.rglob("*.mp4"):
        name = SegmentName.parse(path.name)
        assert name is not None
        site.objects.put(segment_object(name), path.read_bytes(), "video/mp4")
        path.unlink()
    site.put(event)
    assert site.publisher.run_once() == 0
    row = site.row(event)
    assert row is not None
    assert (row.late, row.clip_ready) == (True, True)
    assert not list(site.layout.spool.rglob("*.mp4"))
    site.assert_clean(event)


@pytest.mark.parametrize(("camera", "after_s"), [("bridge", 10), ("gate", 500)])
def test_where_nothing_was_recorded_the_event_says_so(
    site: Site, camera: str, after_s: float
) -> None:
    event = make_event(camera=camera, after_s=after_s)
    site.clock.advance(after_s)
    site.put(event)
    site.clock.advance(60)
    site.publisher.run_once()
    row = site.row(event)
    assert row is not None
    assert (row.clip_ready, row.clip_missing) == (False, "nothing was recorded")
    site.assert_clean(event)


def test_that_there_is_no_clip_is_settled_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the store refuses the sidecar: one event without a clip is counted as one."""
    event = make_event("shop", after_s=0)
    site.put(event)
    site.clock.advance(3600)
    put = ObjectStore.put

    def refusing(store: ObjectStore, key: str, data: bytes, content_type: str) -> None:
        if key.endswith(SIDECAR):
            raise ObjectsUnavailable("no space")
        put(store, key, data, content_type)

    before = REGISTRY.get_sample_value("sightline_clips_missing_total", {"camera": "shop"}) or 0
    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "put", refusing)
        for _ in range(3):
            site.publisher.run_once()
    site.publisher.run_once()
    assert (
        REGISTRY.get_sample_value("sightline_clips_missing_total", {"camera": "shop"}) == before + 1
    )
    site.assert_clean(event)


def test_nothing_recorded_yet_is_not_nothing_recorded(site: Site) -> None:
    """Within the minute the recording may still turn up: a recorder that restarts recovers what
    was open.
    """
    event = make_event(camera="bridge", after_s=35)
    site.put(event)
    assert site.publisher.run_once() == 1
    record(site.layout.recordings, "bridge", START_NS + 30 * NS_PER_S, 10)
    assert site.publisher.run_once() == 0
    assert site.sidecar(event).event.clip_ready


def test_a_damaged_recording_ends_in_an_event_without_clip(site: Site) -> None:
    event = make_event(camera="bridge", after_s=2)
    record(site.layout.recordings, "bridge", START_NS, 10)
    for path in (site.layout.recordings / "bridge").rglob("*.mp4"):
        path.write_bytes(b"\0" * 4000)
    site.put(event)
    site.clock.advance(60)
    site.publisher.run_once()
    assert (row := site.row(event)) is not None
    assert row.clip_missing
    site.assert_clean(event)


def hash_recordings(site: Site, camera: str) -> list[Path]:
    """Add the segments of a camera to the recording index, as a recorder does."""
    paths = sorted((site.layout.recordings / camera).rglob("*.mp4"))
    index = RecordingIndex(site.layout.recording_index)
    for path in paths:
        name = SegmentName.parse(path.name)
        assert name is not None
        index.add(camera, name.start_ns, hashed_record(path))
    return paths


def flip_a_byte(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("is_stored", [False, True], ids=["on the disk", "in the object store"])
def test_a_damaged_fragment_is_a_gap_of_the_clip_and_an_alarm(site: Site, is_stored: bool) -> None:
    event = make_event(after_s=16).model_copy(update={"late": is_stored})
    start_ms = START_NS // NS_PER_MS + 15_000
    (path,) = (one for one in hash_recordings(site, "gate") if f"_{start_ms}_" in one.name)
    whole = path.read_bytes()
    path.write_bytes(flip_a_byte(whole, whole.index(b"mdat") + 40))
    if is_stored:
        move_to_store(site, "gate")
    site.put(event)
    assert site.publisher.run_once() == 0
    sidecar = site.sidecar(event)
    assert sidecar.gaps_ms == sidecar.damaged_ms
    assert sidecar.damaged_ms == ((start_ms, start_ms + 1000),)
    assert sidecar.hashed_late_ms == ()
    (found,) = DamagedObjects(site.redis, site.clock).all()
    assert path.name in found
    site.assert_clean(event, deep=False)


def move_to_store(site: Site, camera: str) -> None:
    """Move the segments of a camera to the object store, with the recording index."""
    hours = set()
    for path in (site.layout.recordings / camera).rglob("*.mp4"):
        name = SegmentName.parse(path.name)
        assert name is not None
        hours.add(name.start_ns // NS_PER_HOUR * NS_PER_HOUR)
        site.objects.put(segment_object(name), path.read_bytes(), "video/mp4")
        path.unlink()
    for hour_ns in hours:
        data = RecordingIndex(site.layout.recording_index).data(camera, hour_ns)
        StoredIndex(site.objects, site.clock).put(camera, hour_ns, "node-1", data)


def test_an_event_in_a_damaged_fragment_has_no_clip(site: Site) -> None:
    event = make_event(after_s=15, lasts_s=0.2)
    for path in hash_recordings(site, "gate"):
        data = path.read_bytes()
        parts = data.split(b"mdat")
        path.write_bytes(b"mdat".join([parts[0], *(flip_a_byte(part, 40) for part in parts[1:])]))
    site.put(event)
    assert site.publisher.run_once() == 1
    site.clock.advance(60)
    assert site.publisher.run_once() == 0
    assert (row := site.row(event)) is not None
    assert (row.clip_ready, row.clip_missing) == (False, "the recording is damaged")


def test_a_clip_that_does_not_hold_its_event_is_never_shown(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*arguments: object) -> None:
        raise DataLoss("clip.mp4 lacks something")

    event = make_event(after_s=25)
    monkeypatch.setattr("storage.events.event_clips.verify", lacking)
    site.put(event)
    assert site.publisher.run_once() == 1
    assert site.objects.stat(event_object("gate", event.id, CLIP)) is None
    monkeypatch.undo()
    assert site.publisher.run_once() == 0
    site.assert_clean(event)
