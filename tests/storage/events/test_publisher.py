"""Publishing, on real stores: whatever fails or dies between two steps, the end is the same, and
the check finds it clean.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from domain.clock import NS_PER_HOUR, NS_PER_S, ManualClock, SystemClock
from domain.events.query import EventQuery
from domain.paths.data_layout import Layout
from domain.paths.object_keys import CLIP, CROP, SIDECAR, event_object
from storage.check import check
from storage.clients.redis import connect
from storage.clients.s3 import ObjectStore
from storage.events.journal import JournalPut
from storage.events.publish_steps import PublishedCameras
from storage.events.publisher import EventPublisher
from storage.events.spool import Spool, SpoolEntry
from storage.index.event_index import EventIndex
from tests.buckets import remove_objects
from tests.fuses import Fuse, FusedJournal, FusedObjects, FusedRedis, Killed
from tests.kept import START_NS, Relay, Site, make_event
from tests.waiting import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from tests.conftest import S3Config


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


def test_a_passing_that_went_on_is_kept_again(site: Site) -> None:
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


@dataclass(frozen=True)
class Cables:
    """Connections to the stores that a test may cut, and a publisher that runs over them."""

    redis: Relay
    objects: Relay
    publisher: EventPublisher


@pytest.fixture
def cables(site: Site, valkey_server: str, s3_server: S3Config) -> Iterator[Cables]:
    """Yield the connections of a publisher that runs in its threads until the end of the test."""
    port = urlsplit(valkey_server).port or 0
    to_redis, to_objects = Relay(port), Relay(int(s3_server.endpoint.rpartition(":")[2]))
    redis = connect(valkey_server.replace(f":{port}/", f":{to_redis.port}/"))
    objects = ObjectStore(
        f"127.0.0.1:{to_objects.port}",
        s3_server.access_key,
        s3_server.secret_key,
        site.objects.bucket,
    )
    cameras = PublishedCameras(lambda: ["gate"], lambda camera: START_NS + NS_PER_HOUR)
    publisher = site.publisher_to(redis, objects, cameras, SystemClock())
    stop = threading.Event()
    thread = threading.Thread(target=publisher.run, args=(stop,))
    thread.start()
    yield Cables(to_redis, to_objects, publisher)
    stop.set()
    publisher.wake()
    thread.join(PATIENCE_S)
    objects.close()
    redis.close()
    to_redis.cut()
    to_objects.cut()
    assert not thread.is_alive()


def test_each_store_may_be_away_while_the_other_is_served(site: Site, cables: Cables) -> None:
    """The publisher runs in its threads, and the cables are pulled: events are searchable without
    the object store, and their objects arrive without Redis. Later nothing is missing.
    """
    watcher = EventIndex(site.redis)
    cables.objects.cut()
    first = make_event(after_s=5)
    site.put(first)
    cables.publisher.wake()
    wait_for("event in the index", lambda: watcher.get(first.id) == first)
    assert [event.id for event in watcher.query(EventQuery(plate="鄂C*"), 5).events] == [first.id]
    cables.redis.cut()
    cables.objects.mend()
    second = make_event(after_s=8)
    site.put(second)
    cables.publisher.wake()
    wait_for(
        "objects",
        lambda: all(
            site.objects.stat(event_object("gate", one.id, SIDECAR)) is not None
            for one in (first, second)
        ),
    )
    assert watcher.get(second.id) is None
    cables.redis.mend()
    wait_for("empty spool", lambda: site.spool.pending(["gate"]) == [])
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


def test_an_entry_that_the_disk_cannot_read_holds_up_no_other(site: Site) -> None:
    bad, good = make_event(after_s=5), make_event(after_s=10)
    site.put(bad)
    (entry,) = site.spool.pending(["gate"])
    (entry.path / SIDECAR).unlink()
    (entry.path / SIDECAR).mkdir()
    site.put(good)
    assert site.publisher.run_once() == 0
    assert site.row(good) is not None
    assert site.row(bad) is None
    (aside,) = site.spool.damaged()
    assert entry.path.name in aside.name


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
