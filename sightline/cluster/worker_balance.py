"""Counts the workers that a node needs, and assigns its cameras evenly and with few moves.

This module does no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
FEW_CAMERAS = 8
"""So many cameras that are only recorded share the worker of a checkpoint, which saves a worker."""


def needed_workers(cameras: Sequence[Camera], most: int) -> int:
    """Return how many workers cameras need, at most `most`.

    Each checkpoint needs one. The others need workers of their own, unless they are few.
    """
    checkpoints = sum(bool(camera.checkpoint) for camera in cameras)
    others = len(cameras) - checkpoints
    of_others = math.ceil(others / CAMERAS_OF_A_WORKER) if others > FEW_CAMERAS else 0
    return min(most, max(1, checkpoints + of_others))


def load_of(camera: Camera) -> float:
    """Return the load of a camera; a camera that is only recorded has 1."""
    if camera.checkpoint:
        return CHECKPOINT_LOAD
    return 1.0 if is_always_pulled(camera) else IDLE_LOAD


def share(cameras: Iterable[Camera], workers: int, before: Mapping[str, int]) -> dict[str, int]:
    """Return the worker of each camera by id.

    A camera stays in its worker of `before`, unless that one has much more load than another. A
    checkpoint moves only if its worker has at least two checkpoints more than another, because both
    workers report a vehicle that is in view at that time.
    """
    ordered = sorted(cameras, key=lambda camera: (not camera.checkpoint, camera.id))
    placed = {
        camera.id: before[camera.id]
        for camera in ordered
        if before.get(camera.id, workers) < workers
    }
    loads = [_Load() for _ in range(workers)]
    for camera in ordered:
        if camera.id in placed:
            loads[placed[camera.id]].add(camera)
    for camera in ordered:
        if camera.id not in placed:
            _place(camera, _worker_for(camera, loads), placed, loads)
    for camera in ordered:
        here, there = placed[camera.id], _worker_for(camera, loads)
        if _is_uneven(camera, loads[here], loads[there], loads):
            loads[here].add(camera, -1)
            _place(camera, there, placed, loads)
    return placed


def is_always_pulled(camera: Camera) -> bool:
    """Return whether a camera is pulled without a viewer; checkpoints are always analysed."""
    return camera.record != "on_demand" or bool(camera.checkpoint)


@dataclass(slots=True)
class _Load:
    """What one worker has."""

    all_cameras: float = 0.0
    checkpoints: int = 0

    def add(self, camera: Camera, count: int = 1) -> None:
        self.all_cameras += count * load_of(camera)
        self.checkpoints += count * bool(camera.checkpoint)


def _worker_for(camera: Camera, loads: Sequence[_Load]) -> int:
    """Return the worker with the least load, for a checkpoint of those with the fewest of these."""
    return min(
        range(len(loads)),
        key=lambda worker: (
            loads[worker].checkpoints if camera.checkpoint else 0,
            loads[worker].all_cameras,
            worker,
        ),
    )


def _place(camera: Camera, worker: int, placed: dict[str, int], loads: Sequence[_Load]) -> None:
    placed[camera.id] = worker
    loads[worker].add(camera)


def _is_uneven(camera: Camera, here: _Load, there: _Load, loads: Sequence[_Load]) -> bool:
    """Return whether a worker has so much more than another that its camera is to move there.

    The difference must be two checkpoints. For a camera that is only recorded, it must exceed a
    tenth of the mean load, and the load of two such cameras.
    """
    if camera.checkpoint:
        return here.checkpoints - there.checkpoints >= 2
    mean = sum(load.all_cameras for load in loads) / len(loads)
    return here.all_cameras - there.all_cameras > max(2 * load_of(camera), mean / 10)
