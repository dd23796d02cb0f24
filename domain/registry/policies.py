"""Checks the combinations of policy keys in a registry. Each fault names the position of a key that
the integrator wrote.
"""

from __future__ import annotations

from typing import Any

from domain.messages.message import Message
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
    """Return whether a camera with this policy keeps recordings only around triggers."""
    return policy.record == "events" or (
        policy.record == "continuous" and policy.upload == "events"
    )


def _check_retention(source: RegistrySource, path: Path, policy: ClassPolicy) -> None:
    written = _written(source, path, "retention_max_days", "retention_days")
    if written and policy.longest_retention_days < policy.retention_days:
        source.fault(
            written,
            Message(
                "recordings cannot be kept {least_days} days at least (`retention_days`) and "
                "{most_days} at most (`retention_max_days`)",
                least_days=policy.retention_days,
                most_days=policy.longest_retention_days,
            ),
            Message("raise `retention_max_days`, or lower `retention_days`"),
        )


def _check_triggers(source: RegistrySource, path: Path, camera: Camera) -> None:
    written = _written(source, path, "triggers")
    if needs_triggers(camera):
        if not any(trigger != "checkpoint" or camera.checkpoint for trigger in camera.triggers):
            reason = (
                Message("only `checkpoint` can trigger, and the camera is no checkpoint")
                if camera.triggers
                else Message("nothing can trigger")
            )
            source.fault(
                written or path,
                Message("`{key}` would keep nothing: {reason}", key=_key(camera), reason=reason),
                Message("add `motion` or `api` to `triggers`"),
            )
    elif written:
        idle = Message("`triggers` do nothing where `record` is {mode}", mode=camera.record)
        source.fault(written, idle, _remedy(camera))


def _check_onvif(source: RegistrySource, path: Path, camera: Camera) -> None:
    written = _written(source, path, "onvif_port")
    if written and "onvif" not in camera.triggers:
        source.fault(
            written,
            Message("`onvif_port` does nothing where `triggers` lack `onvif`"),
            Message("add `onvif` to `triggers`, or leave it out"),
        )


def _check_drawings(source: RegistrySource, path: Path, camera: Camera) -> None:
    for key in ("lanes", "count_lines"):
        written = _written(source, path, key)
        if written and not camera.checkpoint:
            source.fault(
                written,
                Message("`{key}` do nothing at a camera that is no checkpoint", key=key),
                Message("add `checkpoint`, or leave them out"),
            )


def _key(camera: Camera) -> str:
    return "record: events" if camera.record == "events" else "upload: events"


def _remedy(camera: Camera) -> Message:
    if camera.record == "on_demand":
        return Message(
            "it is recorded when POST /v1/cameras/ID/triggers asks; leave `triggers` out, or set "
            "`record: events`"
        )
    return Message("leave `triggers` out, or set `record: events` or `upload: events`")


def _written(source: RegistrySource, path: Path, *keys: Any) -> Path | None:
    """Return the first of `keys` that the file contains at `path`."""
    return next(((*path, key) for key in keys if (*path, key) in source.values), None)
