"""The periodic jobs of a node, which its first worker runs.

They upload journals and recordings, delete what is expired or has no room, raise alarms, and match
watches.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from domain.alarms import AlarmName
from domain.clock import NS_PER_HOUR, Clock
from domain.errors import StoreError
from domain.messages.message import Message
from domain.paths.data_layout import Layout
from domain.registry import Camera
from domain.settings import Settings
from sightline.cluster.roster import NodeRosters
from sightline.cluster.site_registry import RunningRegistry
from sightline.jobs.alarm_monitor import AlarmMonitor
from sightline.jobs.coverage_report import CoverageReporter
from sightline.jobs.disk_quota_job import DiskQuotaJob
from sightline.jobs.disk_usage import OtherDiskUsage
from sightline.jobs.node_report import NodeReporter
from sightline.jobs.site_job import SiteJob, SiteWork
from sightline.jobs.watch_matcher import WatchMatcher, WatchStores
from sightline.jobs.watch_owners import WatchOwners
from sightline.jobs.webhooks import Webhooks
from sightline.processes.instance import has_own_store
from sightline.processes.status_file import read_statuses
from sightline.processes.store_clients import Stores, archiver_of
from sightline.processes.supervised_threads import Job
from storage.archive.archive import Archive
from storage.archive.archiver import Archiver
from storage.audit.shipping import AuditShipper
from storage.audit.syslog import SyslogSender
from storage.clients.interval_lock import IntervalLock
from storage.events.journal import Journal, JournalUploader
from storage.events.spool import Spool
from storage.recordings.disk_quota import Claims, DiskQuota
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.site_coverage import SiteCoverage
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.gaps.uploads import GapUploads
from storage.recordings.ledger import Ledger
from storage.recordings.object_store_quota import ROUND_EVERY_S, ObjectStoreQuota, StoreClaims
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.trigger_log import TriggerLog
from storage.recordings.uploads import Uploads
from storage.recordings.virtual.index_uploads import IndexUploads
from storage.recordings.virtual.layouts import RecordingIndex
from storage.recordings.virtual.stored_index import StoredIndex
from storage.retention import Kept, Retention
from storage.site.alarms import Alarms
from storage.site.audit import AuditLog
from storage.site.holds import HoldFollower, Holds, NodeHolds
from storage.site.node_reports import NodeReports

_log = logging.getLogger(__name__)

BUCKET_EVERY_S = 5.0
RETAIN_EVERY_S = 60.0
SITE_EVERY_S = 3600
FAILURES_BEFORE_ALARM = 15
IMPOSSIBLE_EVERY_S = 60.0
HOLDS_EVERY_S = 10.0
LOOK_BACK_H = 7 * 24
"""The default range of a request for impossible legs; older legs are computed on request."""


class NodeJobs:
    """Creates the jobs of a node."""

    def __init__(
        self,
        settings: Settings,
        layout: Layout,
        stores: Stores,
        spool: Spool,
        journal: Journal,
        ledger: Ledger,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._layout = layout
        self._stores = stores
        self._spool = spool
        self._journal = journal
        self._ledger = ledger
        self._clock = clock
        self._registry = RunningRegistry(layout)
        self._alarms = Alarms(settings.node, layout.alarms, clock)
        self._audit = AuditLog(layout.audit, clock, settings.audit_limit_gb)
        self._shipper = AuditShipper(self._audit, stores.objects, settings.node, clock)
        self._holds = NodeHolds(Holds(stores.objects, clock), layout.holds, clock)
        self._uploads = None if has_own_store(layout) else self._make_uploads()

    def jobs(self) -> dict[str, Job]:
        """Return the jobs by name. Each runs in its own thread until its event is set."""
        monitor = AlarmMonitor(
            self._alarms,
            (self._stores.redis, self._stores.objects),
            self._cameras,
            lambda: read_statuses(self._layout),
            self._clock,
            self._settings,
            self._layout.state,
        )
        monitor.site_faults = self._stores.identity.settle
        jobs: dict[str, Job] = {
            "journal": self._upload_journal, "disk": self._bound_disk, "retention": self._retain,
            "holds": self._follow_holds,
            "archive": self._move_old, "watch": monitor.run,
            "impossible": self._refresh_impossible, "audit": self._ship_audit,
            "report": self._report, "coverage": self._report_coverage,
        }  # fmt: skip
        monitor.audit_alarm = self._audit.alarm
        monitor.unshipped_alarm = self._shipper.alarm
        syslog = SyslogSender.from_settings(self._audit, self._settings, self._clock)
        if syslog is not None:
            jobs["syslog"] = syslog.run
            monitor.syslog_alarm = syslog.alarm
        jobs |= self._watch_jobs()
        if self._uploads is not None:
            monitor.oldest_waiting_ns = self._uploads.oldest_waiting_ns
            jobs["uploads"] = self._upload
            jobs["gaps"] = self._upload_gaps
        return jobs

    def _watch_jobs(self) -> dict[str, Job]:
        stores, audit = self._stores, self._audit
        matcher = WatchMatcher(
            WatchStores(stores.feed, stores.index, stores.watches, stores.matches),
            audit,
            self._clock,
            self._settings.node,
            WatchOwners(stores.people, self._registry.now, self._clock).sees,
        )
        return {
            "vehicle watches": matcher.run,
            "webhooks": Webhooks(
                stores.matches,
                stores.watches,
                audit,
                self._settings,
                self._clock,
                lambda: matcher.is_matching,
            ).run,
        }

    def _make_uploads(self) -> Uploads:
        """Create the uploads. An instance with its own store has none: it would store segments
        twice on one disk.
        """
        kept = TriggerLog(self._layout, self._settings).kept_ranges
        stored = StoredSegments(self._stores.objects, self._clock)
        turn = IntervalLock(self._stores.redis, "store_room", self._settings.node, ROUND_EVERY_S)
        claims = StoreClaims(
            self._kept_cameras, Holds(self._stores.objects, self._clock).held, self._alarms.set
        )
        room = ObjectStoreQuota(stored, claims, turn, self._clock)
        index = IndexUploads(
            RecordingIndex(self._layout.recording_index),
            StoredIndex(self._stores.objects, self._clock),
            self._settings.node,
            self._clock,
        )
        return Uploads(
            Ledger(self._layout.recordings),
            stored,
            index,
            self._settings,
            self._clock,
            self._kept_cameras,
            kept,
            room.on_upload,
        )

    def _cameras(self) -> Sequence[Camera]:
        return self._registry.now().registry.cameras

    def _kept_cameras(self) -> Sequence[Camera]:
        """Return all cameras with stored data, also those that left the registry."""
        return self._registry.now().kept_cameras

    def _upload_journal(self, stop: threading.Event) -> None:
        self._wait_for_bucket(stop)
        JournalUploader(self._journal, self._stores.objects, self._settings.node, self._clock).run(
            stop
        )

    def _ship_audit(self, stop: threading.Event) -> None:
        self._wait_for_bucket(stop)
        self._shipper.run(stop)

    def _upload(self, stop: threading.Event) -> None:
        self._wait_for_bucket(stop)
        assert self._uploads is not None
        self._uploads.run(stop)

    def _upload_gaps(self, stop: threading.Event) -> None:
        self._wait_for_bucket(stop)
        gaps = GapLog(self._layout, self._clock)
        GapUploads(gaps, StoredGaps(self._stores.objects), self._settings.node, self._clock).run(
            stop
        )

    def _wait_for_bucket(self, stop: threading.Event) -> None:
        while not self._has_bucket() and not self._clock.wait(stop, BUCKET_EVERY_S):
            pass

    def _has_bucket(self) -> bool:
        """Create the bucket: the store may have been unavailable at the first start of the site."""
        try:
            self._stores.objects.ensure_bucket()
        except StoreError as error:
            _log.warning("the bucket of the object store cannot be created: %s", error)
            return False
        return True

    @cached_property
    def _quota(self) -> DiskQuota:
        return DiskQuota(self._ledger, self._settings, self._clock, self._claims())

    def _bound_disk(self, stop: threading.Event) -> None:
        DiskQuotaJob(self._quota, self._layout, self._clock).run(stop)

    def _report(self, stop: threading.Event) -> None:
        uploads = self._uploads
        NodeReporter(
            NodeReports(self._stores.redis),
            self._spool,
            self._settings,
            self._layout,
            self._clock,
            lambda: self._quota.usage,
            lambda: None if uploads is None else uploads.oldest_waiting_ns(),
        ).run(stop)

    def _report_coverage(self, stop: threading.Event) -> None:
        """Report when the node's checkpoints were not analysed completely."""
        CoverageReporter(
            GapLog(self._layout, self._clock),
            SiteCoverage(self._stores.redis),
            NodeRosters(self._layout).cameras,
            self._settings.node,
            self._clock,
        ).run(stop)

    def _follow_holds(self, stop: threading.Event) -> None:
        """Update the node's copy of the legal holds, for times without the object store."""
        follower = HoldFollower(self._holds, self._alarms.set)
        while not self._clock.wait(stop, HOLDS_EVERY_S):
            follower.run_once()

    def _site_job(self, name: str, every_s: int, work: SiteWork) -> SiteJob:
        return SiteJob(name, every_s, work, self._stores.redis, self._settings.node)

    def _refresh_impossible(self, stop: threading.Event) -> None:
        """Compute the impossible legs of the last week, so that a request for them is fast.

        One node does it in each minute.
        """

        def refresh(_: threading.Event) -> bool:
            hour = self._clock.wall_ns() // NS_PER_HOUR
            self._stores.index.impossible(hour - LOOK_BACK_H, hour)
            return True

        job = self._site_job("impossible", round(IMPOSSIBLE_EVERY_S) - 5, refresh)
        job.run(stop, self._clock, IMPOSSIBLE_EVERY_S)

    def _clip_ranges(self) -> list[tuple[str, int, int]]:
        return self._spool.clip_ranges(self._settings.clip_before_s, self._settings.clip_after_s)

    def _retain(self, stop: threading.Event) -> None:
        """Delete expired data: on this node every minute, in the site's stores once an hour.

        Recordings without a trigger would fill a disk soon. One node serves the site's stores.
        """
        kept = Kept(
            Ledger(self._layout.recordings),
            TriggerLog(self._layout, self._settings),
            GapLog(self._layout, self._clock),
            self._stores.objects,
            self._stores.index,
            self._journal,
            Holds(self._stores.objects, self._clock),
            self._clip_ranges,
            self._archiver(),
        )
        retention = Retention(
            kept, lambda: self._registry.now().registry, self._settings, self._clock
        )

        def retain_site(stop: threading.Event) -> bool:
            retention.run_site(stop)
            return not stop.is_set()

        site_job = self._site_job("retention", SITE_EVERY_S, retain_site)
        failed, why = 0, Message("")
        while not self._clock.wait(stop, RETAIN_EVERY_S):
            try:
                self.refuse_other_store()
                try:
                    retention.run_node(stop)
                finally:
                    site_job.run_once(stop)
                failed = 0
            except (StoreError, OSError) as error:
                failed += 1
                _log.warning("retention is delayed: %s", error)
                why = error.message if isinstance(error, StoreError) else Message(str(error))
            self._alarms.set(
                AlarmName.RETENTION_STOPPED,
                Message("expired data is not deleted: {reason}", reason=why)
                if failed >= FAILURES_BEFORE_ALARM
                else None,
            )

    def refuse_other_store(self) -> None:
        """Raise StoreError for a store of another site: it lacks the legal holds of this site."""
        lost = self._stores.identity.check().objects
        if lost is not None:
            raise StoreError(lost)

    @cached_property
    def _archive(self) -> Archive:
        return Archive.open(
            self._stores.objects,
            self._stores.redis,
            self._layout.archive_cache("node"),
            self._settings,
            self._clock,
        )

    def _archiver(self) -> Archiver:
        return archiver_of(self._stores, self._archive, self._clock)

    def _move_old(self, stop: threading.Event) -> None:
        """Move events to the archive that are too old for the index; one node does it each hour."""

        def move(stop: threading.Event) -> bool:
            return self._archiver().run(self._settings.index_days, stop) is not None

        self._site_job("archive", SITE_EVERY_S, move).run(stop, self._clock, RETAIN_EVERY_S)

    def _claims(self) -> Claims:
        claims = Claims(
            cameras=self._kept_cameras,
            clip_ranges=self._clip_ranges,
            held=self._holds.held,
            others_bytes=OtherDiskUsage(self._layout, self._clock).size_bytes,
            set_alarm=self._alarms.set,
        )
        if self._uploads is None:
            return claims
        return replace(
            claims,
            seems_uploaded=self._uploads.seems_uploaded,
            is_uploaded=self._uploads.is_uploaded,
        )
