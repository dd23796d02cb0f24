"""Creates the clients of the stores for the processes of an instance and for commands."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.clock import Clock, SystemClock
from domain.errors import SightlineError
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.processes.instance import (
    Runtime,
    claimed,
    complete_settings,
    instance_secrets,
    move_older_files,
    runtime_of,
)
from sightline.processes.people_key import people_key
from sightline.processes.process_plan import new_runtime, own_servers
from sightline.processes.supervisor import Supervisor
from storage.archive.archive import Archive
from storage.archive.archiver import Archiver
from storage.clients.redis import Redis, connect
from storage.clients.s3 import ObjectStore
from storage.events.feed import Feed
from storage.index.event_index import EventIndex
from storage.site.camera_states import CameraStates
from storage.site.leases import Leases
from storage.site.nodes import Nodes
from storage.site.people import People
from storage.site.people_index import PeopleIndex
from storage.site.registries import Registries
from storage.site.site_identity import SiteIdentity
from storage.site.watch_matches import WatchMatches
from storage.site.watches import Watches


@dataclass(frozen=True, slots=True)
class Stores:
    """The clients of the stores."""

    redis: Redis
    objects: ObjectStore
    index: EventIndex
    people: PeopleIndex
    states: CameraStates
    leases: Leases
    nodes: Nodes
    registries: Registries
    feed: Feed
    watches: Watches
    matches: WatchMatches
    identity: SiteIdentity

    def close(self) -> None:
        self.redis.close()
        self.objects.close()


def connected(settings: Settings, layout: Layout, clock: Clock) -> Stores:
    """Create the clients of the stores in the settings, without a request to a store.

    Raises SightlineError where a setting is missing.
    """
    if (
        settings.redis_url is None
        or settings.s3_endpoint is None
        or settings.s3_access_key is None
        or settings.s3_secret_key is None
    ):
        raise SightlineError(
            "SIGHTLINE_REDIS_URL, SIGHTLINE_S3_ENDPOINT, SIGHTLINE_S3_ACCESS_KEY and "
            "SIGHTLINE_S3_SECRET_KEY must be set"
        )
    redis = connect(settings.redis_url.get_secret_value(), settings.redis_ca)
    objects = ObjectStore(
        settings.s3_endpoint,
        settings.s3_access_key.get_secret_value(),
        settings.s3_secret_key.get_secret_value(),
        settings.s3_bucket,
        settings.s3_secure,
        settings.s3_ca,
    )
    return Stores(
        redis,
        objects,
        EventIndex(redis),
        PeopleIndex(redis, objects),
        CameraStates(redis),
        Leases(redis),
        Nodes(redis),
        Registries(redis, objects, clock),
        Feed(redis, settings.feed_events),
        Watches(redis, objects, clock),
        WatchMatches(redis),
        SiteIdentity(redis, objects, layout.site, clock),
    )


@contextmanager
def open_stores(layout: Layout) -> Iterator[Stores]:
    """Open the stores of the instance on this data folder, for a command.

    If the instance is not running, its embedded servers are started meanwhile.
    """
    settings, clock = Settings(), SystemClock()
    with ExitStack() as held:
        runtime = runtime_of(layout)
        if runtime is None:
            move_older_files(layout)
        if runtime is None and (settings.redis_url is None or settings.s3_endpoint is None):
            claim = held.enter_context(claimed(layout, clock))
            runtime = held.enter_context(_servers_only(layout, settings, clock, claim))
        stores = connected(
            complete_settings(settings, runtime, instance_secrets(layout)), layout, clock
        )
        held.callback(stores.close)
        stores.objects.ensure_bucket()
        yield stores


def people_of(stores: Stores, settings: Settings, layout: Layout, clock: Clock) -> People:
    """Return the people of the site, for the API and the commands: nodes lack the key."""
    return People(stores.redis, stores.objects, people_key(settings, layout), clock)


@contextmanager
def opened_people(layout: Layout) -> Iterator[People]:
    """Open the people of the instance on this data folder, for a command."""
    with open_stores(layout) as stores:
        yield people_of(stores, Settings(), layout, SystemClock())


@contextmanager
def opened_archive(
    stores: Stores, layout: Layout, settings: Settings, clock: Clock
) -> Iterator[Archive]:
    """Open the archive for a command, with a temporary folder."""
    with TemporaryDirectory(prefix=".archive-", dir=layout.root) as folder:
        archive = Archive.open(stores.objects, stores.redis, Path(folder), settings, clock)
        try:
            yield archive
        finally:
            archive.close()


def archiver_of(stores: Stores, archive: Archive, clock: Clock) -> Archiver:
    return Archiver(archive, stores.index, stores.redis, stores.objects, clock)


@contextmanager
def _servers_only(
    layout: Layout, settings: Settings, clock: Clock, claim: int
) -> Iterator[Runtime]:
    runtime = new_runtime(settings, api_port=0)
    supervisor = Supervisor([own_servers(layout, settings, runtime)], clock, held=(claim,))
    try:
        supervisor.start(threading.Event(), lambda _: None)
        yield runtime
    finally:
        supervisor.stop()
