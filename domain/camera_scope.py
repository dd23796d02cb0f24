"""Which cameras a person may see, and the set of cameras that this makes of one registry.

A scope is evaluated against the current entry of a camera, or its last one, and never against the
area that an old event carries. So it follows a camera that moves and an area that is renamed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CameraScope:
    """The limits of a person; without any limit, the scope is every camera.

    A camera is in scope if it is named in `cameras`. It is also in scope if areas or classes are
    given, it lies in one of the areas (in any, if none is given), and it has one of the classes
    (any, if none is given).
    """

    areas: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()

    @property
    def is_unlimited(self) -> bool:
        return not (self.areas or self.classes or self.cameras)

    def includes(self, camera_id: str, class_: str, areas: Collection[str]) -> bool:
        """Return whether a camera is in scope. `areas` are the area of the camera and all areas
        above it, under all names that they have or had.
        """
        if self.is_unlimited or camera_id in self.cameras:
            return True
        if not (self.areas or self.classes):
            return False
        in_area = not self.areas or not set(self.areas).isdisjoint(areas)
        return in_area and (not self.classes or class_ in self.classes)


@dataclass(frozen=True, slots=True, repr=False)
class VisibleCameras:
    """The cameras that a person may see, as of one registry.

    Its repr is that of the scope: it identifies a search whose pages continue when a camera is
    added.
    """

    scope: CameraScope
    ids: frozenset[str] | None = field(hash=False)
    """The ids of the cameras; None for every camera."""

    def __contains__(self, camera_id: str) -> bool:
        return self.ids is None or camera_id in self.ids

    def __repr__(self) -> str:
        return repr(self.scope)

    @property
    def is_all(self) -> bool:
        return self.ids is None


UNLIMITED = CameraScope()
ALL_CAMERAS = VisibleCameras(UNLIMITED, None)
"""What the site itself sees, and a person without limits."""
