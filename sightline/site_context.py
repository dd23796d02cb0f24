"""The dependencies of the API, created from the stores, keys and settings of a site."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from api.access.api_context import ApiContext, SiteRegistry
from api.base_map.tile_archive import TileArchive
from api.nodes.client import NodeClient
from api.openid.openid import OpenId, make_openid
from domain.alarms import Alarm, AlarmName
from domain.clock import Clock
from domain.errors import BadInput
from domain.openid import openid_settings
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.active_policy import RunningPolicy, known_calls
from sightline.api_alarms import OwnAlarm, PeopleAlarm, current_alarms
from sightline.cluster import site_registry
from sightline.confinement.report import confinement_warnings
from sightline.keys.api_trust import api_signer, node_client_context
from sightline.keys.site_keys import SiteKeys
from sightline.processes.store_clients import Stores, connected, people_of
from storage.archive.archive import Archive
from storage.audit.shipping import AuditShipper
from storage.audit.syslog import SyslogSender
from storage.events.corrections import Corrections
from storage.events.damaged_objects import DamagedObjects
from storage.events.verified_objects import VerifiedObjects
from storage.exports.progress import ExportProgress
from storage.exports.records import ExportRecords
from storage.recordings.damaged_fragments import DamagedFragments
from storage.recordings.gaps.site_coverage import SiteCoverage
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.gaps.unanalysed import UnanalysedRanges
from storage.recordings.stored_segments import StoredSegments
from storage.sign_in.attempts import SignInAttempts
from storage.site.approvals import Approvals
from storage.site.audit import AuditLog
from storage.site.cases import Cases
from storage.site.emergencies import Emergencies
from storage.site.idempotency import IdempotencyKeys
from storage.site.node_reports import NodeReports
from storage.site.people import People
from storage.site.saved_views import SavedViews
from storage.site.sessions import SessionLimits, Sessions
from storage.site.site_identity import RecentSiteFaults

_log = logging.getLogger(__name__)
MAP_WARNING = (
    "the map file of SIGHTLINE_MAP_FILE cannot be used, so maps have a plain ground; the log of "
    "the API says why"
)


@dataclass(frozen=True, slots=True)
class _Access:
    """Who may do what, and the record of what people do."""

    people: People
    attempts: SignInAttempts
    audit: AuditLog
    openid: OpenId | None
    sessions: Sessions
    policy: RunningPolicy
    emergencies: Emergencies


def make_context(
    layout: Layout,
    settings: Settings,
    clock: Clock,
    name: str = "api",
    warnings: tuple[str, ...] = (),
) -> ApiContext:
    """Create the API's dependencies.

    `name` is the process name, unique in its data folder. `warnings` are for `/readyz`.
    """
    stores = connected(settings, layout, clock)
    redis, objects = stores.redis, stores.objects
    keys = SiteKeys(layout.keys, clock)
    signer = api_signer(keys)
    access = _access(stores, settings, layout, clock)
    damaged = DamagedObjects(redis, clock)
    base_map, map_warnings = _base_map(settings)
    return ApiContext(
        settings=settings,
        registry=_registry(layout),
        index=stores.index,
        archive=Archive.open(objects, redis, layout.archive_cache(name), settings, clock),
        feed=stores.feed,
        watches=stores.watches,
        matches=stores.matches,
        cases=Cases(objects, access.people.key, clock),
        approvals=Approvals(objects, access.people.key, clock),
        emergencies=access.emergencies,
        exports=ExportRecords(objects, access.people.key, clock, settings.export_days),
        export_progress=ExportProgress(redis),
        saved_views=SavedViews(objects, access.people.key, clock),
        policy=access.policy.now,
        objects=objects,
        verified=VerifiedObjects(objects, damaged, clock),
        damaged=damaged,
        damaged_fragments=DamagedFragments(redis),
        people=access.people,
        attempts=access.attempts,
        sessions=access.sessions,
        openid=access.openid,
        corrections=Corrections(redis, objects, stores.index, clock),
        states=stores.states,
        leases=stores.leases,
        nodes=NodeReports(redis),
        idempotency=IdempotencyKeys(redis),
        stored=StoredSegments(objects, clock),
        stored_gaps=StoredGaps(objects),
        unanalysed=UnanalysedRanges(SiteCoverage(redis), clock),
        audit=access.audit,
        node_client=NodeClient(signer, clock, node_client_context(keys)),
        clock=clock,
        layout=layout,
        scratch=layout.scratch / name,
        media_socket=layout.media_socket if settings.webrtc else None,
        signer=signer,
        alarms=_alarms(access, stores, settings, layout, clock),
        site_faults=RecentSiteFaults(stores.identity, clock),
        base_map=base_map,
        warnings=(*warnings, *map_warnings),
        unconfined=partial(confinement_warnings, layout),
    )


def _access(stores: Stores, settings: Settings, layout: Layout, clock: Clock) -> _Access:
    people = people_of(stores, settings, layout, clock)
    audit = AuditLog(layout.audit, clock, settings.audit_limit_gb)
    openid = _openid(settings, stores, people, audit, clock)
    return _Access(
        people,
        SignInAttempts(stores.redis, clock),
        audit,
        openid,
        Sessions(
            stores.redis,
            people,
            clock,
            SessionLimits.from_settings(settings),
            None if openid is None else openid.check.is_confirmed,
        ),
        RunningPolicy(settings.policy, layout, known_calls(), audit, clock),
        Emergencies(stores.objects, people.key, clock),
    )


def _openid(
    settings: Settings, stores: Stores, people: People, audit: AuditLog, clock: Clock
) -> OpenId | None:
    """Return what signs people in with the identity provider; None for a site without one."""
    of_site = openid_settings(settings, settings.site_origins)
    return None if of_site is None else make_openid(of_site, stores.redis, people, audit, clock)


def _alarms(
    access: _Access, stores: Stores, settings: Settings, layout: Layout, clock: Clock
) -> Callable[[], tuple[Alarm, ...]]:
    """Return a function that returns the alarms of all nodes and of this process."""
    shipper = AuditShipper(access.audit, stores.objects, settings.node, clock)
    syslog = SyslogSender.from_settings(access.audit, settings, clock)
    sentences = {
        AlarmName.POLICY_INVALID: access.policy.alarm,
        AlarmName.EMERGENCY_ACCESS: access.emergencies.alarm,
        AlarmName.AUDIT_FULL: access.audit.alarm,
        AlarmName.AUDIT_UNSHIPPED: shipper.alarm,
        AlarmName.SIGN_INS_FAIL: access.attempts.alarm,
    }
    if syslog is not None:
        sentences[AlarmName.AUDIT_SYSLOG] = syslog.alarm
    own = [OwnAlarm(alarm, sentence, settings.node, clock) for alarm, sentence in sentences.items()]
    of_people = PeopleAlarm(access.people, settings.node, clock)
    return partial(current_alarms, stores.redis, layout, own, of_people, clock)


def _registry(layout: Layout) -> Callable[[], SiteRegistry]:
    """Return a function that returns the registry in use."""
    running = site_registry.RunningRegistry(layout)

    def current() -> SiteRegistry:
        now = running.now()
        return SiteRegistry(now.registry, site_registry.faults_shown(layout), now.former)

    return current


def _base_map(settings: Settings) -> tuple[TileArchive | None, tuple[str, ...]]:
    """Open the map file, if there is one, and return it with the warnings for `/readyz`.

    The command that starts a site refuses a wrong file. One that is damaged afterwards takes the
    ground of the maps away, and nothing else.
    """
    if settings.map_file is None:
        return None, ()
    try:
        return TileArchive(settings.map_file), ()
    except BadInput as error:
        _log.error("%s", error)
        return None, (MAP_WARNING,)
