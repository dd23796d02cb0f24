"""Checks the combinations of policy keys in a registry. Each fault names the position of a key that
the integrator wrote.
"""

from __future__ import annotations

from typing import Any

from domain.registry.model import Camera, ClassPolicy, Registry
from domain.registry.source import Path, RegistrySource


def check_policies(source: RegistrySource, registry: Registry) -> None:
    """Add the faults of a valid registry, whose cameras are in the order of the file."""
    for name, policy in registry.classes.items():
        _check_retention(source, ("classes", name), policy)
    for i, camera in enumerate(registry.cameras):
        _check_retention(source, ("cameras", i), camera)
        _check_triggers(source, ("cameras", i), camera)
        _check_onvif(source, ("cameras", i), camera)
        _check_drawings(source, ("cameras", i), camera)


def needs_triggers(policy: ClassPolicy) -> bool:
    """Whether a camera with this policy keeps recordings only around triggers."""
    return policy.record == "events" or (
        policy.record == "continuous" and policy.upload == "events"
    )


def _check_retention(source: RegistrySource, path: Path, policy: ClassPolicy) -> None:
    written = _written(source, path, "retention_max_days", "retention_days")
    if written and policy.longest_retention_days < policy.retention_days:
        source.fault(
            written,
            f"recordings cannot be kept {policy.retention_days} days at least (`retention_days`) "
            f"and {policy.longest_retention_days} at most (`retention_max_days`)",
            "raise `retention_max_days`, or lower `retention_days`",
        )


def _check_triggers(source: RegistrySource, path: Path, camera: Camera) -> None:
    written = _written(source, path, "triggers")
    if needs_triggers(camera):
        if not any(trigger != "checkpoint" or camera.checkpoint for trigger in camera.triggers):
            why = (
                "only `checkpoint` can trigger, and the camera is no checkpoint"
                if camera.triggers
                else "nothing can trigger"
            )
            source.fault(
                written or path,
                f"`{_key(camera)}` would keep nothing: {why}",
                "add `motion` or `api` to `triggers`",
            )
    elif written:
        source.fault(
            written, f"`triggers` do nothing where `record` is {camera.record}", _remedy(camera)
        )


def _check_onvif(source: RegistrySource, path: Path, camera: Camera) -> None:
    written = _written(source, path, "onvif_port")
    if written and "onvif" not in camera.triggers:
        source.fault(
            written,
            "`onvif_port` does nothing where `triggers` lack `onvif`",
            "add `onvif` to `triggers`, or leave it out",
        )


def _check_drawings(source: RegistrySource, path: Path, camera: Camera) -> None:
    for key in ("lanes", "count_lines"):
        written = _written(source, path, key)
        if written and not camera.checkpoint:
            source.fault(
                written,
                f"`{key}` do nothing at a camera that is no checkpoint",
                "add `checkpoint`, or leave them out",
            )


def _key(camera: Camera) -> str:
    return "record: events" if camera.record == "events" else "upload: events"


def _remedy(camera: Camera) -> str:
    if camera.record == "on_demand":
        return (
            "it is recorded when POST /v1/cameras/{id}/triggers asks; leave `triggers` out, or "
            "set `record: events`"
        )
    return "leave `triggers` out, or set `record: events` or `upload: events`"


def _written(source: RegistrySource, path: Path, *keys: Any) -> Path | None:
    """Return the first of `keys` that the file contains at `path`."""
    return next(((*path, key) for key in keys if (*path, key) in source.values), None)
