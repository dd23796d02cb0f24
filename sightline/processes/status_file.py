"""How a worker's cameras are, in a file of its own: the node's door answers from it, also while
Redis is away.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from domain.camera_states import CameraStatus
from domain.paths.data_layout import Layout
from sightline.processes.private_files import write_atomically

_STATUSES = TypeAdapter(list[CameraStatus])
_OVER_LIMIT = b'"over_limit":true'


def status_file(layout: Layout, worker: int) -> Path:
    """Appears once the worker runs."""
    return layout.statuses / f"{worker}.json"


def write_statuses(layout: Layout, worker: int, statuses: Sequence[CameraStatus]) -> None:
    """Raises OSError where the disk refuses; the file is touched all the same, for whoever sees
    by it that the worker lives.
    """
    text = _STATUSES.dump_json(list(statuses)).decode()
    try:
        write_atomically(status_file(layout, worker), text, durable=False)
    except OSError:
        say_alive(layout, worker)
        raise


def say_alive(layout: Layout, worker: int) -> None:
    """Touch the file: what it says may be old, but its worker lives.

    Nothing is said where there is no file yet, or on a read-only disk, where silence is not taken
    for a hang (see `beats.py`).
    """
    with contextlib.suppress(OSError):
        os.utime(status_file(layout, worker))


def read_worker_statuses(layout: Layout, worker: int) -> list[CameraStatus]:
    """What a worker last said of its cameras; nothing where it never said anything."""
    try:
        return _STATUSES.validate_json(status_file(layout, worker).read_bytes())
    except FileNotFoundError:
        return []


def read_statuses(layout: Layout) -> list[CameraStatus]:
    """What the node's workers last said, one status a camera: while a camera moves between two,
    that of the one that recorded last.
    """
    workers = [int(file.stem) for file in layout.statuses.glob("*.json") if file.stem.isdecimal()]
    found = [
        status for worker in sorted(workers) for status in read_worker_statuses(layout, worker)
    ]
    return list(
        {
            status.camera_id: status
            for status in sorted(found, key=lambda status: status.recorded_until_ns)
        }.values()
    )


def over_limit(layout: Layout) -> set[str]:
    """The node's cameras that send more than they may: asked for every second, so that files
    which name none are not taken apart.
    """
    files = [file for file in layout.statuses.glob("*.json") if file.stem.isdecimal()]
    if not any(_OVER_LIMIT in file.read_bytes() for file in files):
        return set()
    return {status.camera_id for status in read_statuses(layout) if status.over_limit}
