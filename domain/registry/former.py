"""The last entries of cameras that left the registry, kept for as long as their recordings may
exist. Pure.
"""

from __future__ import annotations

from pydantic import Field

from domain.registry.model import Camera, Registry
from domain.stored_model import StoredModel, WallNs


class FormerCamera(StoredModel):
    """A camera's entry in the newest registry that had it, and the time at which a registry without
    it was applied.
    """

    camera: Camera
    left_at: WallNs


class FormerCameras(StoredModel):
    """All former cameras of a site, by id."""

    is_complete: bool = False
    """Whether the list covers every registry in the object store, and not only those that ran
    here.
    """
    by_id: dict[str, FormerCamera] = Field(default_factory=dict)

    def after(self, before: Registry, now: Registry, applied_at_ns: int) -> FormerCameras:
        """Return the list after `now` has replaced `before`."""
        present = {camera.id for camera in now.cameras}
        known = {
            camera_id: one for camera_id, one in self.by_id.items() if camera_id not in present
        }
        left = [camera for camera in before.cameras if camera.id not in present]
        known |= {one.id: FormerCamera(camera=one, left_at=applied_at_ns) for one in left}
        return self.model_copy(update={"by_id": known})

    def joined(self, older: FormerCameras, now: Registry) -> FormerCameras:
        """Return this list with the entries of `older`, which is complete; entries of this list are
        newer.
        """
        present = {camera.id for camera in now.cameras}
        by_id = {**older.by_id, **self.by_id}
        known = {camera_id: one for camera_id, one in by_id.items() if camera_id not in present}
        return self.model_copy(update={"is_complete": True, "by_id": known})
