"""The differences between two registries: which cameras are added, removed and changed, and in
which keys.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.registry.model import Camera, Registry

_NOT_OF_THE_STREAM = frozenset({"name", "retention_days", "retention_max_days", "priority"})
"""The keys that may change while a camera's stream and recording continue."""


@dataclass(frozen=True, slots=True)
class CameraChange:
    camera_id: str
    keys: tuple[str, ...]
    """The keys that differ, as they are spelled in the registry."""
    restarts: bool
    """Whether the change restarts the camera's stream."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The changed cameras by id, in order. `areas` is whether names of areas differ."""

    added: tuple[str, ...]
    changed: tuple[CameraChange, ...]
    removed: tuple[str, ...]
    areas: bool

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.areas)


def changes_of(old: Registry, new: Registry) -> Changes:
    """Return what changes if `new` replaces `old`."""
    before, after = ({camera.id: camera for camera in registry.cameras} for registry in (old, new))
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(
            CameraChange(name, keys, must_restart(before[name], after[name]))
            for name in sorted(before.keys() & after.keys())
            if (keys := changed_keys(before[name], after[name]))
        ),
        removed=tuple(sorted(before.keys() - after.keys())),
        areas=old.areas != new.areas,
    )


def changed_keys(old: Camera, new: Camera) -> tuple[str, ...]:
    """Return the keys in which two entries of a camera differ, including those that follow from its
    class.
    """
    fields = Camera.model_fields.items()
    return tuple(
        field.alias or name for name, field in fields if getattr(old, name) != getattr(new, name)
    )


def must_restart(old: Camera, new: Camera) -> bool:
    """Return whether the camera's stream must restart to follow its new entry."""
    return bool(set(changed_keys(old, new)) - _NOT_OF_THE_STREAM)
