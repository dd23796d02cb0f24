"""Which worker has which camera: dealt out evenly, checkpoints first since they cost most, the same for everyone who asks."""

from __future__ import annotations

from collections.abc import Sequence

from domain.registry import Camera


def share(cameras: Sequence[Camera], index: int, workers: int) -> tuple[Camera, ...]:
    """The cameras of worker `index` of `workers`, enabled ones only."""
    dealt = sorted((camera for camera in cameras if camera.enabled), key=lambda camera: (not camera.checkpoint, camera.id))
    return tuple(dealt[index::workers])


def is_always_pulled(camera: Camera) -> bool:
    """An on-demand camera is pulled while somebody watches, unless it is a checkpoint: that must look all the time."""
    return camera.record != "on_demand" or bool(camera.checkpoint)
