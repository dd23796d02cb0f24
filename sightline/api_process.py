"""The API process, started as `python -m sightline.api_process`."""

from __future__ import annotations

import argparse
import logging
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvicorn
from anyio import to_thread

from api.access.api_context import ApiContext, SiteRegistry
from api.app import make_app
from api.app_routes import site_routes
from api.base_map.tile_archive import TileArchive
from api.exports.export_job import ExportJob
from api.live.whep_sessions import WhepSessions
from api.nodes.client import NodeClient
from api.openid.openid import make_openid
from api.requests.refused_requests import Refusals
from domain.alarms import AlarmName
from domain.clock import Clock, SystemClock
from domain.errors import BadInput
from domain.log import set_up_logging
from domain.openid import openid_settings
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.active_policy import RunningPolicy, known_calls
from sightline.api_alarms import OwnAlarm, PeopleAlarm, current_alarms
from sightline.cluster import site_registry
from sightline.confinement.report import confinement_warnings, log_confinement
from sightline.http_protocol import ConnectionLimits, raise_descriptor_limit, server_config
from sightline.keys.api_trust import api_signer, node_client_context
from sightline.keys.site_keys import SiteKeys
from sightline.keys.tls import PLAIN_HTTP_WARNING, server_context
from sightline.processes.memory_tuning import collect_seldom
from sightline.processes.store_clients import connected, people_of
from sightline.processes.supervised_threads import Job, run_supervised
from sightline.websocket_protocol import websocket_options
from storage.archive.archive import Archive
from storage.audit.shipping import AuditShipper
from storage.audit.syslog import SyslogSender
from storage.audit.viewings import Viewings
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
from storage.site.saved_views import SavedViews
from storage.site.sessions import SessionLimits, Sessions
from storage.site.site_identity import RecentSiteFaults

_log = logging.getLogger(__name__)
MAP_WARNING = (
    "the map file of SIGHTLINE_MAP_FILE cannot be used, so maps have a plain ground; the log of "
    "the API says why"
)
STOP_WITHIN_S = 5
"""The server does not wait longer for open responses at a stop."""
UNREAD_S = 60
"""The kernel closes a connection whose peer acknowledges nothing, or has no room, for this long."""
_BACKLOG = 2048
_GC_THRESHOLD = 20_000
"""The garbage collector scans so many objects in some milliseconds."""


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
    keys = SiteKeys(layout.keys, clock)
    signer = api_signer(keys)
    registry = site_registry.RunningRegistry(layout)
    people = people_of(stores, settings, layout, clock)
    attempts = SignInAttempts(stores.redis, clock)
    audit = AuditLog(layout.audit, clock, settings.audit_limit_gb)
    shipper = AuditShipper(audit, stores.objects, settings.node, clock)
    syslog = SyslogSender.from_settings(audit, settings, clock)
    emergencies = Emergencies(stores.objects, people.key, clock)
    policy = RunningPolicy(settings.policy, layout, known_calls(), audit, clock)
    openid_of_site = openid_settings(settings, settings.site_origins)
    openid = (
        None
        if openid_of_site is None
        else make_openid(openid_of_site, stores.redis, people, audit, clock)
    )
    damaged = DamagedObjects(stores.redis, clock)
    own_alarms = [
        OwnAlarm(alarm, sentence, settings.node, clock)
        for alarm, sentence in (
            (AlarmName.POLICY_INVALID, policy.alarm),
            (AlarmName.EMERGENCY_ACCESS, emergencies.alarm),
            (AlarmName.AUDIT_FULL, audit.alarm),
            (AlarmName.AUDIT_UNSHIPPED, shipper.alarm),
            (AlarmName.AUDIT_SYSLOG, None if syslog is None else syslog.alarm),
            (AlarmName.SIGN_INS_FAIL, attempts.alarm),
        )
        if sentence is not None
    ]
    base_map, map_warnings = _base_map(settings)
    return ApiContext(
        settings=settings,
        registry=lambda: _site_registry(registry.now(), layout),
        index=stores.index,
        archive=Archive.open(
            stores.objects, stores.redis, layout.archive_cache(name), settings, clock
        ),
        feed=stores.feed,
        watches=stores.watches,
        matches=stores.matches,
        cases=Cases(stores.objects, people.key, clock),
        approvals=Approvals(stores.objects, people.key, clock),
        emergencies=emergencies,
        exports=ExportRecords(stores.objects, people.key, clock, settings.export_days),
        export_progress=ExportProgress(stores.redis),
        saved_views=SavedViews(stores.objects, people.key, clock),
        policy=policy.now,
        objects=stores.objects,
        verified=VerifiedObjects(stores.objects, damaged, clock),
        damaged=damaged,
        damaged_fragments=DamagedFragments(stores.redis),
        people=people,
        attempts=attempts,
        sessions=Sessions(
            stores.redis,
            people,
            clock,
            SessionLimits.from_settings(settings),
            None if openid is None else openid.check.is_confirmed,
        ),
        openid=openid,
        corrections=Corrections(stores.redis, stores.objects, stores.index, clock),
        states=stores.states,
        leases=stores.leases,
        nodes=NodeReports(stores.redis),
        idempotency=IdempotencyKeys(stores.redis),
        stored=StoredSegments(stores.objects, clock),
        stored_gaps=StoredGaps(stores.objects),
        unanalysed=UnanalysedRanges(SiteCoverage(stores.redis), clock),
        audit=audit,
        node_client=NodeClient(signer, clock, node_client_context(keys)),
        clock=clock,
        layout=layout,
        scratch=layout.scratch / name,
        media_socket=layout.media_socket if settings.webrtc else None,
        signer=signer,
        alarms=partial(
            current_alarms,
            stores.redis,
            layout,
            own_alarms,
            PeopleAlarm(people, settings.node, clock),
            clock,
        ),
        site_faults=RecentSiteFaults(stores.identity, clock),
        base_map=base_map,
        warnings=(*warnings, *map_warnings),
        unconfined=partial(confinement_warnings, layout),
    )


