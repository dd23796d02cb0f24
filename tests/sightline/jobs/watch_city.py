"""The stores and watches of a site, for the tests of the watch matcher and of webhooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from domain.clock import ManualClock
from domain.events.event import Event
from domain.events.watches import Watch
from domain.settings import Settings
from sightline.jobs.watch_matcher import OwnerSees, WatchMatcher, WatchStores
from sightline.jobs.webhooks import Webhooks
from storage.clients.redis import connect
from storage.clients.s3 import ObjectStore
from storage.events.feed import Feed
from storage.index.event_index import EventIndex
from storage.site.audit import AuditLog
from storage.site.watch_matches import WatchMatches
from storage.site.watches import Watches
from tests.kept import START_NS
from tests.storage.site.test_watch_index import watch_of

if TYPE_CHECKING:
    pass


class City:
    """The stores and watches of a site; `node` is a process that matches."""

    def __init__(self, url: str, objects: ObjectStore, folder: Path) -> None:
        self.redis, self.objects, self.clock = connect(url), objects, ManualClock(START_NS)
        self.redis.do("FLUSHALL")
        self.feed = Feed(self.redis, 100)
        self.index = EventIndex(self.redis)
        self.watches = Watches(self.redis, objects, self.clock)
        self.matches = WatchMatches(self.redis)
        self.folder = folder / "audit"
        self.audit = AuditLog(self.folder, self.clock)
        self.sees: OwnerSees = lambda owner, placed_at_ns, camera_id: True

    def node(self, name: str = "node-1") -> WatchMatcher:
        return WatchMatcher(
            WatchStores(self.feed, self.index, self.watches, self.matches),
            self.audit,
            self.clock,
            name,
            self.sees,
        )

    def sender(self, networks: str = "127.0.0.0/8") -> Webhooks:
        return Webhooks(
            self.matches, self.watches, self.audit, Settings(webhook_networks=networks), self.clock
        )

    def passes(self, *events: Event) -> None:
        self.index.put_all(events)
        self.feed.add_all(events)

    def found(self) -> list[tuple[str, str]]:
        return [(match.watch, match.event.id) for _, match in self.matches.after(0, 1000).items]

    def audited(self, what: str) -> list[dict[str, object]]:
        lines = [
            line
            for file in sorted(self.folder.glob("*.jsonl"))
            for line in file.read_text("utf-8").splitlines()
        ]
        return [entry for entry in map(json.loads, lines) if entry["route"] == what]


def placed(city: City, plate: str = "鄂C12345", key: int = 1, **changes: object) -> Watch:
    watch = watch_of(plate, key=key).model_copy(update=changes)
    city.watches.place(watch)
    return watch
