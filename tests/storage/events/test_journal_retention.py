"""Minutes of the journal go when nothing is left of what they tell, and never a line that an
index rebuilt without it would miss.
"""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from domain.clock import S_PER_DAY
from domain.events.event import Event
from domain.recordings.holds import Hold
from domain.registry import Registry
from domain.settings import Settings
from storage.check import check
from storage.events.journal import JournalUploader, stored_keys
from storage.index.event_index import EventIndex
from storage.rebuild import rebuild
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog
from storage.retention import Kept, Retention
from storage.site.holds import Holds
from tests.fuses import Fuse, FusedObjects, Killed
from tests.kept import Site, make_event

SETTINGS = Settings()
PLACE = {"area": "a", "location": {"lon": 0, "lat": 0}, "url": "rtsp://10.0.0.1/"}
CAMERAS = [{"id": "gate", "name": "gate", "class": "A", "retention_days": 30, **PLACE}]
REGISTRY = Registry.model_validate(
    {"version": 1, "areas": {"a": {"name": "a"}}, "cameras": CAMERAS}
)
"""All classes keep 90 days at most, and this camera 30."""


@pytest.fixture
def events(site: Site) -> list[Event]:
    """Two of one minute, kept everywhere."""
    found = [make_event(after_s=5, lasts_s=3), make_event(after_s=12)]
    for event in found:
        site.put(event)
    site.publisher.run_once()
    _upload(site)
    return found


def _upload(site: Site, node: str = "node-1") -> None:
    site.clock.advance(120)
    JournalUploader(site.journal, site.objects, node, site.clock).run_once()


def _retention(site: Site) -> Retention:
    holds, triggers, gaps = (
        Holds(site.objects, site.clock),
        TriggerLog(site.layout, SETTINGS),
        GapLog(site.layout, site.clock),
    )
    kept = Kept(
        Ledger(site.layout.recordings),
        triggers,
        gaps,
        site.objects,
        EventIndex(site.redis),
        site.journal,
        holds,
    )
    return Retention(kept, lambda: REGISTRY, SETTINGS, site.clock)


def _run(site: Site) -> None:
    _retention(site).run_site(dry=True)
    _retention(site).run_site()


def _minutes(site: Site) -> int:
    return len(stored_keys(site.objects))


def _rebuilt(site: Site) -> list[str]:
    """Return what a rebuilt index has."""
    site.redis.do("FLUSHALL")
    rebuild(site.objects, site.redis, site.layout, from_sidecars=True)
    return EventIndex(site.redis).ids(None, 100)


def _pass_days(site: Site, days: float) -> None:
    site.clock.advance(days * S_PER_DAY)
    _run(site)
    _upload(site, "node-2")


def _hold(site: Site, event: Event) -> Hold:
    made = {
        "id": "20251009-x",
        "camera": "gate",
        "from": event.started_at,
        "to": event.ended_at,
        "reason": "a case",
        "event": event.id,
    }
    hold = Hold.model_validate({**made, "placed_by": "li", "placed_at": site.clock.wall_ns()})
    Holds(site.objects, site.clock).place(hold)
    return hold


def test_what_was_kept_is_forgotten_first_and_that_it_was_deleted_after(
    site: Site, events: list[Event]
) -> None:
    _pass_days(site, 31)
    assert (_minutes(site), _rebuilt(site)) == (2, [])
    _pass_days(site, 58)
    assert _minutes(site) == 2
    _pass_days(site, 3)
    assert (_minutes(site), _rebuilt(site)) == (1, [])
    _pass_days(site, 31)
    assert (_minutes(site), _rebuilt(site)) == (0, [])
    _retention(site).run_node()
    assert check(site.objects, site.redis, site.layout, registry=REGISTRY, clock=site.clock) == []


def test_a_held_event_keeps_its_minute_and_the_word_that_others_of_it_are_deleted(
    site: Site, events: list[Event]
) -> None:
    hold = _hold(site, events[0])
    for _ in range(8):
        _pass_days(site, 50)
    assert (_minutes(site), _rebuilt(site)) == (2, [events[0].id])
    Holds(site.objects, site.clock).release(hold.id, "wang")
    _pass_days(
        site, 1
    )  # the event goes, and with it the minutes of its time; that it was deleted is young
    assert _rebuilt(site) == []
    _pass_days(site, 92)
    assert (_minutes(site), _rebuilt(site)) == (0, [])


def test_a_minute_that_cannot_be_read_stays(site: Site, events: list[Event]) -> None:
    (key,) = stored_keys(site.objects)
    site.objects.put(key, b"x", "application/gzip")
    for _ in range(3):
        _pass_days(site, 100)
    assert key in stored_keys(site.objects)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("calls", range(1, 9))
def test_a_run_killed_anywhere_leaves_nothing_that_comes_back(
    site: Site, events: list[Event], calls: int, after: bool
) -> None:
    _pass_days(site, 31)
    site.clock.advance(120 * S_PER_DAY)
    whole = site.objects
    site.objects = FusedObjects(whole, Fuse(calls, after))
    with suppress(Killed):
        _run(site)
    site.objects = whole
    assert _rebuilt(site) == []
    _run(site)
    assert (_minutes(site), _rebuilt(site)) == (0, [])


def test_a_stopped_run_deletes_nothing_more(site: Site, events: list[Event]) -> None:
    _pass_days(site, 31)
    site.clock.advance(120 * S_PER_DAY)
    stop = threading.Event()
    stop.set()
    _retention(site).run_site(stop)
    assert _minutes(site) == 2
