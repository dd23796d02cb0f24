"""A retention run that is killed or stopped leaves nothing half deleted."""

from __future__ import annotations

import threading

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_S, S_PER_DAY
from domain.events.event import Event
from domain.paths.object_keys import SIDECAR
from storage.check import check
from storage.findings import Breach
from tests.buckets import remove_objects
from tests.examples import examples
from tests.fuses import Fuse, FusedJournal, FusedObjects, FusedRedis, Killed
from tests.kept import START_NS, Site, make_event
from tests.storage.retained import keep_everywhere, objects_of, retention_of


@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=4))
def test_a_run_killed_anywhere_and_run_again_leaves_nothing_half_deleted(
    site: Site, kills: list[tuple[int, bool]]
) -> None:
    """Killed at random calls of the stores, again and again: what is shown is whole at each
    moment, and the last run finishes.
    """
    event = _fresh(site)
    whole = site.objects, site.redis, site.journal
    for at, after in kills:
        fuse = Fuse(at, after)
        site.objects, site.redis = FusedObjects(whole[0], fuse), FusedRedis(whole[1], fuse)
        site.journal = FusedJournal(site.layout.journal, site.clock, fuse)
        try:
            retention_of(site).run_site()
        except Killed:
            pass
        finally:
            site.objects, site.redis, site.journal = whole
        _nothing_is_shown_that_is_gone(site, event)
    retention_of(site).run_site()
    assert (objects_of(site, event), site.row(event)) == ([], None)
    assert check(site.objects, site.redis, site.layout) == []


def _fresh(site: Site) -> Event:
    remove_objects(site.objects)
    site.redis.do("FLUSHALL")
    for path in site.journal.minutes():
        path.unlink()
    site.clock.advance((START_NS + 40 * NS_PER_S - site.clock.wall_ns()) / NS_PER_S)
    site.restart()
    event = keep_everywhere(site, make_event(after_s=5, lasts_s=3))
    site.clock.advance(31 * S_PER_DAY)
    return event


def _nothing_is_shown_that_is_gone(site: Site, event: Event) -> None:
    row, there = site.row(event), objects_of(site, event)
    if row is not None:
        assert len(there) == 4
    if there:
        assert SIDECAR in there
    found = {finding.breach for finding in check(site.objects, site.redis, site.layout)}
    assert found <= {Breach.DELETION_UNFINISHED}


def test_it_stops_immediately(site: Site) -> None:
    event = keep_everywhere(site, make_event(after_s=5, lasts_s=3))
    site.clock.advance(31 * S_PER_DAY)
    stop = threading.Event()
    stop.set()
    assert retention_of(site).run_site(stop).events == 0
    assert len(objects_of(site, event)) == 4
