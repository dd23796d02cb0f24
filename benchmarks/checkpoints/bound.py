"""The most checkpoints that the cores could watch, by the CPU time of each part of one over its
footage, without a clock: an arithmetic.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from statistics import median
from time import process_time
from typing import Any, NamedTuple

from analytics.models import Models
from benchmarks.checkpoints.footage import FPS, Footage
from domain.clock import NS_PER_S
from domain.settings import Settings
from ingest.frames.packet_motion import WINDOW_NS
from ingest.frames.still_detection import QUIET_WINDOWS
from sightline.cameras.inference_scheduler import MIN_PART
from sightline.evaluation.film import EPOCH_NS, AnalyserRun, FilmAnalysis, frames, run
from sightline.evaluation.truth import Pass, compare

QUIET_S = QUIET_WINDOWS * WINDOW_NS / NS_PER_S
"""The decode gate closes this long after a vehicle at the earliest."""


class Decoding(NamedTuple):
    """Of one frame."""

    at_s: float
    cpu_ms: float


def bound(
    footage: Footage, offline: AnalyserRun, settings: Settings, models: Models
) -> dict[str, Any]:
    """Return a lower bound of the cost: decoding of every frame, and the looks of the setting.

    `offline` is the run with that setting. A second run has the lowest rate of a worker that is
    behind. The cost of recording, storing and serving is not included.
    """
    least_fps = settings.plate_detect_fps * MIN_PART
    fewest = run(footage.busy, FilmAnalysis("plate", least_fps), settings, models)
    decoding = _decoding(footage)
    decode_ms = sum(one.cpu_ms for one in decoding) / footage.busy_s
    cores = len(os.sched_getaffinity(0))
    return {
        "cores": cores,
        "decode_ms_a_frame": round(decode_ms / FPS, 2),
        "decode_ms_a_second": round(decode_ms, 1),
        "decode_ms_a_frame_by_what_it_shows": {
            name: round(ms, 2) for name, ms in by_what_it_shows(decoding, footage.passes).items()
        },
        "looks": [
            _row(footage, fps, done, decode_ms, cores)
            for fps, done in ((settings.plate_detect_fps, offline), (least_fps, fewest))
        ],
    }


def _row(
    footage: Footage, fps: float, done: AnalyserRun, decode_ms: float, cores: int
) -> dict[str, Any]:
    outcome, look_ms = compare(done, footage.passes), 1000 * done.cpu_s / done.duration_s
    return {
        "a_second": fps,
        "ms_a_look": outcome["cpu_ms_a_look"],
        "ms_a_second": round(look_ms, 1),
        "passings": outcome["passings"],
        "found": outcome["found"],
        "plates_right": outcome["plates_right"],
        "cameras": round(1000 * cores / (decode_ms + look_ms), 1),
    }


def by_what_it_shows(decoding: Sequence[Decoding], passes: Sequence[Pass]) -> dict[str, float]:
    """CPU ms of a frame with a vehicle in view, and of one of an empty road that a second of it
    goes before; medians, which leave keyframes out.
    """
    shows = {"vehicle": list[float](), "road": list[float]()}
    for one in decoding:
        if any(each.enter_s <= one.at_s < each.leave_s for each in passes):
            shows["vehicle"].append(one.cpu_ms)
        elif not any(each.enter_s <= one.at_s < each.leave_s + QUIET_S for each in passes):
            shows["road"].append(one.cpu_ms)
    return {name: median(times) for name, times in shows.items() if times}


def _decoding(footage: Footage) -> list[Decoding]:
    """Of every frame, none of which is looked at."""
    done, before_s = list[Decoding](), process_time()
    for frame in frames(footage.busy, FPS):
        now_s = process_time()
        done.append(Decoding((frame.wall_ns - EPOCH_NS) / NS_PER_S, 1000 * (now_s - before_s)))
        before_s = now_s
    return done
