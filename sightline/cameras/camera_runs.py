"""The cameras of a worker, each started and stopped without an interruption of the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from domain.camera_states import CameraStatus
from domain.errors import NotFound, StoreError
from domain.events.analyser import Analyser
from domain.media.fanout import Fanout
from domain.media.live_detections import DetectionFeed
from domain.registry import Camera, Credentials, Networks, Secrets, must_restart
from ingest.onvif.client import OnvifEvents
from ingest.recording.recovery import recover_segments
from sightline.cameras.camera_run import CameraRun
from sightline.cameras.worker_context import WorkerContext
from sightline.cluster.roster import Assigned, Roster

GIVE_UP_SYNC_S = 5.0
"""How long `give_up` waits for the disk. Another thread may wait for the same disk already."""
_log = logging.getLogger(__name__)


class CameraRuns:
    """Runs the cameras of a roster. One thread calls `apply`; any thread may read."""

    def __init__(
        self,
        tools: WorkerContext,
        analyser: Callable[[Camera], Analyser],
        heartbeat: Callable[[], None],
    ) -> None:
        """`analyser` creates the analyser of a checkpoint, in its analysis thread.

        `heartbeat` is called for each camera in every pass over all of them.
        """
        self._heartbeat = heartbeat
        self._tools = tools
        self._analyser = analyser
        self._fences: dict[str, int] = {}
        self._runs: dict[str, CameraRun] = {}
        self._started_as: dict[str, tuple[Camera, Credentials | None]] = {}
        self._networks = Networks(())

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._runs)

    def apply(self, roster: Roster, secrets: Secrets) -> None:
        """Run the cameras of the roster, with the credentials of `secrets`.

        New cameras start first. Removed cameras, and those whose stream settings changed, end
        together.
        """
        networks_changed = roster.networks != self._networks.allowed
        self._networks = Networks(roster.networks)
        assigned = {one.camera.id: one for one in roster.cameras}
        self._fences |= {name: one.fence for name, one in assigned.items()}
        ending = [
            name
            for name in self._runs
            if name not in assigned
            or networks_changed
            or self._differs(assigned[name].camera, secrets)
        ]
        before = set(self._runs)
        for name in ending:
            self._runs[name].stop()
        self._start((one for name, one in assigned.items() if name not in before), secrets)
        self._join(ending)
        self._start((assigned[name] for name in ending if name in assigned), secrets)
        _log.info(
            "%d cameras are running; %d started, %d stopped",
            len(self._runs),
            len(assigned.keys() - before),
            len(before - assigned.keys()),
        )

    def stop(self) -> None:
        ending = self.ids
        for name in ending:
            self._runs[name].stop()
        for name in ending:
            self._runs[name].finish()
        for name in ending:
            self._runs[name].join()

    def give_up(self, since_ns: int, detail: str) -> None:
        """Record for each camera a gap since `since_ns` with its cause; the process ends then."""
        for run in self.running():
            try:
                run.give_up(since_ns, detail)
            except StoreError as error:
                _log.error("%s: the cause of a gap cannot be written: %s", run.camera.id, error)
        self._sync_gaps_within(GIVE_UP_SYNC_S)

    def _sync_gaps_within(self, limit_s: float) -> None:
        """Write the logged gaps to the disk, and wait at most `limit_s` for it."""

        def sync() -> None:
            try:
                self._tools.gap_sync.sync()
            except StoreError as error:
                _log.error("a power cut may lose the last gaps: %s", error)

        thread = threading.Thread(target=sync, name="last gaps", daemon=True)
        thread.start()
        thread.join(limit_s)
        if thread.is_alive():
            _log.error(
                "a power cut may lose the last gaps: the disk does not respond within %.0f s",
                limit_s,
            )

    def tick(self) -> None:
        """Report the states of the cameras, and record their gaps. It is called about once a
        second, before `statuses`. `GapWriter` writes the gaps to the disk.
        """
        for run in self.running():
            self._heartbeat()
            run.tick()

    def statuses(self) -> list[CameraStatus]:
        """Return the states of all cameras. Those that wait for their next try have the state of
        the last `tick`.
        """
        return [run.ticked_status() for run in self.running()]

    def recorded_until(self, camera_id: str) -> int | None:
        """Return the wall time (UTC ns) up to which a camera is recorded; None for others."""
        run = self._runs.get(camera_id)
        return run.recorded_until_ns if run else None

    @contextmanager
    def watching(self, stream: str) -> Iterator[Fanout]:
        """Yield the packets of a camera (its id) or of its sub-stream (`<id>/sub`) for a viewer.

        Raises NotFound.
        """
        camera_id, _, sub = stream.partition("/")
        with self._run_of(camera_id).watching(is_sub=bool(sub)) as fanout:
            yield fanout

    @contextmanager
    def watching_detections(self, camera_id: str) -> Iterator[DetectionFeed]:
        """Yield the detections of a camera for a viewer. Raises NotFound."""
        with self._run_of(camera_id).watching_detections() as feed:
            yield feed

    def _run_of(self, camera_id: str) -> CameraRun:
        run = self._runs.get(camera_id)
        if run is None:
            raise NotFound("this worker has no camera {camera}", camera=camera_id)
        return run

    def running(self) -> Sequence[CameraRun]:
        return tuple(self._runs.values())

    def events(self) -> Sequence[OnvifEvents]:
        """Return the event clients of the cameras that trigger by ONVIF."""
        return tuple(run.events for run in self.running() if run.events is not None)

    def _start(self, assigned: Iterable[Assigned], secrets: Secrets) -> None:
        for one in assigned:
            self._heartbeat()
            if not one.joins:  # otherwise the other worker is still writing its segment
                recover_segments(self._tools.layout, one.camera.id)
                self._tools.spool.sweep([one.camera.id])
            run = self._make(one.camera, _credentials(one.camera, secrets))
            run.start()
            self._runs = {**self._runs, one.camera.id: run}

    def _make(self, camera: Camera, credentials: Credentials | None) -> CameraRun:
        self._started_as[camera.id] = (camera, credentials)
        analyser = partial(self._analyser, camera) if camera.checkpoint else None
        return CameraRun(
            camera,
            credentials,
            partial(self._fences.__getitem__, camera.id),
            analyser,
            self._networks,
            self._tools,
        )

    def _join(self, ending: Sequence[str]) -> None:
        for name in ending:
            self._runs[name].finish()
        for name in ending:
            self._heartbeat()
            self._runs[name].join()
            self._runs = {other: run for other, run in self._runs.items() if other != name}
            del self._started_as[name]

    def _differs(self, camera: Camera, secrets: Secrets) -> bool:
        started_as, credentials = self._started_as[camera.id]
        return must_restart(started_as, camera) or credentials != _credentials(camera, secrets)


def _credentials(camera: Camera, secrets: Secrets) -> Credentials | None:
    return secrets.get(camera.credentials) if camera.credentials else None


class LazyAnalysers:
    """Creates the analysers of checkpoints. Thread-safe.

    The first call loads the models, so that recording does not wait for them.
    """

    def __init__(self, load: Callable[[], Callable[[Camera], Analyser]]) -> None:
        """`load` imports what an analyser needs, and returns a factory of analysers.

        The factory loads the models of a checkpoint's kinds. This takes a second.
        """
        self._load = load
        self._lock = threading.Lock()
        self._factory: Callable[[Camera], Analyser] | None = None

    def __call__(self, camera: Camera) -> Analyser:
        with self._lock:
            if self._factory is None:
                self._factory = self._load()
            return self._factory(camera)
