"""The order of cameras by importance: class C before B before A, cameras without a checkpoint
before those with one, and the lower priority before the higher.

Load shedding, uploads and both quotas follow this order.
"""

from __future__ import annotations

from domain.registry import Camera

Importance = tuple[int, bool, int]
UNKNOWN: Importance = (-1, False, 0)
"""The importance of a camera that the registry no longer has, which is below all others."""
_CLASS_RANKS = {"C": 0, "B": 1, "A": 2}


def importance_of(camera: Camera) -> Importance:
    """The camera with the lower importance is shed first, and is served last."""
    return _CLASS_RANKS[camera.class_], bool(camera.checkpoint), camera.priority
