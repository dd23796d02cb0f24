"""Cameras that left the registry: what they last were, for as long as something of them may be
kept. Pure.
"""

from __future__ import annotations

from pydantic import Field

from domain.registry.model import Camera, Registry
from domain.stored_model import StoredModel, WallNs


class FormerCamera(StoredModel):
    """A camera as the newest registry that had it says it, and when a registry without it was
    applied.
    """

    camera: Camera
    left_at: WallNs


class FormerCameras(StoredModel):
    """All cameras that a site had and has no more, by id."""

    is_complete: bool = False
    """Whether every registry was looked at that the object store has, and not only those that
    ran here.
    """
    by_id: dict[str, FormerCamera] = Field(default_factory=dict)

    def after(self, before: Registry, now: Registry, applied_at_ns: int) -> FormerCameras:
        """What is known once `now` takes the place of `before`."""
        present = {camera.id for camera in now.cameras}
        known = {
            camera_id: one for camera_id, one in self.by_id.items() if camera_id not in present
        }
        left = [camera for camera in before.cameras if camera.id not in present]
        known |= {one.id: FormerCamera(camera=one, left_at=applied_at_ns) for one in left}
        return self.model_copy(update={"by_id": known})

    def joined(self, older: FormerCameras, now: Registry) -> FormerCameras:
        """With what `older`, which is complete, knows besides; what is known here is newer."""
        present = {camera.id for camera in now.cameras}
        by_id = {**older.by_id, **self.by_id}
        known = {camera_id: one for camera_id, one in by_id.items() if camera_id not in present}
        return self.model_copy(update={"is_complete": True, "by_id": known})
