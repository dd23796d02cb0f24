"""Counts the workers that a node needs, and assigns its cameras evenly and with few moves.

This module does no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from domain.registry import Camera

CHECKPOINT_LOAD = 50
"""The load of a checkpoint, where a camera that is only recorded has 1.

`benchmarks.checkpoints` and `benchmarks.capacity` measure a fifth of a core for a checkpoint with a
vehicle every four seconds, and a thousandth for a recorded camera. On an empty road both cost the
same, so the value is in between.
"""
IDLE_LOAD = 0.1
CAMERAS_OF_A_WORKER = 64
"""A worker is needed for each so many cameras that are only recorded.

They use a tenth of a core at 4 Mbit/s. A worker uses 30 MB, and its end stops its cameras for a
moment, so neither very few nor very many cameras are right.
"""


def needed_workers(cameras: Sequence[Camera], most: int) -> int:
    """Return how many workers cameras need, at most `most`: one for each checkpoint, and enough for
    the others.
    """
    checkpoints = sum(bool(camera.checkpoint) for camera in cameras)
    others = len(cameras) - checkpoints
    return min(most, max(1, checkpoints, math.ceil(others / CAMERAS_OF_A_WORKER)))


def load_of(camera: Camera) -> float:
    """Return the load of a camera; a camera that is only recorded has 1."""
    if camera.checkpoint:
        return CHECKPOINT_LOAD
    return 1.0 if is_always_pulled(camera) else IDLE_LOAD


def share(cameras: Iterable[Camera], workers: int, before: Mapping[str, int]) -> dict[str, int]:
    """Return the worker of each camera by id.

    A camera stays in its worker of `before`, unless that one has much more load than another.
    Checkpoints never move, because both workers would report what is in view.
    """
    ordered = sorted(cameras, key=lambda camera: (not camera.checkpoint, camera.id))
    placed = {
        camera.id: before[camera.id]
        for camera in ordered
        if before.get(camera.id, workers) < workers
    }
    loads = [0.0] * workers
    for camera in ordered:
        if camera.id in placed:
            loads[placed[camera.id]] += load_of(camera)
    for camera in ordered:
        if camera.id not in placed:
            _place(camera, _lightest(loads), placed, loads)
    for camera in ordered:
        _even_out(camera, placed, loads)
    return placed


def is_always_pulled(camera: Camera) -> bool:
    """Return whether a camera is pulled without a viewer; checkpoints are always analysed."""
    return camera.record != "on_demand" or bool(camera.checkpoint)


def _lightest(loads: Sequence[float]) -> int:
    return min(range(len(loads)), key=lambda worker: (loads[worker], worker))


def _place(camera: Camera, worker: int, placed: dict[str, int], loads: list[float]) -> None:
    placed[camera.id] = worker
    loads[worker] += load_of(camera)


def _even_out(camera: Camera, placed: dict[str, int], loads: list[float]) -> None:
    """Move a camera if its worker has much more load than the one with the least load.

    The difference must exceed a tenth of the mean load, and the load of two such cameras.
    """
    here, there = placed[camera.id], _lightest(loads)
    if not camera.checkpoint and loads[here] - loads[there] > max(
        2 * load_of(camera), sum(loads) / len(loads) / 10
    ):
        loads[here] -= load_of(camera)
        _place(camera, there, placed, loads)
