"""The states of a worker's cameras in a file, which the node API serves.

It also works during an outage of Redis.
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
    """Return the path of a worker's file, which exists when the worker runs."""
    return layout.statuses / f"{worker}.json"


def write_statuses(layout: Layout, worker: int, statuses: Sequence[CameraStatus]) -> None:
    """Write the states. On a failure touch the file as a heartbeat, and raise OSError."""
    text = _STATUSES.dump_json(list(statuses)).decode()
    try:
        write_atomically(status_file(layout, worker), text, durable=False)
    except OSError:
        touch_heartbeat(layout, worker)
        raise


def touch_heartbeat(layout: Layout, worker: int) -> None:
    """Touch the file: the worker is alive, although the states may be old.

    Nothing happens before the file exists, or on a read-only disk, where a missing heartbeat does
    not count as a hang (`heartbeat.py`).
    """
    with contextlib.suppress(OSError):
        os.utime(status_file(layout, worker))


def read_worker_statuses(layout: Layout, worker: int) -> list[CameraStatus]:
    """Return the last states of a worker's cameras; empty where there are none."""
    try:
        return _STATUSES.validate_json(status_file(layout, worker).read_bytes())
    except FileNotFoundError:
        return []


def read_statuses(layout: Layout) -> list[CameraStatus]:
    """Return the last state of each camera of the node.

    While a camera moves between two workers, the state of the one that recorded last counts.
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
    """Return the node's cameras that exceed their bitrate limit.

    It is called every second, so files without such a camera are not parsed.
    """
    files = [file for file in layout.statuses.glob("*.json") if file.stem.isdecimal()]
    if not any(_OVER_LIMIT in file.read_bytes() for file in files):
        return set()
    return {status.camera_id for status in read_statuses(layout) if status.over_limit}
