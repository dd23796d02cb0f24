"""The check finds what is broken, each breach by its own name, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.events.event import Event, Sidecar
from domain.paths.object_keys import (
    CLIP,
    CROP,
    SIDECAR,
    correction_object,
    event_object,
    gaps_object,
    person_object,
    registry_object,
    watch_object,
)
from domain.people import Role
from storage.check import check
from storage.events.journal import JournalUploader, stored_keys
from storage.findings import Breach, Finding
from storage.index.event_index import EventIndex
from storage.site.watches import Watches
from tests.kept import Site, make_event
from tests.people import people_of
from tests.storage.site.test_watch_index import watch_of


@pytest.fixture
def event(site: Site) -> Event:
    """One event kept whole, its journal in the store, and one person."""
    site.put(make_event(after_s=5))
    site.publisher.run_once()
    site.clock.advance(100)
    JournalUploader(site.journal, site.objects, "node-1", site.clock).run_once()
    people_of(site.redis, site.objects).add("li.wei", Role.OPERATOR)
    row = site.row(make_event(after_s=5))
    assert row is not None
    return row


def _key(event: Event, name: str) -> str:
    return event_object(event.camera, event.id, name)


def _clip_of_other_bytes(site: Site, event: Event) -> None:
    data = site.objects.get(_key(event, CLIP))
    site.objects.put(_key(event, CLIP), data[:-1] + bytes([data[-1] ^ 1]), "video/mp4")


def _sidecar_says(site: Site, of: Event, **changes: object) -> None:
    sidecar = Sidecar.model_validate_json(site.objects.get(_key(of, SIDECAR))).model_copy(
        update=changes
    )
    site.objects.put(
        _key(of, SIDECAR), sidecar.model_dump_json(by_alias=True).encode(), "application/json"
    )


def _other_event_in_sidecar(site: Site, event: Event) -> None:
    _sidecar_says(site, event, event=event.model_copy(update={"confidence": 0.5}))


def _lose_a_watch(site: Site) -> None:
    Watches(site.redis, site.objects, site.clock).place(watch_of("鄂C12345"))
    site.redis.do("DEL", "{watches}:active")


def _damaged_spool_entry(site: Site, event: Event) -> None:
    site.put(make_event(after_s=20))
    (entry,) = site.spool.pending(["gate"])
    (entry.path / "event.json").write_text("{")
    site.spool.event(entry)


DAMAGES: dict[str, tuple[Callable[[Site, Event], object], Breach]] = {
    "a row of nothing": (
        lambda site, event: EventIndex(site.redis).put(make_event(after_s=99)),
        Breach.INDEX_WITHOUT_OBJECTS,
    ),
    "a count in the index that is wrong": (
        lambda site, event: [site.redis.do("INCR", f"{{e{n}}}:n") for n in range(8)],
        Breach.INDEX_DAMAGED,
    ),
    "a row lost": (
        lambda site, event: EventIndex(site.redis).remove(event.id),
        Breach.OBJECTS_WITHOUT_INDEX,
    ),
    "a row that differs": (_other_event_in_sidecar, Breach.INDEX_DIFFERS),
    "a sidecar lost": (
        lambda site, event: site.objects.delete(_key(event, SIDECAR)),
        Breach.OBJECTS_WITHOUT_SIDECAR,
    ),
    "a sidecar torn": (
        lambda site, event: site.objects.put(_key(event, SIDECAR), b"{", "application/json"),
        Breach.SIDECAR_DAMAGED,
    ),
    "a clip lost": (
        lambda site, event: site.objects.delete(_key(event, CLIP)),
        Breach.OBJECT_MISSING,
    ),
    "a crop of another size": (
        lambda site, event: site.objects.put(_key(event, CROP), b"x", "image/jpeg"),
        Breach.OBJECT_DIFFERS,
    ),
    "a clip of other bytes": (_clip_of_other_bytes, Breach.OBJECT_DIFFERS),
    "a ready clip unnamed": (
        lambda site, event: _sidecar_says(site, event, objects={}),
        Breach.OBJECT_MISSING,
    ),
    "a journal lost": (
        lambda site, event: site.objects.delete(stored_keys(site.objects)[0]),
        Breach.NOT_JOURNALED,
    ),
    "a journal damaged": (
        lambda site, event: site.objects.put(
            stored_keys(site.objects)[0], b"x", "application/gzip"
        ),
        Breach.JOURNAL_DAMAGED,
    ),
    "a person lost": (
        lambda site, event: site.redis.do("DEL", "{people}:tokens"),
        Breach.PERSON_NOT_RESTORED,
    ),
    "a person damaged": (
        lambda site, event: site.objects.put(person_object("li.wei", 2), b"{", "application/json"),
        Breach.PERSON_DAMAGED,
    ),
    "a watch lost": (lambda site, event: _lose_a_watch(site), Breach.WATCH_NOT_RESTORED),
    "a watch damaged": (
        lambda site, event: site.objects.put(
            watch_object("20261124-00000002", 1), b"{", "application/json"
        ),
        Breach.WATCH_DAMAGED,
    ),
    "a log of gaps damaged": (
        lambda site, event: site.objects.put(
            gaps_object("gate", "node-1", "20251009"), b"{\n", "application/jsonl"
        ),
        Breach.GAP_LOG_DAMAGED,
    ),
    "a correction damaged": (
        lambda site, event: site.objects.put(
            correction_object(event.camera, event.id, 1), b"{", "application/json"
        ),
        Breach.CORRECTION_DAMAGED,
    ),
    "a registry damaged": (
        lambda site, event: site.objects.put(registry_object(3), b"{", "application/json"),
        Breach.REGISTRY_DAMAGED,
    ),
    "an object that is no registry": (
        lambda site, event: site.objects.put("state/registry/zzz", b"junk", "text/plain"),
        Breach.FOREIGN_OBJECT,
    ),
    "an object that is no hold": (
        lambda site, event: site.objects.put("state/holds/zzz", b"junk", "text/plain"),
        Breach.FOREIGN_OBJECT,
    ),
    "an object that is no person": (
        lambda site, event: site.objects.put("state/people/zzz", b"junk", "text/plain"),
        Breach.FOREIGN_OBJECT,
    ),
    "an object that is no watch": (
        lambda site, event: site.objects.put("state/watches/a/b/c", b"junk", "text/plain"),
        Breach.FOREIGN_OBJECT,
    ),
    "a spool entry damaged": (_damaged_spool_entry, Breach.SPOOL_DAMAGED),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_breach_is_found_by_its_name(site: Site, event: Event, damage: str) -> None:
    assert check(site.objects, site.redis, site.layout, deep=True) == []
    do, breach = DAMAGES[damage]
    do(site, event)
    findings = check(site.objects, site.redis, site.layout)
    expected = {breach, Breach.NOT_JOURNALED} if breach is Breach.JOURNAL_DAMAGED else {breach}
    assert {finding.breach for finding in findings} == expected
    assert all(finding.message and finding.subject for finding in findings)


OF_LOSSES = {Breach.STORE_LOST, Breach.INDEX_EMPTIED, Breach.PERSON_LOST, Breach.HOLD_LOST}
"""Tested in test_check_losses.py."""
OF_RETENTION = {
    Breach.DELETION_UNFINISHED,
    Breach.TOO_OLD,
    Breach.HELD_MISSING,
    Breach.HOLD_DAMAGED,
}
"""Tested in test_retention.py."""
OF_RECORDINGS = {
    Breach.SEGMENT_DAMAGED,
    Breach.SEGMENT_DIFFERS,
    Breach.LAYOUT_DIFFERS,
    Breach.SEGMENTS_OVERLAP,
    Breach.HOLE_UNEXPLAINED,
    Breach.GAP_RECORDED,
}
"""Tested in test_check_recordings.py."""
OF_ARCHIVE = {Breach.ARCHIVE_DAMAGED, Breach.ARCHIVE_DIFFERS, Breach.ARCHIVE_UNNAMED}
"""Tested in test_archiver.py."""


def test_every_breach_is_tested() -> None:
    assert {breach for _, breach in DAMAGES.values()} == set(Breach) - {
        Breach.CLIP_WITHOUT_EVENT
    } - OF_RETENTION - OF_RECORDINGS - OF_ARCHIVE - OF_LOSSES


def test_deep_opens_the_clip_and_looks_for_its_event(site: Site, event: Event) -> None:
    """A clip that is what its hash says, and does not hold what its event says."""
    sidecar = Sidecar.model_validate_json(site.objects.get(_key(event, SIDECAR)))
    _sidecar_says(site, event, clip_start_at=sidecar.clip_start_at + 60 * 10**9)
    assert check(site.objects, site.redis, site.layout) == []
    assert [
        finding.breach for finding in check(site.objects, site.redis, site.layout, deep=True)
    ] == [Breach.CLIP_WITHOUT_EVENT]


def test_what_only_one_look_saw_was_on_its_way(
    site: Site, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two looks the row comes: a running system is not broken."""
    EventIndex(site.redis).remove(event.id)
    looks: list[int] = []

    def progress(done: int) -> None:
        looks.append(done)
        EventIndex(site.redis).put(event)

    assert check(site.objects, site.redis, site.layout, progress=progress) == []
    assert looks == [1, 1]


@pytest.mark.parametrize("is_published", [True, False])
def test_an_event_that_comes_meanwhile_is_not_even_seen_once(
    site: Site, event: Event, is_published: bool
) -> None:
    """On a running site, a node publishes events during the check."""
    new = make_event(after_s=50)
    seen: list[Finding] = []

    def come(done: int) -> None:
        if site.row(new) is None:
            site.put(new)
            if is_published:
                site.publisher.run_once()
            else:
                EventIndex(site.redis).put(new)

    assert check(site.objects, site.redis, site.layout, progress=come, seen=seen.append) == []
    assert seen == []
