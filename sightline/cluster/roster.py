"""What each worker of a node has to do: a file for each, replaced whole by the node and read by the
worker within half a second.

A file outlives every process: a worker that died takes its cameras up again without asking anyone,
and a node that starts while Redis is away goes on with what it had.
"""

from __future__ import annotations

import threading
from ipaddress import IPv4Network, IPv6Network

from pydantic import ValidationError

from domain.paths.data_layout import Layout
from domain.registry import Camera
from domain.stored_model import StoredModel
from sightline.processes.private_files import write_atomically


class Assigned(StoredModel):
    """A camera that a worker runs, and the fencing number that its recordings carry."""

    camera: Camera
    fence: int
    joins: bool = False
    """Another worker of the node records it too, until this one does: what it writes is not to
    be touched.
    """


class Roster(StoredModel):
    registry: int = 0
    """The version of the registry; with a new one passwords are read again."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    cameras: tuple[Assigned, ...] = ()


def write_roster(layout: Layout, worker: int, roster: Roster) -> None:
    write_atomically(layout.roster(worker), roster.model_dump_json(by_alias=True))


def read_roster(layout: Layout, worker: int) -> Roster:
    """An empty one where the node has written none yet, or it cannot be read (it is written
    again).
    """
    try:
        # A camera refuses unknown keys, for it is what people write; here a program wrote them.
        return Roster.model_validate_json(layout.roster(worker).read_bytes(), extra="ignore")
    except (FileNotFoundError, ValidationError):
        return Roster()


class RosterFile:
    """A worker's roster as it changes: `changed` answers with it once for each change."""

    def __init__(self, layout: Layout, worker: int) -> None:
        self._layout = layout
        self._worker = worker
        self._seen: tuple[int, int] | None = None

    def changed(self) -> Roster | None:
        """The roster, where it is another file than at the last call; None where it is the
        same, or there is none.
        """
        try:
            stat = self._layout.roster(self._worker).stat()
        except FileNotFoundError:
            return None
        if (stat.st_mtime_ns, stat.st_ino) == self._seen:
            return None
        self._seen = (stat.st_mtime_ns, stat.st_ino)
        return read_roster(self._layout, self._worker)


class NodeRosters:
    """All workers' rosters, for those who ask which of them has a camera: each is read again
    only when it has changed. Thread-safe.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._files: dict[int, RosterFile] = {}
        self._rosters: dict[int, Roster] = {}
        self._lock = threading.Lock()

    def workers(self) -> dict[str, int]:
        """The worker that runs each camera of this node, by camera id; where it is moving, the
        one it moves to.
        """
        return {
            one.camera.id: worker
            for one, worker in sorted(self._entries(), key=lambda entry: entry[0].joins)
        }

    def cameras(self) -> tuple[Camera, ...]:
        """The cameras of this node, each once."""
        return tuple({one.camera.id: one.camera for one, _ in self._entries()}.values())

    def _entries(self) -> list[tuple[Assigned, int]]:
        with self._lock:
            for worker in _workers(self._layout):
                changed = self._files.setdefault(worker, RosterFile(self._layout, worker)).changed()
                self._rosters[worker] = changed or self._rosters.get(worker, Roster())
            return [
                (one, worker) for worker, roster in self._rosters.items() for one in roster.cameras
            ]


def take_rosters(layout: Layout) -> dict[int, Roster]:
    """What each worker had in an earlier run, more workers than now included; the files are
    gone then.
    """
    rosters = {worker: read_roster(layout, worker) for worker in _workers(layout)}
    for worker in rosters:
        layout.roster(worker).unlink(missing_ok=True)
    return rosters


def _workers(layout: Layout) -> list[int]:
    return sorted(int(file.stem) for file in layout.rosters.glob("*.json") if file.stem.isdecimal())
