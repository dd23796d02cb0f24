"""`sightline retention run`: deletes expired data once, or prints what it would delete."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, fields

from domain.clock import SystemClock
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.cluster import site_registry
from sightline.processes.store_clients import archiver_of, open_stores, opened_archive
from storage.events.journal import Journal
from storage.events.spool import Spool
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger
from storage.recordings.trigger_log import TriggerLog
from storage.retention import Kept, Report, Retention
from storage.site.holds import Holds


def run(args: argparse.Namespace) -> int:
    """Delete expired data. Raises StoreError where a store is unavailable: then run it again."""
    layout, settings, clock = Layout(args.data.resolve()), Settings(), SystemClock()
    registry, _ = site_registry.running(layout)
    spool = Spool(layout, clock)
    with open_stores(layout) as stores, opened_archive(stores, layout, settings, clock) as archive:
        kept = Kept(
            Ledger(layout.recordings),
            TriggerLog(layout, settings),
            GapLog(layout, clock),
            stores.objects,
            stores.index,
            Journal(layout.journal, clock),
            Holds(stores.objects, clock),
            lambda: spool.clip_ranges(settings.clip_before_s, settings.clip_after_s),
            archiver_of(stores, archive, clock),
        )
        retention = Retention(kept, lambda: registry, settings, clock)
        here, site = retention.run_node(dry=args.dry_run), retention.run_site(dry=args.dry_run)
    report = Report(
        **{
            field.name: getattr(here, field.name) + getattr(site, field.name)
            for field in fields(Report)
        }
    )
    print(
        json.dumps({"dry_run": args.dry_run, **asdict(report)})
        if args.json
        else _sentence(report, args.dry_run)
    )
    return 0


def _sentence(report: Report, dry: bool) -> str:
    did = "would be deleted" if dry else "deleted"
    recordings = report.recordings + report.unclaimed_recordings
    return (
        f"{did}: {recordings} recordings on this node, {report.stored_recordings} in the object "
        f"store, {report.events} events "
        f"({report.bytes / 1e9:.2f} GB), {report.audit_objects} objects of audit lines; "
        f"kept by legal holds: {report.held}"
    )
