"""Which worker of a node has which camera: as even as can be without moving one that need not
move. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from domain.registry import Camera

CHECKPOINT_LOAD = 50
"""What a checkpoint counts for beside a camera that is only recorded. `benchmarks.checkpoints` and
`benchmarks.capacity` give a fifth of a core beside a thousandth with a vehicle every four seconds,
and no more than a recorded camera on an empty road: chosen in between, so that neither takes much
from the others of its worker.
"""
IDLE_LOAD = 0.1


def load_of(camera: Camera) -> float:
    """What a camera costs its worker or node; 1 is one that is only recorded."""
    if camera.checkpoint:
        return CHECKPOINT_LOAD
    return 1.0 if is_always_pulled(camera) else IDLE_LOAD


def share(cameras: Iterable[Camera], workers: int, before: Mapping[str, int]) -> dict[str, int]:
    """The worker of each camera, by id. A camera stays in its worker of `before` but where that one
    is much fuller than another.

    Checkpoints never move: what is in view would be seen by two.
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
    """An on-demand camera is pulled while somebody watches, unless it is a checkpoint: that
    must look all the time.
    """
    return camera.record != "on_demand" or bool(camera.checkpoint)


def _lightest(loads: Sequence[float]) -> int:
    return min(range(len(loads)), key=lambda worker: (loads[worker], worker))


def _place(camera: Camera, worker: int, placed: dict[str, int], loads: list[float]) -> None:
    placed[camera.id] = worker
    loads[worker] += load_of(camera)


def _even_out(camera: Camera, placed: dict[str, int], loads: list[float]) -> None:
    """Move it where its worker has so much more than the lightest that a tenth of the load, and
    two cameras, lie between them.
    """
    here, there = placed[camera.id], _lightest(loads)
    if not camera.checkpoint and loads[here] - loads[there] > max(
        2 * load_of(camera), sum(loads) / len(loads) / 10
    ):
        loads[here] -= load_of(camera)
        _place(camera, there, placed, loads)