def _site_registry(now: site_registry.Running, layout: Layout) -> SiteRegistry:
    return SiteRegistry(now.registry, site_registry.faults_shown(layout), now.former)


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


class ApiServer(uvicorn.Server):
    """Calls `end_feeds` when it stops. When it has stopped, it ends the WebRTC sessions and calls
    `at_end`; the signal ends the process directly afterwards.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        end_feeds: Callable[[], None],
        sessions: WhepSessions,
        at_end: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._end_feeds = end_feeds
        self._sessions = sessions
        self._at_end = at_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A feed that the server cancels would be an error in the log.
        self._end_feeds()
        await super().shutdown(sockets)
        await self._sessions.close()
        await to_thread.run_sync(self._at_end)


def preload() -> None:
    """Make the routes, which processes then share. They need a third of the memory of an API."""
    site_routes()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sightline.api_process", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", default="api")
    parser.add_argument(
        "--shared", action="store_true", help="other processes listen on the same port"
    )
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument(
        "--exposed", action="store_true", help="the address is beyond loopback, without TLS"
    )
    arguments = parser.parse_args()
    settings, clock = Settings(), SystemClock()
    set_up_logging(settings.log_level, arguments.name)
    log_confinement()
    warnings = (PLAIN_HTTP_WARNING,) if arguments.exposed else ()
    context = make_context(Layout(arguments.data), settings, clock, arguments.name, warnings)
    context.policy()  # It is on record before the first request.
    app = make_app(context)
    refusals: Refusals = app.state.recorder.refusals
    shipper = AuditShipper(context.audit, context.objects, settings.node, context.clock)
    viewings: Viewings = app.state.recorder.viewings
    exports = ExportJob(context, app.state.recordings)
    jobs = {
        "refusals": refusals.run,
        "viewings": viewings.run,
        "audit": shipper.run,
        "exports": exports.run,
    }
    syslog = SyslogSender.from_settings(context.audit, settings, context.clock)
    if syslog is not None:
        jobs["syslog"] = syslog.run
    for name, job in jobs.items():
        _start(name, job, arguments.name, context.clock)
    collect_seldom(_GC_THRESHOLD)
    raise_descriptor_limit()
    tls = server_context(arguments.tls_cert, arguments.tls_key) if arguments.tls_cert else None
    limits = ConnectionLimits(clock)
    config = server_config(
        app,
        limits,
        tls=tls,
        stop_within_s=STOP_WITHIN_S,
        websockets=websocket_options(limits),
    )
    with listening(arguments.host, arguments.port, arguments.shared) as listener:
        at_end = partial(_write_last_lines, refusals, viewings)
        ApiServer(config, app.state.feeds.end, app.state.whep, at_end).run([listener])


def _write_last_lines(refusals: Refusals, viewings: Viewings) -> None:
    refusals.flush(is_last=True)
    viewings.flush(is_last=True)


def _start(name: str, job: Job, process: str, clock: Clock) -> None:
    """Run a job in a thread until the process ends."""
    stop = threading.Event()
    threading.Thread(
        target=run_supervised,
        args=(name, process, partial(job, stop), stop, clock),
        name=name,
        daemon=True,
    ).start()


def listening(host: str, port: int, is_shared: bool) -> socket.socket:
    """Return the listening socket of the API.

    If the port `is_shared`, the kernel distributes connections over all processes that share it.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.create_server(
        (host, port), family=family, backlog=_BACKLOG, reuse_port=is_shared
    )
    # Otherwise a response waits 40 ms until the client acknowledges its headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Without a limit, data for a client that reads nothing stays in the kernel without end, also
    # after its response was aborted.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_S * 1000)
    return listener


if __name__ == "__main__":
    main()
