"""The cameras that left the site's registry.

They are stored in the data folder, and derived from the registry versions in the object store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from domain.paths.data_layout import Layout
from domain.registry import Registry
from domain.registry.check import build_registry
from domain.registry.former import FormerCameras
from domain.registry.record import RegistryRecord
from sightline.processes.private_files import write_atomically

_log = logging.getLogger(__name__)


def read_former(layout: Layout) -> FormerCameras:
    """Read the former cameras from the data folder.

    If the file is absent or damaged, the result is empty and is derived again.
    """
    try:
        # Registry files of people must not have unknown keys, but a program wrote this file.
        return FormerCameras.model_validate_json(layout.former_cameras.read_bytes(), extra="ignore")
    except FileNotFoundError:
        return FormerCameras()
    except ValidationError as error:
        _log.error(
            "%s cannot be read (%d faults); it is rebuilt from the object store",
            layout.former_cameras,
            error.error_count(),
        )
        return FormerCameras()


def note_applied(layout: Layout, before: RegistryRecord | None, applied: RegistryRecord) -> None:
    """Store the cameras of `before` that `applied` no longer has. Raises OSError."""
    if before is None or before.text == applied.text:
        return
    known = read_former(layout)
    left = known.after(_cameras_of(before), _cameras_of(applied), applied.applied_at)
    if left != known:
        _write(layout, left)


def learn(
    layout: Layout, older: Iterable[RegistryRecord], running: RegistryRecord
) -> Iterator[None]:
    """Derive the former cameras from all registry versions, one version at each step.

    `older` yields the versions before `running`, oldest first. A data folder needs this once: later
    changes are stored when a registry is applied.
    """
    former, before = FormerCameras(), Registry(version=1)
    for record in older:
        now = _cameras_of(record)
        former, before = former.after(before, now, record.applied_at), now
        yield
    now = _cameras_of(running)
    former = former.after(before, now, running.applied_at)
    _write(layout, read_former(layout).joined(former, now))


def _cameras_of(record: RegistryRecord) -> Registry:
    """Parse a registry; the result is empty if this version cannot read it any more."""
    registry = build_registry(record.text, record.source)
    if registry is None:
        _log.error(
            "version %d of the registry cannot be read; its cameras remain unknown", record.version
        )
        return Registry(version=1)
    return registry


def _write(layout: Layout, known: FormerCameras) -> None:
    write_atomically(layout.former_cameras, known.model_dump_json(by_alias=True))
