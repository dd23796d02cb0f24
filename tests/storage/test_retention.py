"""Retention deletes what is older than its maximum, and keeps what is held."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from domain.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MS, NS_PER_S, S_PER_DAY
from domain.errors import IndexUnavailable, StoreError
from domain.events.event import Event
from domain.paths.object_keys import AUDIT_PREFIX, CLIP, SIDECAR, day_of, event_object, hold_object
from domain.paths.segment_name import SegmentName
from domain.recordings.holds import Hold
from domain.recordings.triggers import Trigger
from domain.registry import Registry
from domain.registry.model import TriggerSource
from storage.audit.shipping import AuditShipper
from storage.check import check
from storage.clients.redis import connect
from storage.findings import Breach
from storage.index.event_index import EventIndex
from storage.rebuild import rebuild
from storage.recordings.disk_quota import MOST_REFUSED, MOST_REFUSED_OF_CAMERA
from storage.recordings.ledger import Ledger, Segment, open_name
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.trigger_log import TriggerLog
from storage.recordings.virtual.stored_index import StoredIndex
from storage.retention import Retention
from storage.site.audit import AuditLog
from storage.site.holds import Holds
from tests.kept import START_NS, Site, make_event
from tests.storage.retained import (
    REGISTRY,
    SETTINGS,
    breaches,
    keep_everywhere,
    kept_of,
    objects_of,
    retention_of,
)
from tests.storage.site.test_audit import ENTRY


def _segment(site: Site, camera_id: str, after_s: float, stored: bool = False) -> SegmentName:
    name = SegmentName(camera_id, START_NS // NS_PER_MS + round(after_s * 1000), 10_000, 1)
    path = site.layout.recordings_of(camera_id) / day_of(name.start_ns) / name.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 1000)
    if stored:
        StoredSegments(site.objects, site.clock).put(name, path)
        path.unlink()
    return name


def _here(site: Site) -> list[tuple[str, int]]:
    found = (
        segment
        for segment in Ledger(site.layout.recordings).oldest_first()
        if segment.camera_id != "gate"
    )
    return [(segment.camera_id, (segment.start_ns - START_NS) // NS_PER_S) for segment in found]


def _hold(site: Site, camera: str, from_s: float, to_s: float, event: str = "") -> Hold:
    from_ns, to_ns = START_NS + round(from_s * NS_PER_S), START_NS + round(to_s * NS_PER_S)
    made = {
        "id": f"20251009-{camera}{round(from_s)}",
        "camera": camera,
        "from": from_ns,
        "to": to_ns,
        "reason": "a case",
        "event": event,
    }
    hold = Hold.model_validate({**made, "placed_by": "li", "placed_at": site.clock.wall_ns()})
    Holds(site.objects, site.clock).place(hold)
    return hold


@pytest.fixture
def event(site: Site) -> Event:
    return keep_everywhere(site, make_event(after_s=5, lasts_s=3))


def test_recordings_go_once_they_are_older_than_their_maximum_and_not_before(site: Site) -> None:
    for camera_id in ("bridge", "old"):
        for day in (-95, -91, -89, -6, -4, -1):
            _segment(site, camera_id, day * S_PER_DAY)
            _segment(site, camera_id, day * S_PER_DAY + 20, stored=True)
    assert retention_of(site).run_node(dry=True).recordings == 6
    assert retention_of(site).run_node().recordings == 6
    young = [(camera_id, day * S_PER_DAY) for day in (-4, -1) for camera_id in ("bridge", "old")]
    assert _here(site) == [("old", -89 * S_PER_DAY), ("old", -6 * S_PER_DAY), *young]
    assert retention_of(site).run_site().stored_recordings == 6
    stored = StoredSegments(site.objects, site.clock)
    left = {
        id_: [one.start_ns for day in stored.days(id_) for one in stored.on_day(id_, day)]
        for id_ in ("bridge", "old")
    }
    assert left == {
        id_: [START_NS + (day * S_PER_DAY + 20) * NS_PER_S for day in days]
        for id_, days in (("bridge", (-4, -1)), ("old", (-89, -6, -4, -1)))
    }
    assert retention_of(site).run_node().recordings == 0
    assert retention_of(site).run_site().stored_recordings == 0


def test_a_segment_that_was_never_finished_goes_once_nothing_was_written_to_it_for_the_maximum(
    site: Site,
) -> None:
    """Its process died, and another node has recorded the camera since."""
    files = {}
    for day in (-6, -4):
        start_ms = (START_NS + day * S_PER_DAY * NS_PER_S) // NS_PER_MS
        folder = site.layout.recordings_of("bridge") / day_of(start_ms * NS_PER_MS)
        folder.mkdir(parents=True)
        files[day] = folder / open_name("bridge", start_ms, 1)
        files[day].write_bytes(b"x" * 1000)
    retention_of(site).run_node()
    assert all(file.exists() for file in files.values())  # Something was written just now.
    for day, file in files.items():
        written_s = START_NS // NS_PER_S + day * S_PER_DAY + 9
        os.utime(file, (written_s, written_s))
    hold = _hold(site, "bridge", -6 * S_PER_DAY + 5, -6 * S_PER_DAY + 6)
    assert retention_of(site).run_node().held == 1
    Holds(site.objects, site.clock).release(hold.id, "wang")
    assert retention_of(site).run_node().recordings == 1
    assert [day for day, file in files.items() if file.exists()] == [-4]


def test_a_recording_that_cannot_be_deleted_keeps_no_other(site: Site) -> None:
    for camera_id in ("bridge", "old"):
        _segment(site, camera_id, -95 * S_PER_DAY)
        _segment(site, camera_id, -94 * S_PER_DAY)
    first = next(Ledger(site.layout.recordings).oldest_first(("bridge",)))
    first.path.unlink()
    first.path.mkdir()
    triggers = site.layout.triggers / "shop"
    (triggers / f"{day_of(START_NS - 40 * NS_PER_DAY)}.jsonl").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be deleted"):
        retention_of(site).run_node()
    assert _here(site) == [("bridge", -95 * S_PER_DAY)]


def _put_undeletable(site: Site, camera_id: str, count: int) -> None:
    """No file can be deleted that is a folder: the kernel refuses it."""
    for second in range(count):
        _segment(site, camera_id, -95 * S_PER_DAY + 10 * second)
    for segment in tuple(Ledger(site.layout.recordings).oldest_first((camera_id,))):
        segment.path.unlink()
        segment.path.mkdir()


def test_a_camera_whose_files_cannot_be_deleted_keeps_no_other(site: Site) -> None:
    _put_undeletable(site, "bridge", MOST_REFUSED + 5)
    _segment(site, "old", -95 * S_PER_DAY)
    with pytest.raises(StoreError, match="cannot be deleted"):
        retention_of(site).run_node()
    assert "old" not in {camera_id for camera_id, _ in _here(site)}


def test_a_disk_that_refuses_every_deletion_is_not_tried_for_each_file(site: Site) -> None:
    for number in range(MOST_REFUSED // MOST_REFUSED_OF_CAMERA + 1):
        _put_undeletable(site, f"camera-{number}", MOST_REFUSED_OF_CAMERA)
    _segment(site, "old", -95 * S_PER_DAY)
    with pytest.raises(StoreError, match="cannot be deleted"):
        retention_of(site).run_node()
    assert ("old", -95 * S_PER_DAY) in _here(site)


def test_the_stored_index_of_an_hour_goes_after_its_recordings(site: Site) -> None:
    """Here each hour has one recording: too old, too old and held, or young."""
    index = StoredIndex(site.objects, site.clock)
    days = (-8, -7, -1)
    hours = [(START_NS // NS_PER_HOUR + day * 24) * NS_PER_HOUR for day in days]
    for day, hour_ns in zip(days, hours, strict=True):
        _segment(site, "bridge", day * S_PER_DAY, stored=True)
        index.put("bridge", hour_ns, "node-1", b"")
    hold = _hold(site, "bridge", -7 * S_PER_DAY, -7 * S_PER_DAY + 1)

    def left() -> list[int]:
        return [
            hour.hour_ns for day in index.days("bridge") for hour in index.on_day("bridge", day)
        ]

    retention_of(site).run_site(dry=True)
    assert left() == hours
    retention_of(site).run_site()
    assert left() == hours[1:]
    Holds(site.objects, site.clock).release(hold.id, "wang")
    retention_of(site).run_site()
    assert left() == hours[2:]
    index.put("bridge", hours[0], "node-1", b"")
    assert breaches(site) == {Breach.TOO_OLD}


def test_what_is_held_stays_here_and_in_the_store(site: Site) -> None:
    for after_s in (-8 * S_PER_DAY, -8 * S_PER_DAY + 10, -8 * S_PER_DAY + 20):
        _segment(site, "bridge", after_s)
        _segment(site, "bridge", after_s, stored=True)
        _segment(site, "bridge", after_s)
    hold = _hold(site, "bridge", -8 * S_PER_DAY + 12, -8 * S_PER_DAY + 13)
    assert (retention_of(site).run_node().held, retention_of(site).run_site().held) == (1, 1)
    assert _here(site) == [("bridge", -8 * S_PER_DAY + 10)]
    assert breaches(site) == set()
    Holds(site.objects, site.clock).release(hold.id, "wang")
    assert breaches(site) == {Breach.TOO_OLD}
    retention_of(site).run_node()
    retention_of(site).run_site()
    assert _here(site) == []
    assert breaches(site) == set()


@pytest.mark.parametrize(("camera_id", "source"), [("shop", "motion"), ("yard", "api")])
def test_what_no_trigger_claims_goes_once_none_may_come_any_more(
    site: Site, camera_id: str, source: TriggerSource
) -> None:
    for number in range(12):
        _segment(site, camera_id, number * 10)
    TriggerLog(site.layout, SETTINGS).add(
        Trigger(camera_id, source, START_NS + 42 * NS_PER_S, START_NS + 43 * NS_PER_S)
    )
    site.clock.advance(60 + 600 - 40)  # 40 s were gone
    kept = replace(kept_of(site), clip_ranges=lambda: [(camera_id, START_NS + 1, START_NS + 2)])
    report = Retention(kept, lambda: REGISTRY, SETTINGS, site.clock).run_node()
    gone = {0, 10, 20, 30, 40, 50} - {0, 30, 40, 50}
    assert report.unclaimed_recordings == len(gone)
    assert _here(site) == [(camera_id, at) for at in range(0, 120, 10) if at not in gone]


def test_an_event_goes_whole_and_no_rebuilt_index_has_it_again(site: Site, event: Event) -> None:
    late = keep_everywhere(site, make_event(after_s=12))
    site.clock.advance(30 * S_PER_DAY - 280 + 8)  # 280 s were gone
    assert retention_of(site).run_site(dry=True).events == 1
    assert len(objects_of(site, event)) == 4
    assert retention_of(site).run_site().events == 1
    assert (objects_of(site, event), site.row(event)) == ([], None)
    assert len(objects_of(site, late)) == 4
    site.redis.do("FLUSHALL")
    rebuild(site.objects, site.redis, site.layout, from_sidecars=True)
    assert site.row(event) is None
    assert site.row(late) is not None
    retention_of(site).run_node()
    assert breaches(site) == set()


def test_a_held_event_stays_with_all_that_it_has(site: Site, event: Event) -> None:
    _hold(site, "gate", 5, 8, event.id)
    site.clock.advance(400 * S_PER_DAY)
    report = retention_of(site).run_site()
    assert (report.events, report.held) == (0, 1)
    assert site.row(event) is not None
    assert Breach.HELD_MISSING not in breaches(site)
    site.objects.delete(event_object(event.camera, event.id, CLIP))
    site.objects.delete(event_object(event.camera, event.id, SIDECAR))
    found = breaches(site)
    assert Breach.HELD_MISSING in found


def test_a_damaged_hold_that_is_released_lets_retention_go_on(site: Site) -> None:
    _segment(site, "bridge", -300 * S_PER_DAY)
    key = hold_object("20251009-torn", 1)
    site.objects.put(key, b"{", "application/json")
    Holds(site.objects, site.clock).release("20251009-torn", "wang")
    assert retention_of(site).run_node().recordings == 1
    assert breaches(site) == set()
    assert site.objects.get(key) == b"{"


def test_a_hold_that_is_placed_during_a_run_is_kept(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for after_s in (-300 * S_PER_DAY, -299 * S_PER_DAY, -298 * S_PER_DAY):
        _segment(site, "bridge", after_s)
    remove = Ledger.remove

    def remove_and_place(ledger: Ledger, segment: Segment) -> int:
        size_bytes = remove(ledger, segment)
        if segment.start_ns == START_NS - 300 * NS_PER_DAY:
            _hold(site, "bridge", -299 * S_PER_DAY, -299 * S_PER_DAY + 1)
        site.clock.advance(1)
        return size_bytes

    monkeypatch.setattr(Ledger, "remove", remove_and_place)
    report = retention_of(site).run_node()
    assert (report.recordings, report.held) == (2, 1)
    assert _here(site) == [("bridge", -299 * S_PER_DAY)]


@pytest.mark.parametrize("part", ["run_node", "run_site"])
def test_while_it_is_not_known_what_is_held_or_how_long_anything_is_kept_nothing_goes(
    site: Site, event: Event, part: str
) -> None:
    _segment(site, "bridge", -300 * S_PER_DAY)
    site.clock.advance(400 * S_PER_DAY)
    site.objects.put(hold_object("20251009-torn", 1), b"{", "application/json")
    with pytest.raises(StoreError, match="20251009-torn"):
        getattr(retention_of(site), part)()
    other = _hold(site, "bridge", -300 * S_PER_DAY, -299 * S_PER_DAY)
    with pytest.raises(StoreError, match="20251009-torn"):
        getattr(retention_of(site), part)()
    assert Holds(site.objects, site.clock).release(other.id, "wang").released_by == "wang"
    findings = check(site.objects, site.redis, site.layout, registry=REGISTRY, clock=site.clock)
    (damaged,) = [finding for finding in findings if finding.breach is Breach.HOLD_DAMAGED]
    assert damaged.subject == hold_object("20251009-torn", 1)
    assert "DELETE /v1/holds/20251009-torn" in damaged.message
    assert Breach.TOO_OLD not in {finding.breach for finding in findings}, "it may be held"
    site.objects.delete(hold_object("20251009-torn", 1))
    nothing = Retention(kept_of(site), lambda: Registry(version=1), SETTINGS, site.clock)
    with pytest.raises(StoreError, match="no registry"):
        getattr(nothing, part)()
    assert _here(site) == [("bridge", -300 * S_PER_DAY)]
    assert len(objects_of(site, event)) == 4


def test_without_redis_an_event_keeps_its_objects(site: Site, event: Event) -> None:
    site.clock.advance(31 * S_PER_DAY)
    kept = replace(kept_of(site), index=EventIndex(connect("redis://127.0.0.1:1/0")))
    with pytest.raises(IndexUnavailable):
        Retention(kept, lambda: REGISTRY, SETTINGS, site.clock).run_site()
    assert len(objects_of(site, event)) == 4
    assert {finding.breach for finding in check(site.objects, site.redis, site.layout)} == {
        Breach.DELETION_UNFINISHED
    }
    retention_of(site).run_node()
    retention_of(site).run_site()
    assert breaches(site) == set()


def test_audit_lines_are_deleted_after_their_days_also_under_a_hold(site: Site) -> None:
    log = AuditLog(site.layout.audit, site.clock)
    shipper = AuditShipper(log, site.objects, "node-1", site.clock)
    log.append(ENTRY)
    shipper.run_once()
    _hold(site, "gate", 0, 10**6)
    site.clock.advance(SETTINGS.audit_days * S_PER_DAY)
    log.append(ENTRY)
    shipper.run_once()
    assert retention_of(site).run_site().audit_objects == 0
    site.clock.advance(S_PER_DAY)
    assert retention_of(site).run_site(dry=True).audit_objects == 1
    assert retention_of(site).run_site().audit_objects == 1
    assert len(list(site.objects.list(AUDIT_PREFIX))) == 1
