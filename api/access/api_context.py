"""The dependencies of the API. Its routes receive them as `Context`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from api.access.authentication import Authentication
from api.access.scopes import Scopes
from api.base_map.tile_archive import TileArchive
from api.limits.byte_budget import ByteBudget
from api.nodes.client import NodeClient
from api.openid.openid import OpenId
from api.requests.request_trace import Trace, trace_of
from domain.access_policy.model import ActivePolicy
from domain.alarms import Alarm
from domain.camera_scope import VisibleCameras
from domain.clock import Clock, moment
from domain.errors import Fault, NotFound, Unauthenticated
from domain.paths.data_layout import Layout
from domain.people import Person
from domain.registry import Camera, Registry
from domain.registry.former import FormerCamera
from domain.settings import Settings
from domain.signatures import ApiSigner
from storage.archive.archive import Archive
from storage.audit.reader import AuditReader
from storage.audit.shipping import AuditShipper
from storage.clients.s3 import ObjectStore
from storage.events.corrections import Corrections
from storage.events.damaged_objects import DamagedObjects
from storage.events.feed import Feed
from storage.events.store import EventStore
from storage.events.verified_objects import VerifiedObjects
from storage.exports.progress import ExportProgress
from storage.exports.records import ExportRecords
from storage.index.event_index import EventIndex
from storage.recordings.damaged_fragments import DamagedFragments
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.gaps.unanalysed import UnanalysedRanges
from storage.recordings.stored_segments import StoredSegments
from storage.sign_in.attempts import SignInAttempts
from storage.site.approvals import Approvals
from storage.site.audit import AuditLog
from storage.site.camera_states import CameraStates
from storage.site.cases import Cases
from storage.site.emergencies import Emergencies
from storage.site.idempotency import IdempotencyKeys
from storage.site.leases import Leases
from storage.site.node_reports import NodeReports
from storage.site.people import People
from storage.site.saved_views import SavedViews
from storage.site.sessions import Sessions
from storage.site.site_identity import SiteFaults
from storage.site.watch_matches import WatchMatches
from storage.site.watches import Watches


@dataclass(frozen=True, slots=True)
class SiteRegistry:
    """The registry in use, and the faults that keep a newer version from being used."""

    registry: Registry
    faults: tuple[Fault, ...] = ()
    former: Mapping[str, FormerCamera] = field(default_factory=dict)
    """Cameras that are no longer in the registry."""


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """A camera that may have recordings."""

    camera: Camera
    kept_days: int
    """The longest retention of its recordings."""
    left_ns: int | None = None
    """When it left the registry; None for a camera that is in it."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What the routes of the API use; `sightline` creates it."""

    settings: Settings
    registry: Callable[[], SiteRegistry]
    index: EventIndex
    archive: Archive
    feed: Feed
    watches: Watches
    matches: WatchMatches
    cases: Cases
    approvals: Approvals
    emergencies: Emergencies
    exports: ExportRecords
    export_progress: ExportProgress
    saved_views: SavedViews
    objects: ObjectStore
    verified: VerifiedObjects
    """Reads the files of events and compares them with their SHA-256."""
    damaged: DamagedObjects
    damaged_fragments: DamagedFragments
    """The stored files and fragments of recordings that differ from their SHA-256."""
    people: People
    sessions: Sessions
    """The sessions of browsers."""
    attempts: SignInAttempts
    """The delays after failed sign-ins."""
    corrections: Corrections
    states: CameraStates
    leases: Leases
    nodes: NodeReports
    stored: StoredSegments
    stored_gaps: StoredGaps
    unanalysed: UnanalysedRanges
    """The times in which checkpoints may have missed passings."""
    audit: AuditLog
    node_client: NodeClient
    clock: Clock
    layout: Layout
    """The data folder, which has recordings where a node runs on the same machine."""
    scratch: Path
    """The folder of this process for files that last as long as their answer."""
    idempotency: IdempotencyKeys
    signer: ApiSigner
    """Signs tickets in the URLs of playlists and feeds."""
    policy: Callable[[], ActivePolicy] = ActivePolicy
    """Return the access policy in force."""
    openid: OpenId | None = None
    """Signs people in with the identity provider; None for a site without one."""
    alarms: Callable[[], tuple[Alarm, ...]] = tuple
    """Return the current alarms of all nodes; it also works without Redis."""
    warnings: tuple[str, ...] = ()
    """What is unsafe in the way this API was started, for `/readyz`."""
    unconfined: Callable[[], tuple[str, ...]] = tuple
    """Return why processes of this machine are not confined, for `/readyz`."""
    base_map: TileArchive | None = None
    """The file of the base map; None for a site without one."""
    media_socket: Path | None = None
    """The socket of the process that sends WebRTC; None where there is none."""
    scopes: Scopes = field(default_factory=Scopes)
    """Evaluates the scopes of people."""
    send_budget: ByteBudget = field(default_factory=ByteBudget)
    """What responses may hold that is read and not sent."""
    site_faults: Callable[[], SiteFaults] = SiteFaults
    """Return what the stores have lost, as of a few seconds ago."""

    @property
    def events(self) -> EventStore:
        """All events, from the index and from the archive."""
        return EventStore(self.index, self.archive, self.clock, self.settings.index_days)

    @property
    def authentication(self) -> Authentication:
        """Finds the person of a request."""
        return Authentication(self.people, self.sessions, self.settings)

    @property
    def audit_reader(self) -> AuditReader:
        """Reads the audit lines of the site."""
        shipper = AuditShipper(self.audit, self.objects, self.settings.node, self.clock)
        return AuditReader(self.objects, shipper, self.clock)

    def camera(self, camera_id: str, visible: VisibleCameras) -> Camera:
        """Return a visible camera of the registry. Raises NotFound."""
        known = self.known_camera(camera_id, visible)
        if known.left_ns is not None:
            raise NotFound(
                "camera {camera} is no longer in the registry since {left}; "
                "only what was recorded of it before can be read",
                camera=repr(camera_id),
                left=moment(known.left_ns),
            )
        return known.camera

    def known_camera(self, camera_id: str, visible: VisibleCameras) -> KnownCamera:
        """Return a visible camera that is or was in the registry. Raises NotFound for any other."""
        now = self.registry()
        camera = now.registry.camera(camera_id)
        is_visible = camera_id in visible
        if camera is not None and is_visible:
            return KnownCamera(camera, camera.longest_retention_days)
        former = now.former.get(camera_id)
        if former is None or not is_visible:
            raise NotFound(
                "there is no camera {camera} in the registry; GET /v1/cameras lists all",
                camera=repr(camera_id),
            )
        return KnownCamera(former.camera, now.registry.longest_retention_days, former.left_at)

    def visible(self, person: Person) -> VisibleCameras:
        """Return the cameras that a person may see now."""
        now = self.registry()
        return self.scopes.visible(person.scope, now.registry, now.former)


async def _context(request: Request) -> ApiContext:
    return cast(ApiContext, request.app.state.context)


async def _trace(request: Request) -> Trace:
    return trace_of(request.scope)


async def _visible(request: Request) -> VisibleCameras:
    person = trace_of(request.scope).person
    if person is None:
        raise Unauthenticated("send a token: `Authorization: Bearer …`")
    context: ApiContext = request.app.state.context
    return context.visible(person)


Context = Annotated[ApiContext, Depends(_context)]
RequestTrace = Annotated[Trace, Depends(_trace)]
Visible = Annotated[VisibleCameras, Depends(_visible)]
