"""The context of an API whose parts a test may replace."""

from __future__ import annotations

from typing import cast

from api.access.api_context import ApiContext, SiteRegistry
from api.nodes.client import NodeClient
from domain.clock import Clock, SystemClock
from domain.paths.data_layout import Layout
from domain.settings import Settings
from storage.archive.archive import Archive
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.events.corrections import Corrections
from storage.events.damaged_objects import DamagedObjects
from storage.events.feed import Feed
from storage.events.verified_objects import VerifiedObjects
from storage.exports.progress import ExportProgress
from storage.exports.records import ExportRecords
from storage.index.event_index import EventIndex
from storage.recordings.damaged_fragments import DamagedFragments
from storage.recordings.gaps.site_coverage import SiteCoverage
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
from storage.site.sessions import SessionLimits, Sessions
from storage.site.watch_matches import WatchMatches
from storage.site.watches import Watches
from tests.api.site_data import REGISTRY, SIGNER
from tests.people import PEOPLE_KEY

Parts = dict[str, object]
"""Arguments of ApiContext."""


def make_context(
    redis: Redis, objects: ObjectStore, layout: Layout, people: People, changes: Parts
) -> ApiContext:
    """Return the context of a site with empty stores; `changes` replace its parts.

    `changes["objects_asked"]` is the object store of the API alone, in place of `objects`.
    """
    changes = dict(changes)
    asked_objects = cast(ObjectStore, changes.pop("objects_asked", objects))
    settings = cast(Settings, changes.get("settings", _settings()))
    clock = cast(Clock, changes.get("clock", SystemClock()))
    parts: Parts = {
        "settings": settings,
        "registry": lambda: SiteRegistry(REGISTRY),
        "clock": clock,
        "layout": layout,
        "scratch": layout.root / "api-scratch",
        "signer": SIGNER,
        "node_client": NodeClient(SIGNER, SystemClock()),
        "media_socket": layout.media_socket,
        "objects": asked_objects,
        **_event_parts(redis, objects, asked_objects, layout),
        **_recording_parts(redis, objects, clock),
        **_access_parts(redis, objects, people, settings),
        **_kept_parts(redis, objects, clock),
        "audit": AuditLog(layout.audit, SystemClock()),
    }
    return ApiContext(**(parts | changes))  # type: ignore[arg-type]


def _settings() -> Settings:
    """Return settings without limits of requests, and with passwords that are hashed fast."""
    return Settings(
        address_requests_per_s=0,
        person_requests_per_s=0,
        password_memory_mb=19,
        password_passes=2,
    )


def _event_parts(
    redis: Redis, objects: ObjectStore, asked_objects: ObjectStore, layout: Layout
) -> Parts:
    clock = SystemClock()
    damaged = DamagedObjects(redis, clock)
    return {
        "index": EventIndex(redis),
        "archive": Archive.open(objects, redis, layout.root / "archive", Settings(), clock),
        "feed": Feed(redis, 1000),
        "corrections": Corrections(redis, objects, EventIndex(redis), clock),
        "damaged": damaged,
        "verified": VerifiedObjects(asked_objects, damaged, clock),
    }


def _recording_parts(redis: Redis, objects: ObjectStore, clock: Clock) -> Parts:
    return {
        "states": CameraStates(redis),
        "leases": Leases(redis),
        "nodes": NodeReports(redis),
        "stored": StoredSegments(objects, SystemClock()),
        "stored_gaps": StoredGaps(objects),
        "unanalysed": UnanalysedRanges(SiteCoverage(redis), clock),
        "damaged_fragments": DamagedFragments(redis),
    }


def _access_parts(redis: Redis, objects: ObjectStore, people: People, settings: Settings) -> Parts:
    """Return people and their sessions, and what an access policy needs."""
    clock = SystemClock()
    return {
        "people": people,
        "sessions": Sessions(redis, people, clock, SessionLimits.from_settings(settings)),
        "attempts": SignInAttempts(redis, clock),
        "cases": Cases(objects, PEOPLE_KEY, clock),
        "approvals": Approvals(objects, PEOPLE_KEY, clock),
        "emergencies": Emergencies(objects, PEOPLE_KEY, clock),
    }


def _kept_parts(redis: Redis, objects: ObjectStore, clock: Clock) -> Parts:
    """Return what people keep: watches, exports and saved views."""
    return {
        "watches": Watches(redis, objects, SystemClock()),
        "matches": WatchMatches(redis),
        "exports": ExportRecords(objects, PEOPLE_KEY, clock, 7),
        "export_progress": ExportProgress(redis),
        "saved_views": SavedViews(objects, PEOPLE_KEY, SystemClock()),
        "idempotency": IdempotencyKeys(redis),
    }
