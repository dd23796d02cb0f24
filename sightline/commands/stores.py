"""`sightline index rebuild`, `index archive` and `storage check`: maintenance of the stores."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import partial

from rich.console import Console
from rich.progress import Progress, TaskID

from domain.clock import SystemClock
from domain.errors import StoreError
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.check_report import CheckReport, interrupted_by_sigterm, progress_shown
from sightline.cluster import site_registry
from sightline.processes.store_clients import archiver_of, open_stores, opened_archive
from storage.check import check
from storage.check_recordings import find_breaches
from storage.rebuild import Rebuilt, rebuild
from storage.recordings.ledger import Ledger

_TO_PEOPLE = Console(stderr=True)


def rebuild_index(args: argparse.Namespace) -> int:
    """Rebuild the index. Return 1 where journals or sidecars are damaged, which are named."""
    layout = Layout(args.data.resolve())
    with open_stores(layout) as stores, Progress(console=_TO_PEOPLE) as progress:
        task = progress.add_task("journals", total=None)
        rebuilt = rebuild(
            stores.objects,
            stores.redis,
            layout,
            lambda done, total: progress.update(task, completed=done, total=total),
            args.from_sidecars,
            args.whole,
            args.force,
        )
    if args.json:
        print(json.dumps(asdict(rebuilt), ensure_ascii=False))
    else:
        print(rebuilt_text(rebuilt, args.from_sidecars))
    return 1 if rebuilt.damaged else 0


def rebuilt_text(rebuilt: Rebuilt, from_sidecars: bool) -> str:
    """Return the text about restored and damaged data, and how to find events without a journal."""
    lines = [
        f"{rebuilt.events} events and {rebuilt.people} people restored; {rebuilt.archived} more "
        "events in the archive; "
        f"{rebuilt.watches} vehicle watches stand",
        *(f"damaged: {name}" for name in rebuilt.damaged),
    ]
    if not from_sidecars:
        lines.append(
            "an event whose journal is lost is not among them; `--from-sidecars` finds it too, "
            "and takes longer"
        )
    return "\n".join(lines)


def archive_index(args: argparse.Namespace) -> int:
    """Move old events to the archive. Raises StoreError where another process already does so."""
    layout, settings, clock = Layout(args.data.resolve()), Settings(), SystemClock()
    with (
        open_stores(layout) as stores,
        opened_archive(stores, layout, settings, clock) as archive,
        Progress(console=_TO_PEOPLE) as progress,
    ):
        task = progress.add_task("archive", total=None)
        moved = archiver_of(stores, archive, clock).run(
            settings.index_days,
            progress=lambda day, events: progress.update(
                task, description=f"{day}: {events} events", completed=events
            ),
        )
    if moved is None:
        raise StoreError("another process is already moving events to the archive")
    print(
        json.dumps(asdict(moved))
        if args.json
        else f"{moved.events} events moved to the archive, {moved.files} files written"
    )
    return 0


def check_storage(args: argparse.Namespace) -> int:
    """Check all invariants. Return 1 with all breaches, or after a signal."""
    layout, report = Layout(args.data.resolve()), CheckReport(args.json)
    try:
        with interrupted_by_sigterm():
            _check_stores(layout, args.deep, report)
            if args.deep:
                _check_recordings(layout, report)
    except KeyboardInterrupt:
        return report.stop()
    return report.finish()


def _check_stores(layout: Layout, deep: bool, report: CheckReport) -> None:
    with open_stores(layout) as stores, progress_shown() as progress:
        task = progress.add_task("events", total=None)
        registry, _ = site_registry.running(layout)

        def count(done: int) -> None:
            report.count_events(done)
            progress.update(task, completed=done)

        found = check(
            stores.objects, stores.redis, layout, deep, count, registry, seen=report.add_unconfirmed
        )
    report.confirm(found)


def _check_recordings(layout: Layout, report: CheckReport) -> None:
    cameras = Ledger(layout.recordings).cameras()
    with progress_shown() as progress:
        for number, camera_id in enumerate(cameras, 1):
            report.count_cameras(number - 1, len(cameras))
            name = f"recordings of {camera_id}, camera {number} of {len(cameras)}"
            task = progress.add_task(name, total=None)
            show = partial(_show, progress, task)
            for finding in find_breaches(layout, camera_id, decode=True, progress=show):
                report.add(finding)
            progress.remove_task(task)


def _show(progress: Progress, task: TaskID, done: int, total: int) -> None:
    progress.update(task, completed=done, total=total)
