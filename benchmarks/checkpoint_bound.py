"""The most checkpoints that the cores could watch, by the CPU time of each part of one over its footage, without a clock: an arithmetic."""

from __future__ import annotations

import os
from time import process_time
from typing import Any

from analytics.models import Models
from benchmarks.checkpoint_footage import EVERY_S, FPS, Footage
from domain.settings import Settings
from sightline.backlog import LEAST_PART
from sightline.evaluation.film import Look, Run, frames, run
from sightline.evaluation.truth import compare


def bound(footage: Footage, offline: Run, settings: Settings, models: Models) -> dict[str, Any]:
    """Every frame decoded; as many looks as the setting says (`offline`: its run), and the fewest that a worker that is behind makes.
    What recording, keeping and answering take is not in it."""
    least_fps = settings.plate_detect_fps * LEAST_PART
    fewest = run(footage.busy, Look("plate", least_fps), settings, models)
    decode_ms = 1000 * _decoding_s(footage) / (EVERY_S * len(footage.passes))
    cores = len(os.sched_getaffinity(0))
    return {
        "cores": cores, "decode_ms_a_frame": round(decode_ms / FPS, 2), "decode_ms_a_second": round(decode_ms, 1),
        "looks": [_row(footage, fps, done, decode_ms, cores) for fps, done in ((settings.plate_detect_fps, offline), (least_fps, fewest))],
    }  # fmt: skip


def _row(footage: Footage, fps: float, done: Run, decode_ms: float, cores: int) -> dict[str, Any]:
    outcome, look_ms = compare(done, footage.passes), 1000 * done.cpu_s / done.duration_s
    return {
        "a_second": fps, "ms_a_look": outcome["cpu_ms_a_look"], "ms_a_second": round(look_ms, 1),
        "passings": outcome["passings"], "found": outcome["found"], "plates_right": outcome["plates_right"],
        "cameras": round(1000 * cores / (decode_ms + look_ms), 1),
    }  # fmt: skip


def _decoding_s(footage: Footage) -> float:
    """CPU seconds of decoding all of it and looking at next to nothing."""
    began_s = process_time()
    for _ in frames(footage.busy, 1 / EVERY_S):
        pass
    return process_time() - began_s
