"""Publishing, on real stores: whatever fails or dies between two steps, the end is the same, and
the check finds it clean.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from domain.clock import NS_PER_HOUR, NS_PER_MS, NS_PER_S, ManualClock, SystemClock
from domain.errors import DataLoss, ObjectsUnavailable
from domain.events.query import EventQuery
from domain.paths.data_layout import Layout
from domain.paths.object_keys import CLIP, CROP, SIDECAR, event_object, segment_object
from domain.paths.segment_name import SegmentName
from storage.check import check
from storage.clients.redis import connect
from storage.clients.s3 import ObjectStore
from storage.events.damaged_objects import DamagedObjects
from storage.events.event_clips import EventClips
from storage.events.feed import Feed
from storage.events.journal import JournalPut
from storage.events.publish_steps import DEFERRED_S
from storage.events.publisher import EventPublisher
from storage.events.spool import Spool, SpoolEntry
from storage.index.event_index import EventIndex
from storage.recordings.ledger import Ledger
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record
from storage.recordings.virtual.stored_index import StoredIndex
from tests.buckets import remove_objects
from tests.fuses import Fuse, FusedJournal, FusedObjects, FusedRedis, Killed
from tests.kept import SETTINGS, START_NS, Relay, Site, make_event, record
from tests.waiting import PATIENCE_S, wait_for


def test_an_event_is_kept_whole(site: Site) -> None:
    event = make_event(after_s=10)
    passing = site.put(event)
    assert site.publisher.run_once() == 0
    kept = event.model_copy(update={"clip_ready": True})
    assert site.row(event) == kept
    sidecar = site.sidecar(event)
    assert sidecar.event == kept
    assert sorted(sidecar.objects) == ["clip.mp4", "crop.jpg", "snapshot.jpg"]
    assert site.objects.get(event_object("gate", event.id, CROP)) == passing.crop_jpeg
    assert sidecar.clip_start_at <= event.started_at - NS_PER_S
    assert sidecar.clip_end_at >= event.ended_at + NS_PER_S
    assert sidecar.gaps_ms == ()
    (part,) = site.journal.parts()
    assert part.lines == (JournalPut(event=kept, objects=sidecar.objects),)
    site.assert_clean(event)


def test_the_cost_of_publishing_is_counted(site: Site) -> None:
    def spent_s() -> float:
        return (
            REGISTRY.get_sample_value("sightline_analysis_cpu_seconds_total", {"step": "keep"})
            or 0.0
        )

    before_s = spent_s()
    site.put(make_event(after_s=10))
    assert site.publisher.run_once() == 0
    assert spent_s() > before_s


def test_an_event_is_searchable_while_its_clip_is_coming(site: Site) -> None:
    event = make_event(after_s=10)
    site.recorded_until = event.ended_at + NS_PER_S
    site.put(event)
    assert site.publisher.run_once() == 1
    assert site.row(event) == event
    assert site.objects.stat(event_object("gate", event.id, CROP)) is not None
    assert site.objects.stat(event_object("gate", event.id, CLIP)) is None
    assert check(site.objects, site.redis, site.layout) == [], "what is on its way is no breach"
    site.recorded_until = event.ended_at + 2 * NS_PER_S
    assert site.publisher.run_once() == 0
    site.assert_clean(event)


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


def test_a_passing_that_went_on_is_kept_anew(site: Site) -> None:
    site.put(make_event(after_s=5))
    site.publisher.run_once()
    longer = make_event(after_s=5, lasts_s=8)
    passing = site.put(longer, b"better")
    site.publisher.run_once()
    sidecar = site.sidecar(longer)
    assert sidecar.event == longer.model_copy(update={"clip_ready": True})
    assert sidecar.clip_end_at >= longer.ended_at
    assert site.objects.get(event_object("gate", longer.id, CROP)) == passing.crop_jpeg
    site.assert_clean(longer)


def test_a_replay_of_what_is_kept_changes_nothing(site: Site) -> None:
    event = make_event(after_s=5, lasts_s=3)
    site.put(event)
    site.publisher.run_once()
    before = site.sidecar(event)
    site.put(make_event(after_s=5, lasts_s=1), b"worse")
    site.put(event, b"worse")
    site.publisher.run_once()
    assert site.sidecar(event) == before
    assert site.row(event) == before.event
    site.assert_clean(event)


class FusedSpool(Spool):
    def __init__(self, layout: Layout, clock: ManualClock, fuse: Fuse) -> None:
        super().__init__(layout, clock)
        self.fuse = fuse

    def remove(self, entry: SpoolEntry) -> None:
        self.fuse.pass_through(lambda: super(FusedSpool, self).remove(entry))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_call_ends_in_the_same_state(site: Site, after: bool) -> None:
    """Two events, one of them twice; the process dies at the first call, at the second, and so
    on until it completes all.
    """
    clients = (site.redis, site.objects, site.spool, site.journal)
    for at in range(1, 100):
        site.redis.do("FLUSHALL")
        remove_objects(site.objects)
        for path in site.journal.minutes():
            path.unlink()
        fuse = Fuse(at, after)
        site.redis, site.objects = FusedRedis(site.redis, fuse), FusedObjects(site.objects, fuse)
        site.spool, site.journal = (
            FusedSpool(site.layout, site.clock, fuse),
            FusedJournal(site.layout.journal, site.clock, fuse),
        )
        events = [make_event(after_s=5), make_event(camera="bridge", after_s=-100)]
        publisher = site.restart()
        try:
            for event in events:
                site.put(event)
            publisher.run_once()
        except Killed:
            pass
        site.redis, site.objects, site.spool, site.journal = clients
        assert site.restart().run_once() == 0
        site.assert_clean(*events, deep=False)
        assert [
            (row.clip_ready, bool(row.clip_missing)) for event in events if (row := site.row(event))
        ] == [(True, False), (False, True)]
        if not fuse.blown:
            assert at > 12, "there are more calls than that"
            return
    raise AssertionError("the publisher makes calls without end")


@pytest.fixture
def relays(valkey_server: str, s3_server: object) -> Iterator[dict[str, Relay]]:
    found = {
        "redis": Relay(urlsplit(valkey_server).port or 0),
        "objects": Relay(int(str(getattr(s3_server, "endpoint")).rpartition(":")[2])),  # noqa: B009 - its type lives in tests/conftest.py
    }
    yield found
    for relay in found.values():
        relay.cut()


def test_each_store_may_be_away_while_the_other_is_served(
    site: Site, relays: dict[str, Relay], valkey_server: str, s3_server: object
) -> None:
    """The publisher runs in its threads, and the cables are pulled: events are searchable without
    the object store, and their objects arrive without Redis. Later nothing is missing.
    """
    config = (
        vars(s3_server)
        if hasattr(s3_server, "__dict__")
        else {name: getattr(s3_server, name) for name in s3_server.__slots__}  # type: ignore[attr-defined]
    )
    real_port = str(urlsplit(valkey_server).port)
    redis = connect(valkey_server.replace(f":{real_port}/", f":{relays['redis'].port}/"))
    objects = ObjectStore(
        f"127.0.0.1:{relays['objects'].port}",
        config["access_key"],
        config["secret_key"],
        site.objects.bucket,
    )
    watcher = EventIndex(site.redis)
    publisher = EventPublisher(
        site.spool,
        EventIndex(redis),
        Feed(redis, 1000),
        objects,
        site.journal,
        EventClips(
            Ledger(site.layout.recordings),
            RecordingIndex(site.layout.recording_index),
            objects,
            DamagedObjects(redis, SystemClock()),
            SystemClock(),
        ),
        SETTINGS,
        SystemClock(),
        lambda: ["gate"],
        lambda camera: START_NS + NS_PER_HOUR,
    )
    stop = threading.Event()
    thread = threading.Thread(target=publisher.run, args=(stop,))
    thread.start()
    try:
        relays["objects"].cut()
        first = make_event(after_s=5)
        site.put(first)
        publisher.wake()
        wait_for("event in the index", lambda: watcher.get(first.id) == first)
        assert [event.id for event in watcher.query(EventQuery(plate="鄂C*"), 5).events] == [
            first.id
        ]
        relays["redis"].cut()
        relays["objects"].mend()
        second = make_event(after_s=8)
        site.put(second)
        publisher.wake()
        wait_for(
            "objects",
            lambda: all(
                site.objects.stat(event_object("gate", one.id, SIDECAR)) is not None
                for one in (first, second)
            ),
        )
        assert watcher.get(second.id) is None
        relays["redis"].mend()
        wait_for("empty spool", lambda: site.spool.pending(["gate"]) == [])
    finally:
        stop.set()
        publisher.wake()
        thread.join(PATIENCE_S)
        objects.close()
        redis.close()
    assert not thread.is_alive()
    site.assert_clean(first, second)


def test_one_event_that_cannot_be_kept_holds_up_no_other(site: Site) -> None:
    bad, good = make_event(after_s=5), make_event(after_s=10)
    site.put(bad)
    site.put(good)
    (entry, _) = site.spool.pending(["gate"])
    crop = entry.path / CROP
    crop.rename(entry.path / "hidden")
    assert site.publisher.run_once() == 1
    assert (row := site.row(good)) is not None
    assert row.clip_ready
    (entry.path / "hidden").rename(crop)
    assert site.publisher.run_once() == 0
    site.assert_clean(bad, good)


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


def test_many_waiting_are_all_indexed_newest_first(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [make_event(after_s=n / 100, lasts_s=0) for n in range(30)]
    site.recorded_until = START_NS
    monkeypatch.setattr("storage.events.publisher._INDEX_BATCH", 14)
    for event in events:
        site.put(event)
    index_loop = site.publisher._loops[0]
    assert index_loop.run_once() == 0.0, "another pass is due immediately"
    assert EventIndex(site.redis).ids(None, 1) == [events[16].id]
    index_loop.run_once()
    index_loop.run_once()
    assert EventIndex(site.redis).count() == 30
