"""Distributes the cameras of a node over its workers, and writes the workers' rosters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from domain.camera_states import CameraStatus
from domain.clock import Clock
from domain.paths.data_layout import Layout
from domain.registry import Camera
from sightline.cluster.roster import (
    Assigned,
    Roster,
    delete_rosters_from,
    read_rosters,
    write_roster,
)
from sightline.cluster.site_registry import Running
from sightline.cluster.worker_balance import share
from sightline.processes.status_file import read_worker_statuses

_Inputs = tuple[list[Camera], dict[str, int], int, tuple[IPv4Network | IPv6Network, ...]]
CountWorkers = Callable[[Sequence[Camera]], int]
"""Returns how many workers these cameras need."""
SendCredentials = Callable[[int, Sequence[Camera]], None]
"""Sends a worker, by its number, the credentials of these cameras and no others."""
MOVE_WITHIN_S = 20.0
"""After this long a moving camera leaves its old worker even if the new one does not record it."""


@dataclass(frozen=True, slots=True)
class Move:
    """A camera that moves between two workers: both run it until the new one records it."""

    from_worker: int
    until_s: float


class RosterWriter:
    """Writes the rosters of a node's workers."""

    def __init__(
        self, layout: Layout, count: CountWorkers, send_credentials: SendCredentials, clock: Clock
    ) -> None:
        """Read the rosters of an earlier run, so that cameras stay in their workers. Each stays in
        place until the first call of `place` replaces it.
        """
        self._layout = layout
        self._count = count
        self._workers = 0
        """The number of workers, which never falls, because a worker runs as long as the node."""
        self._send_credentials = send_credentials
        self._clock = clock
        rosters = read_rosters(layout)
        self.before = {
            one.camera.id: one.fence for roster in rosters.values() for one in roster.cameras
        }
        """The fencing number of each camera that the earlier run had."""
        self._placed = {
            one.camera.id: worker for worker, roster in rosters.items() for one in roster.cameras
        }
        self._checkpoints = {
            one.camera.id
            for roster in rosters.values()
            for one in roster.cameras
            if one.camera.checkpoint
        }
        """The cameras that have been placed as checkpoints."""
        self._moves: dict[str, Move] = {}
        self._written: dict[int, Roster] = {}
        self._has_deleted_others = False
        """Whether the rosters of further workers, which only the earlier run had, are deleted."""
        self._settled: _Inputs | None = None
        """The inputs of the last call if it would change nothing to call it with them again; None
        otherwise, for example while a camera moves.
        """

    def place(self, cameras: Sequence[Camera], fences: Mapping[str, int], running: Running) -> None:
        """Write the rosters that changed. Raises OSError."""
        inputs = (list(cameras), dict(fences), running.version, running.registry.networks)
        if inputs == self._settled:
            self._settled = inputs  # The next comparison finds the same objects.
            for worker, roster in self._written.items():
                self._send_credentials(worker, [one.camera for one in roster.cameras])
            return
        self._settled, placed = None, self._placed
        self._workers = max(self._workers, self._count(cameras))
        self._place(cameras)
        self._write(cameras, fences, running)
        self._settled = inputs if placed == self._placed and not self._moves else None

    def _write(
        self, cameras: Sequence[Camera], fences: Mapping[str, int], running: Running
    ) -> None:
        for worker in range(self._workers):
            roster = self._roster(worker, cameras, fences, running)
            before = self._written.get(worker, Roster())
            # A worker has the credentials of a camera before it starts, until after it has ended.
            cameras_of = [one.camera for one in (*before.cameras, *roster.cameras)]
            self._send_credentials(worker, cameras_of)
            if self._written.get(worker) != roster:
                write_roster(self._layout, worker, roster)
                self._written[worker] = roster
        if not self._has_deleted_others:
            delete_rosters_from(self._layout, self._workers)
            self._has_deleted_others = True

    def _place(self, cameras: Sequence[Camera]) -> None:
        before, now_s = self._placed, self._clock.monotonic_s()
        checkpoints = {camera.id for camera in cameras if camera.checkpoint}
        # A camera that becomes a checkpoint is placed again, because nothing is in its view yet.
        became = checkpoints - self._checkpoints
        kept = {name: worker for name, worker in before.items() if name not in became}
        self._placed, self._checkpoints = share(cameras, self._workers, kept), checkpoints
        # No worker runs before the first rosters are written.
        moved = {
            name: before[name]
            for name, worker in self._placed.items()
            if self._written and before.get(name, worker) != worker
        }
        self._moves |= {name: Move(worker, now_s + MOVE_WITHIN_S) for name, worker in moved.items()}
        self._moves = {
            name: move
            for name, move in self._moves.items()
            if name in self._placed and not self._has_moved(name, move)
        }

    def _has_moved(self, camera_id: str, move: Move) -> bool:
        """Return whether the new worker records it, or the old worker does not."""
        old, new = (
            _status_of(camera_id, read_worker_statuses(self._layout, worker))
            for worker in (move.from_worker, self._placed[camera_id])
        )
        if self._placed[camera_id] == move.from_worker or self._clock.monotonic_s() >= move.until_s:
            return True
        return (
            old is None or not old.state.is_live or (new is not None and new.recorded_until_ns > 0)
        )

    def _roster(
        self, worker: int, cameras: Sequence[Camera], fences: Mapping[str, int], running: Running
    ) -> Roster:
        # The old worker of a camera that moves continues as before, so it restarts nothing.
        written = self._written.get(worker, Roster())
        before = {one.camera.id: one.camera for one in written.cameras}
        assigned = [
            Assigned(
                camera=camera
                if self._placed[camera.id] == worker
                else before.get(camera.id, camera),
                fence=fences[camera.id],
                joins=self._placed[camera.id] == worker and camera.id in self._moves,
            )
            for camera in cameras
            if worker in self._runners(camera.id)
        ]
        return Roster(
            registry=running.version, networks=running.registry.networks, cameras=tuple(assigned)
        )

    def _runners(self, camera_id: str) -> tuple[int, ...]:
        move = self._moves.get(camera_id)
        return (
            (self._placed[camera_id],)
            if move is None
            else (self._placed[camera_id], move.from_worker)
        )


def _status_of(camera_id: str, statuses: Sequence[CameraStatus]) -> CameraStatus | None:
    return next((status for status in statuses if status.camera_id == camera_id), None)
