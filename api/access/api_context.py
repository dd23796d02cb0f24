"""What the API works with. The composer makes it, live doors included; routes get it as
`Context`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from api.nodes.client import NodeClient
from api.requests.cutting import Cutting
from api.requests.request_trace import Trace, trace_of
from domain.alarms import Alarm
from domain.clock import Clock, rfc3339
from domain.errors import Fault, NotFound
from domain.registry import Camera, Registry
from domain.registry.former import FormerCamera
from domain.settings import Settings
from storage.archive.archive import Archive
from storage.clients.s3 import ObjectStore
from storage.events.corrections import Corrections
from storage.events.feed import Feed
from storage.events.store import EventStore
from storage.events.verified_objects import VerifiedObjects
from storage.index.event_index import EventIndex
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.stored_segments import StoredSegments
from storage.site.audit import AuditLog
from storage.site.camera_states import CameraStates
from storage.site.leases import Leases
from storage.site.people import People
from storage.site.site_identity import SiteFaults
from storage.site.watch_matches import WatchMatches
from storage.site.watches import Watches


@dataclass(frozen=True, slots=True)
class SiteRegistry:
    """The registry that runs, and the faults of a newer one that therefore does not."""

    registry: Registry
    faults: tuple[Fault, ...] = ()
    former: Mapping[str, FormerCamera] = field(default_factory=dict)
    """Cameras that it has no more."""


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """A camera of which recordings may be kept."""

    camera: Camera
    kept_days: int
    """How long they are kept at most."""
    left_ns: int | None = None
    """When it left the registry; None for one that is in it."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    settings: Settings
    registry: Callable[[], SiteRegistry]
    index: EventIndex
    archive: Archive
    feed: Feed
    watches: Watches
    matches: WatchMatches
    objects: ObjectStore
    verified: VerifiedObjects
    """The files of events, compared with their SHA-256."""
    people: People
    corrections: Corrections
    states: CameraStates
    leases: Leases
    stored: StoredSegments
    stored_gaps: StoredGaps
    audit: AuditLog
    door: NodeClient
    clock: Clock
    cutting: Cutting
    """For recordings whose segments lie in several places."""
    ticket_key: bytes
    """Signs the addresses of playlists."""
    alarms: Callable[[], tuple[Alarm, ...]] = tuple
    """What people must be told now, of all nodes; answers also without Redis."""
    site_faults: Callable[[], SiteFaults] = SiteFaults
    """What the stores have lost, as of a few seconds ago."""

    @property
    def events(self) -> EventStore:
        """All events, however old: of the index and of the archive."""
        return EventStore(self.index, self.archive, self.clock, self.settings.index_days)

    def camera(self, camera_id: str) -> Camera:
        """A camera of the registry. Raises NotFound."""
        known = self.known_camera(camera_id)
        if known.left_ns is not None:
            raise NotFound(
                f"camera {camera_id!r} is no longer in the registry since "
                f"{rfc3339(known.left_ns)}; "
                "only what was recorded of it before can be read"
            )
        return known.camera

    def known_camera(self, camera_id: str) -> KnownCamera:
        """A camera of the registry, or one that left it. Raises NotFound for one that never was
        there.
        """
        now = self.registry()
        camera = now.registry.camera(camera_id)
        if camera is not None:
            return KnownCamera(camera, camera.longest_retention_days)
        former = now.former.get(camera_id)
        if former is None:
            raise NotFound(
                f"there is no camera {camera_id!r} in the registry; GET /v1/cameras lists all"
            )
        return KnownCamera(former.camera, now.registry.longest_retention_days, former.left_at)


async def _context(request: Request) -> ApiContext:
    return cast(ApiContext, request.app.state.context)


async def _trace(request: Request) -> Trace:
    return trace_of(request.scope)


Context = Annotated[ApiContext, Depends(_context)]
RequestTrace = Annotated[Trace, Depends(_trace)]
