"""Which camera gives way first where not all can be had: C before B before A, ordinary before
checkpoint, then the lower priority.
"""

from __future__ import annotations

from domain.registry import Camera

Importance = tuple[int, bool, int]
UNKNOWN: Importance = (-1, False, 0)
"""Of a camera that the registry no longer has: it gives way before all others."""
_OF_CLASS = {"C": 0, "B": 1, "A": 2}


def importance_of(camera: Camera) -> Importance:
    """The lower gives way first, and the higher is served first."""
    return _OF_CLASS[camera.class_], bool(camera.checkpoint), camera.priority
