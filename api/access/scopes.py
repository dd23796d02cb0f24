"""The scopes of people, evaluated once for each version of the registry."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from domain.camera_scope import ALL_CAMERAS, CameraScope, VisibleCameras
from domain.registry import Registry
from domain.registry.former import FormerCamera
from domain.registry.visible_cameras import visible_cameras

_MOST_CACHED = 1_000


class Scopes:
    """Caches the visible cameras of each scope. Thread-safe.

    Searches recognise a scope by the same object, so the same set is returned while the registry
    stays the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._registry: Registry | None = None
        self._former: Mapping[str, FormerCamera] | None = None
        self._known: dict[CameraScope, VisibleCameras] = {}

    def visible(
        self, scope: CameraScope, registry: Registry, former: Mapping[str, FormerCamera]
    ) -> VisibleCameras:
        """Return the cameras of a scope."""
        if scope.is_unlimited:
            return ALL_CAMERAS
        with self._lock:
            is_same = registry is self._registry and former is self._former
            if not is_same or len(self._known) >= _MOST_CACHED:
                self._registry, self._former, self._known = registry, former, {}
            if scope not in self._known:
                self._known[scope] = visible_cameras(scope, registry, former)
            return self._known[scope]
