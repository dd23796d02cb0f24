"""Events that are only in the archive are found, read and held, and the page says `archived`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.clock import S_PER_DAY
from storage.archive.archiver import Archiver
from tests.api.events.test_media import keep

if TYPE_CHECKING:
    from domain.events.event import Event
    from tests.api.conftest import Site
    from tests.api.site_data import MakeEvent


def archived(site: Site, *events: Event) -> None:
    context = site.context
    context.index.put_all(events)
    moved = Archiver(
        context.archive, context.index, site.redis, context.objects, context.clock
    ).run(2)
    assert moved is not None
    assert context.index.count() == 0


def test_an_old_event_is_found_and_read(site: Site, make_event: MakeEvent) -> None:
    old = [make_event(n * S_PER_DAY) for n in range(3)]
    archived(site, *old)
    first = site.get("/v1/events?plate=鄂F8888?&limit=2").json()
    second = site.get(f"/v1/events?plate=鄂F8888?&limit=2&next={first['next']}").json()
    assert [item["id"] for item in [*first["items"], *second["items"]]] == [
        event.id for event in reversed(old)
    ]
    assert (first["archived"], second["archived"], second["next"]) == (True, True, None)
    assert site.get(f"/v1/events/{old[0].id}").json() == second["items"][0]
    keep(site, old[0])
    assert site.get(f"/v1/events/{old[0].id}/snapshot").content == b"a kept snapshot"
    assert (
        len(
            site.get(f"/v1/journeys?plate=鄂F88888&from={first['items'][-1]['started_at']}").json()[
                "sightings"
            ]
        )
        == 2
    )


def test_recent_events_are_not_called_archived(site: Site, make_event: MakeEvent) -> None:
    archived(site, make_event(0))
    site.context.index.put(make_event(9 * S_PER_DAY))
    answer = site.get("/v1/events?from=2025-12-01T00:00:00Z").json()
    assert (len(answer["items"]), answer["archived"]) == (1, False)


def test_impossible_legs_watches_and_counts_are_of_old_events_too(
    site: Site, make_event: MakeEvent
) -> None:
    old = [make_event(0, "east-gate"), make_event(5, "west-gate")]
    archived(site, *old)
    week = "from=2025-11-20T00:00:00Z&to=2025-11-27T00:00:00Z"
    legs = site.get(f"/v1/journeys/impossible?{week}").json()
    assert [[one["id"] for one in item["sightings"]] for item in legs["items"]] == [
        [event.id for event in old]
    ]
    assert (legs["exact"], legs["unlooked_hours"]) == (True, 0)
    assert site.get(f"/v1/journeys/impossible?{week}&camera=school").json()["items"] == []
    assert sum(site.get(f"/v1/events/histogram?{week}&plate=鄂F88888").json()["counts"]) == 2
