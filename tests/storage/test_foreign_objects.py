"""Objects in the bucket that Sightline never wrote: each is named, and stops no job and no
command.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.people import Person, Role
from domain.settings import Settings
from storage.archive.archive import Archive
from storage.archive.archiver import Archiver
from storage.check import check
from storage.events.corrections import Corrections
from storage.events.journal import JournalUploader
from storage.findings import Breach
from storage.index.event_index import EventIndex
from storage.rebuild import rebuild
from storage.site.holds import Holds
from storage.site.registries import Registries
from storage.site.watches import Watches
from tests.kept import Site, make_event
from tests.people import people_of
from tests.storage.retained import REGISTRY, retention_of
from tests.storage.site.test_watch_index import watch_of

EVENT = make_event(after_s=5)
PREFIXES = (
    "",
    "state/",
    "state/registry/",
    "state/holds/",
    "state/people/",
    "state/watches/",
    "events/",
    "events/2025/10/09/",
    "events/2025/10/09/gate/",
    f"events/2025/10/09/gate/{EVENT.id}/corrected.",
    "recordings/",
    "recordings/gate/",
    "recordings/gate/20251009/",
    "recording_index/",
    "recording_index/gate/",
    "recording_index/gate/20251009/",
    "recording_index/gate/20251009/12/",
    "gaps/cameras/",
    "gaps/cameras/gate/node-1/",
    "gaps/nodes/",
    "journal/",
    "journal/node-1/2025/10/09/",
    "journal/_corrections/",
    "archive/",
    "archive/events/",
    "archive/events/2025/10/09/",
    "archive/catalogue/",
)
NAMES = ("zzz", "zzz.json", "zzz.jsonl.gz", "z/z/z/z/zzz.json")


def test_foreign_objects_stop_nothing(site: Site, tmp_path: Path) -> None:
    site.put(EVENT)
    site.publisher.run_once()
    site.clock.advance(120)
    JournalUploader(site.journal, site.objects, "node-1", site.clock).run_once()
    token = people_of(site.redis, site.objects).add("li.wei", Role.AUDITOR).token
    registries = Registries(site.redis, site.objects)
    registries.add("first")
    watches = Watches(site.redis, site.objects, site.clock)
    watches.place(watch_of("鄂C12345", key=1))
    foreign = {prefix + name for prefix in PREFIXES for name in NAMES}
    for key in foreign:
        site.objects.put(key, b"junk", "text/plain")

    site.redis.do("FLUSHALL")
    rebuilt = rebuild(site.objects, site.redis, site.layout)
    assert (rebuilt.people, rebuilt.events, rebuilt.registry, rebuilt.watches) == (1, 1, 1, 1)
    sidecars = rebuild(site.objects, site.redis, site.layout, from_sidecars=True)
    assert sidecars.events == 1
    assert people_of(site.redis, site.objects).by_token(token) == Person("li.wei", Role.AUDITOR)
    assert [
        record.name for record in people_of(site.redis, site.objects).index.records().records
    ] == ["li.wei"]
    assert registries.add("second").version == 2
    newest = registries.newest()
    assert newest is not None
    assert newest.text == "second"
    assert Holds(site.objects, site.clock).known().damaged == ()
    assert [watch.id for watch in watches.active()] == ["20261124-00000001"]
    corrections = Corrections(site.redis, site.objects, EventIndex(site.redis), site.clock)
    assert corrections.correct(EVENT, "鄂C54321", "li.wei", "a look", 0).version == 1

    archive = Archive.open(site.objects, site.redis, tmp_path / "cache", Settings(), site.clock)
    assert (
        Archiver(archive, EventIndex(site.redis), site.redis, site.objects, site.clock).run(2)
        is not None
    )
    archive.close()
    findings = check(site.objects, site.redis, site.layout, registry=REGISTRY, clock=site.clock)
    assert all(finding.message for finding in findings)
    retention_of(site).run_node()
    retention_of(site).run_site()
    assert foreign <= {stat.key for stat in site.objects.list("")}, "what is not ours stays"


@pytest.mark.parametrize(
    "prefix", ["state/registry/", "state/holds/", "state/people/", "state/watches/"]
)
def test_a_foreign_object_among_records_is_named_with_what_to_do(site: Site, prefix: str) -> None:
    site.objects.put(f"{prefix}zzz", b"junk", "text/plain")
    findings = check(site.objects, site.redis, site.layout)
    (finding,) = [finding for finding in findings if finding.breach is Breach.FOREIGN_OBJECT]
    assert finding.subject == f"{prefix}zzz"
    assert "delete it unless you know its purpose" in finding.message
