"""A registry with a retention for each class, and what the tests of retention keep and look at."""

from __future__ import annotations

from domain.events.event import Event
from domain.paths.object_keys import event_object
from domain.registry import Registry
from domain.settings import Settings
from storage.check import check
from storage.events.journal import JournalUploader
from storage.findings import Breach
from storage.index.event_index import EventIndex
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog
from storage.retention import Kept, Retention
from storage.site.holds import Holds
from tests.kept import Site

SETTINGS = Settings(trigger_wait_s=600)
PLACE = {"area": "a", "location": {"lon": 0, "lat": 0}, "url": "rtsp://10.0.0.1/"}
REGISTRY = Registry.model_validate(
    {
        "version": 1,
        "areas": {"a": {"name": "a"}},
        "cameras": [
            {
                "id": "gate",
                "name": "gate",
                "class": "A",
                "retention_days": 20,
                "retention_max_days": 30,
                **PLACE,
            },
            {"id": "bridge", "name": "bridge", "class": "B", "retention_days": 5, **PLACE},
            {
                "id": "shop",
                "name": "shop",
                "class": "C",
                "record": "events",
                "retention_days": 10,
                **PLACE,
            },
            {
                "id": "yard",
                "name": "yard",
                "class": "C",
                "record": "on_demand",
                "retention_days": 10,
                **PLACE,
            },
        ],
    }
)


def kept_of(site: Site) -> Kept:
    triggers = TriggerLog(site.layout, SETTINGS)
    holds = Holds(site.objects, site.clock)
    gaps = GapLog(site.layout, site.clock)
    return Kept(
        Ledger(site.layout.recordings),
        triggers,
        gaps,
        site.objects,
        EventIndex(site.redis),
        site.journal,
        holds,
    )


def retention_of(site: Site) -> Retention:
    return Retention(kept_of(site), lambda: REGISTRY, SETTINGS, site.clock)


def breaches(site: Site) -> set[Breach]:
    return {
        finding.breach
        for finding in check(
            site.objects, site.redis, site.layout, registry=REGISTRY, clock=site.clock
        )
    }


def keep_everywhere(site: Site, event: Event) -> Event:
    """Kept everywhere, its journal minute uploaded."""
    site.put(event)
    site.publisher.run_once()
    site.clock.advance(120)
    JournalUploader(site.journal, site.objects, "node-1", site.clock).run_once()
    return event


def objects_of(site: Site, event: Event) -> list[str]:
    return [
        found.key.rpartition("/")[2]
        for found in site.objects.list(event_object(event.camera, event.id, ""))
    ]
