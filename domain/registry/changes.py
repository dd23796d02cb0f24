"""What one registry changes of another: which cameras come, go and differ, and in which keys."""

from __future__ import annotations

from dataclasses import dataclass

from domain.registry.model import Camera, Registry

_NOT_OF_THE_STREAM = frozenset({"name", "retention_days", "retention_max_days", "priority"})
"""What may differ while a camera goes on being pulled and recorded as it is."""


@dataclass(frozen=True, slots=True)
class CameraChange:
    camera_id: str
    keys: tuple[str, ...]
    """The keys that differ, as the registry spells them."""
    restarts: bool
    """Whether the camera's stream is begun anew for it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """By camera id, each in order. `areas`: whether names of areas differ."""

    added: tuple[str, ...]
    changed: tuple[CameraChange, ...]
    removed: tuple[str, ...]
    areas: bool

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.areas)


def changes_of(old: Registry, new: Registry) -> Changes:
    """What applying `new` over `old` does."""
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
    """The keys in which two entries of a camera differ, those that follow from its class
    included.
    """
    fields = Camera.model_fields.items()
    return tuple(
        field.alias or name for name, field in fields if getattr(old, name) != getattr(new, name)
    )


def must_restart(old: Camera, new: Camera) -> bool:
    """Whether the camera's stream must be begun anew to run by its new entry."""
    return bool(set(changed_keys(old, new)) - _NOT_OF_THE_STREAM)
