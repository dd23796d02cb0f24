"""The registry that a site uses: given at the start or applied later.

If a new registry has faults, the last valid one stays in use, and the faults are shown.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domain.clock import Clock
from domain.errors import Fault, RegistryInvalid
from domain.paths.data_layout import Layout
from domain.registry import Camera, Registry, Secrets
from domain.registry.check import check_text, read_registry
from domain.registry.former import FormerCamera
from domain.registry.record import RegistryRecord
from domain.registry.secrets import load_secrets, secrets_file
from sightline.cluster.fault_records import read_faults, write_faults
from sightline.cluster.former_cameras import note_applied, read_former
from sightline.cluster.registry_cache import read_cached, write_cached
from sightline.processes.private_files import write_atomically

_log = logging.getLogger(__name__)
NONE = Registry(version=1)


def settle(file: Path, layout: Layout, clock: Clock) -> RegistryInvalid | None:
    """Put the registry of `file` into use; return its faults if the last valid one stays in use.

    Raises RegistryInvalid where `file` has faults and there is no earlier registry.
    """
    known = record(layout)
    try:
        text, registry, _ = read_registry(file, os.environ)
    except RegistryInvalid as invalid:
        if known is None:
            raise
        write_faults(layout.registry_faults, invalid.faults)
        return invalid
    if known is None or known.text != text:
        store_record(layout, RegistryRecord(version=0, applied_at=clock.wall_ns(), text=text))
    write_cached(layout, text, registry)
    layout.registry_faults.unlink(missing_ok=True)
    return None


def secrets_path(registry: Path | None, layout: Layout) -> Path:
    """Return the file with the cameras' passwords, for the processes of the instance.

    It is next to the given registry, otherwise in the data folder.
    """
    return secrets_file(registry.resolve().parent if registry else layout.root, os.environ)


def record(layout: Layout) -> RegistryRecord | None:
    """Return this machine's record of the registry in use; None where there was never one."""
    try:
        return RegistryRecord.model_validate_json(layout.registry.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        _log.error(
            "%s cannot be read; the newest version in the object store is used instead",
            layout.registry,
        )
        return None


def running(layout: Layout) -> tuple[Registry, Secrets]:
    """Return the registry in use and the cameras' passwords.

    Without a registry the result has no cameras. A missing password affects only its camera.
    """
    secrets, faults_of_secrets = load_secrets(secrets_path(None, layout), os.environ)
    for fault in faults_of_secrets:
        _log.error("%s", fault)
    return running_registry(layout), secrets


def running_registry(layout: Layout) -> Registry:
    """Return the registry in use without reading any secret; it may have no cameras."""
    known = record(layout)
    if known is None:
        return NONE
    parsed = read_cached(layout, known.text)
    if parsed is not None:
        return parsed
    registry, faults = check_text(known.text, known.source, Secrets())
    if registry is None:
        raise RegistryInvalid(faults)
    return registry


def faults_shown(layout: Layout) -> tuple[Fault, ...]:
    """Return the faults of a refused registry; empty if the given registry is in use."""
    return read_faults(layout.registry_faults)


@dataclass(frozen=True, slots=True)
class Running:
    """The registry in use."""

    version: int
    """It is 0 until the registry is in the object store."""
    registry: Registry
    former: Mapping[str, FormerCamera] = field(default_factory=dict)
    """Cameras that left the registry."""

    @property
    def kept_cameras(self) -> tuple[Camera, ...]:
        """All cameras that may have stored data: those of the registry and former ones."""
        return (*self.registry.cameras, *(one.camera for one in self.former.values()))


class RunningRegistry:
    """Caches the registry in use; it is read only after a change. Thread-safe."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = threading.Lock()
        self._seen: tuple[tuple[int, int], ...] = ()
        self._now = Running(0, NONE)

    def now(self) -> Running:
        with self._lock:
            seen = (_mark(self._layout.registry), _mark(self._layout.former_cameras))
            if seen != self._seen:
                known, former = record(self._layout), read_former(self._layout).by_id
                registry = (
                    self._now.registry
                    if seen[:1] == self._seen[:1]
                    else running_registry(self._layout)
                )
                self._now = Running(known.version if known else 0, registry, former)
                self._seen = seen
            return self._now


def _mark(file: Path) -> tuple[int, int]:
    """Return what identifies the state of a file that is replaced as a whole."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_ino


def store_record(layout: Layout, applied: RegistryRecord) -> None:
    """Put a record into use on this machine. Raises OSError."""
    note_applied(layout, record(layout), applied)
    write_atomically(layout.registry, applied.model_dump_json(by_alias=True))
