"""Evaluates a scope against a registry and the cameras that left it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from domain.camera_scope import ALL_CAMERAS, CameraScope, VisibleCameras
from domain.registry.former import FormerCamera
from domain.registry.model import Registry


def visible_cameras(
    scope: CameraScope, registry: Registry, former: Mapping[str, FormerCamera]
) -> VisibleCameras:
    """Return the cameras of a scope. A camera that left the registry counts with its last entry."""
    if scope.is_unlimited:
        return ALL_CAMERAS
    names = _AreaNames(registry)
    present = {camera.id for camera in registry.cameras}
    left = (one.camera for one in former.values() if one.camera.id not in present)
    found = {
        camera.id
        for camera in (*registry.cameras, *left)
        if scope.includes(camera.id, camera.class_, names.of_area(camera.area))
    }
    return VisibleCameras(scope, frozenset(found | set(scope.cameras)))


def unknown_areas(areas: Iterable[str], registry: Registry) -> list[str]:
    """Return the areas that no area of the registry has, or had, as its name or above it."""
    names = _AreaNames(registry)
    known = {name for area in registry.areas for name in names.of_area(area)}
    return [area for area in areas if area not in known]


def unknown_in_scope(scope: CameraScope, registry: Registry) -> list[str]:
    """Return a sentence for each area and camera of a scope that the registry lacks.

    They are no fault, because they may be added later.
    """
    unknown = [f"area {area!r}" for area in unknown_areas(scope.areas, registry)]
    unknown += [f"camera {camera!r}" for camera in scope.cameras if registry.camera(camera) is None]
    return [f"the registry has no {name}; it is in the scope once it is added" for name in unknown]


class _AreaNames:
    """The present and former names of the areas of a registry."""

    def __init__(self, registry: Registry) -> None:
        self._formerly = {path: area.formerly for path, area in registry.areas.items()}
        self._known: dict[str, frozenset[str]] = {}

    def of_area(self, area: str) -> frozenset[str]:
        """Return the names of an area and of all areas above it.

        An area below a renamed one has the former path too: if `b` was `a`, then `b/east` was
        `a/east`.
        """
        if area not in self._known:
            names = frozenset(self._names(area))
            above = area.rpartition("/")[0]
            self._known[area] = names | (self.of_area(above) if above else frozenset())
        return self._known[area]

    def _names(self, area: str) -> Iterator[str]:
        yield area
        yield from self._formerly.get(area, ())
        above, _, last = area.rpartition("/")
        if above:
            yield from (f"{name}/{last}" for name in self._names(above) if name != above)
