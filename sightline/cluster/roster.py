"""The rosters of a node's workers: a file for each, which the node replaces as a whole.

The worker reads it within half a second. A file survives every process: a worker that died runs its
cameras again, and a node that starts during an outage of Redis continues with its cameras.
"""

from __future__ import annotations

import logging
import threading
from ipaddress import IPv4Network, IPv6Network

from pydantic import ValidationError

from domain.paths.data_layout import Layout
from domain.registry import Camera
from domain.stored_model import StoredModel
from sightline.processes.private_files import write_atomically

_log = logging.getLogger(__name__)


class Assigned(StoredModel):
    """A camera that a worker runs, and the fencing number that its recordings carry."""

    camera: Camera
    fence: int
    joins: bool = False
    """Whether another worker of the node records it too, until this one does."""


class Roster(StoredModel):
    """The cameras of one worker."""

    registry: int = 0
    """The version of the registry."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    cameras: tuple[Assigned, ...] = ()


def write_roster(layout: Layout, worker: int, roster: Roster) -> None:
    write_atomically(layout.roster(worker), roster.model_dump_json(by_alias=True))


def read_roster(layout: Layout, worker: int) -> Roster:
    """Read a roster. It is empty if the node has written none, or if it cannot be read."""
    return _read(layout, worker) or Roster()


def _read(layout: Layout, worker: int) -> Roster | None:
    """Return the roster of a worker. Return None if there is none, or it cannot be read."""
    file = layout.roster(worker)
    try:
        # Registry files of people must not have unknown keys, but a program wrote this file.
        return Roster.model_validate_json(file.read_bytes(), extra="ignore")
    except FileNotFoundError:
        return None
    except OSError as error:
        _log.error("the roster of a worker cannot be read: %s", error)
    except ValidationError as error:
        _log.error("%s cannot be read (%d faults)", file, error.error_count())
    return None


class RosterFile:
    """Detects changes of a worker's roster."""

    def __init__(self, layout: Layout, worker: int) -> None:
        self._layout = layout
        self._worker = worker
        self._seen: tuple[int, int] | None = None

    def changed(self) -> Roster | None:
        """Return the roster if its file was replaced since the last call, otherwise None.

        If the new file cannot be read, the result is None too: the last roster remains in use.
        """
        try:
            stat = self._layout.roster(self._worker).stat()
        except FileNotFoundError:
            return None
        if (stat.st_mtime_ns, stat.st_ino) == self._seen:
            return None
        self._seen = (stat.st_mtime_ns, stat.st_ino)
        return _read(self._layout, self._worker)


class NodeRosters:
    """The rosters of all workers of a node. Each is read only after a change. Thread-safe."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._files: dict[int, RosterFile] = {}
        self._rosters: dict[int, Roster] = {}
        self._lock = threading.Lock()

    def workers(self) -> dict[str, int]:
        """Return the worker of each camera by id; for a moving camera, its new worker."""
        return {one.camera.id: worker for one, worker in self._entries()}

    def cameras(self) -> tuple[Camera, ...]:
        """Return the cameras of this node, each once; a moving camera as its new worker runs it."""
        return tuple({one.camera.id: one.camera for one, _ in self._entries()}.values())

    def _entries(self) -> list[tuple[Assigned, int]]:
        """Return each camera and its worker. The new worker of a moving camera is after the old."""
        with self._lock:
            for worker in _workers(self._layout):
                changed = self._files.setdefault(worker, RosterFile(self._layout, worker)).changed()
                self._rosters[worker] = changed or self._rosters.get(worker, Roster())
            entries = [
                (one, worker) for worker, roster in self._rosters.items() for one in roster.cameras
            ]
        return sorted(entries, key=lambda entry: entry[0].joins)


def worker_count(layout: Layout) -> int:
    """Return how many workers the node has, each of which has a roster, maybe an empty one."""
    return len(_workers(layout))


def read_rosters(layout: Layout) -> dict[int, Roster]:
    """Read the rosters of an earlier run, which may have had more workers."""
    return {worker: read_roster(layout, worker) for worker in _workers(layout)}


def delete_rosters_from(layout: Layout, first: int) -> None:
    """Delete the rosters of the workers with the number `first` or a higher one, which an earlier
    run had.
    """
    for worker in _workers(layout):
        if worker >= first:
            layout.roster(worker).unlink(missing_ok=True)


def _workers(layout: Layout) -> list[int]:
    return sorted(int(file.stem) for file in layout.rosters.glob("*.json") if file.stem.isdecimal())
