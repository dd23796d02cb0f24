"""`sightline analyse`: finds passings in the recordings that live analysis missed."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from analytics.models import Models
from domain.clock import NS_PER_S, Clock, SystemClock, moment, rfc3339
from domain.errors import BadInput
from domain.paths.data_layout import Layout
from domain.recordings.partly_analysed import Analysed
from domain.registry import Camera
from domain.settings import Settings
from sightline.cluster.site_registry import RunningRegistry
from sightline.commands.times import parse_time
from sightline.processes.store_clients import Stores, open_stores, opened_archive
from sightline.reanalysis.analysis_context import make_context
from sightline.reanalysis.analysis_ranges import SETTLED_AFTER_NS, unanalysed
from sightline.reanalysis.live_priority import LivePriority, is_live_behind, run_at_idle_priority
from sightline.reanalysis.recorded_analysis import Found, analyse_again, runs_of
from storage.archive.archive import Archive
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.stored import StoredGaps
from storage.recordings.recorded_ranges import Range


def run(args: argparse.Namespace) -> int:
    """Analyse the ranges of a camera on idle cores alone. It may be stopped and repeated."""
    layout, clock = Layout(args.data.resolve()), SystemClock()
    camera, span = _checkpoint(layout, args.camera), _span(args, clock)
    run_at_idle_priority()
    return analyse(args, camera, span)


def analyse(args: argparse.Namespace, camera: Camera, span: Range) -> int:
    """Analyse the ranges of a camera, and print what was found."""
    layout, clock = Layout(args.data.resolve()), SystemClock()
    with ExitStack() as held:
        stores = held.enter_context(open_stores(layout))
        archive = held.enter_context(opened_archive(stores, layout, Settings(), clock))
        folder = held.enter_context(TemporaryDirectory(prefix=".analyse-", dir=layout.root))
        gaps = GapLog(layout, clock)
        ranges = [span]
        if not args.whole:
            ranges = unanalysed(gaps, StoredGaps(stores.objects), camera.id, *span)
        found = []
        if ranges:  # the models take seconds to load
            found = _analyse(camera, ranges, layout, (stores, archive), Path(folder), clock)
    _print(camera, ranges, found, as_json=args.json)
    return 0


def _analyse(
    camera: Camera,
    ranges: list[Range],
    layout: Layout,
    stores: tuple[Stores, Archive],
    folder: Path,
    clock: Clock,
) -> list[Found]:
    settings = Settings()
    models = Models.load(settings)
    context = make_context(camera, models, settings, layout, *stores, folder, clock)
    priority = LivePriority(partial(is_live_behind, layout, clock), clock, threading.Event())
    found = []
    for group in runs_of(ranges):
        print(
            f"{camera.id}: {rfc3339(group[0][0])} to {rfc3339(group[-1][1])}",
            file=sys.stderr,
        )
        found.append(analyse_again(camera, group, context, priority.wait_while_behind))
    return found


def _checkpoint(layout: Layout, camera_id: str) -> Camera:
    cameras = {camera.id: camera for camera in RunningRegistry(layout).now().kept_cameras}
    camera = cameras.get(camera_id)
    if camera is None:
        raise BadInput("--camera: the registry has no camera {camera}", camera=camera_id)
    if not camera.checkpoint:
        raise BadInput(
            "--camera: {camera} is no checkpoint, so it is not analysed", camera=camera_id
        )
    return camera


def _span(args: argparse.Namespace, clock: Clock) -> Range:
    times_ns = []
    for option, text in (("--from", args.since), ("--to", args.until)):
        times_ns.append(parse_time(option, text))
    settled_ns = clock.wall_ns() - SETTLED_AFTER_NS
    from_ns, to_ns = times_ns[0], min(times_ns[1], settled_ns)
    if from_ns >= to_ns:
        raise BadInput(
            "--from must be before --to, and before {settled}: live analysis "
            "may not have finished later times",
            settled=moment(settled_ns),
        )
    return from_ns, to_ns


def _print(camera: Camera, ranges: list[Range], found: list[Found], as_json: bool) -> None:
    analysed = [part for one in found for part in one.analysed]
    late = [event_id for one in found for event_id in one.late]
    asked_s, analysed_s = _seconds(ranges), _seconds(analysed)
    if as_json:
        report = {
            "camera": camera.id,
            "asked_s": asked_s,
            "analysed": [
                {"from": rfc3339(start_ns), "to": rfc3339(end_ns)} for start_ns, end_ns in analysed
            ],
            "analysed_s": analysed_s,
            "late": late,
            "known": sum(one.known for one in found),
        }
        print(json.dumps(report))
        return
    if not ranges:
        print("live analysis left nothing out in this range; --all analyses all of it")
        return
    print(f"{analysed_s:.1f} of {asked_s:.1f} s analysed; {len(late)} further passings found")
    if analysed_s < asked_s:
        print(f"{asked_s - analysed_s:.1f} s have no readable recording")


def _seconds(ranges: list[Range] | list[Analysed]) -> float:
    return round(sum(end_ns - start_ns for start_ns, end_ns in ranges) / NS_PER_S, 3)
