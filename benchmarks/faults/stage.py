"""A running site for faults.

Some cameras have a server each, which may be broken; the others stay unaffected.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.relay import Relay
from benchmarks.site import CLOCK, BenchSite
from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_S
from domain.errors import SightlineError
from sightline.processes.status_file import read_statuses, status_file
from simulator import SimCamera, Simulator

UNAFFECTED = ("unaffected-1", "unaffected-2", "unaffected-3")
SEGMENT_S = 4
START_WITHIN_S = 120.0
RECOVER_WITHIN_S = 30.0
"""Longer than is allowed, to learn how long it takes."""
STEADY_NS = 5 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Actor:
    """A camera that one scenario breaks. Between it and the site may be a relay; its address
    may be a name.
    """

    camera_id: str
    relayed: bool = False
    transport: str = "tcp"
    name: str = ""
    has_password: bool = False


@dataclass(frozen=True, slots=True)
class Footage:
    h264: Path
    h265: Path


class Stage:
    """`with stage.running():` the site runs, and every camera is recorded."""

    def __init__(
        self,
        folder: Path,
        footage: Footage,
        actors: Sequence[Actor],
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.footage = footage
        self.actors = {actor.camera_id: actor for actor in actors}
        self.servers: dict[str, Simulator] = {}
        self.relays: dict[str, Relay] = {}
        self.hosts = folder / "hosts"
        self.ahead_ns = 0
        """How far the site's clock has been set ahead of ours."""
        self._environment = {
            "SIGHTLINE_SEGMENT_S": str(SEGMENT_S),
            "SIGHTLINE_WORKERS": "2",
            **(environment or {}),
        }
        self._environment |= (
            {"SIGHTLINE_CAMERA_STAGE": "admin:right"}
            if any(actor.has_password for actor in actors)
            else {}
        )
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "site" / "data"

    @contextmanager
    def running(self) -> Iterator[None]:
        with ExitStack() as stack:
            self.unaffected = stack.enter_context(
                Simulator([SimCamera(name, self.footage.h264) for name in UNAFFECTED])
            )
            urls = {name: self.unaffected.url(name) for name in UNAFFECTED} | {
                name: self._open(actor, stack) for name, actor in self.actors.items()
            }
            self.site = BenchSite(
                self.folder / "site", self._registry(urls), {**os.environ, **self._environment}
            )
            stack.callback(self.site.close)
            self.site.start()
            self.until("the site to answer", self.site.answers, START_WITHIN_S)
            self.site.sign_in()
            self.until(
                "every camera to be recorded", lambda: self.steady() == set(urls), START_WITHIN_S
            )
            yield

    def _open(self, actor: Actor, stack: ExitStack) -> str:
        server = self.start_server(actor.camera_id)
        stack.callback(lambda: self.servers[actor.camera_id].stop())
        if actor.relayed:
            relay = self.relays[actor.camera_id] = stack.enter_context(
                Relay(("127.0.0.1", server.port))
            )
            return f"rtsp://127.0.0.1:{relay.port}/{actor.camera_id}"
        return f"rtsp://{actor.name or '127.0.0.1'}:{server.port}/{actor.camera_id}"

    def start_server(self, camera_id: str, port: int = 0, host: str = "127.0.0.1") -> Simulator:
        """A server of the camera alone, which is from now on the one of `servers`."""
        secured = self.actors[camera_id].has_password
        camera = SimCamera(
            camera_id,
            self.footage.h264,
            user="admin" if secured else None,
            password="right" if secured else None,
        )
        server = self.servers[camera_id] = Simulator([camera], port, host).__enter__()
        return server

    def stop_server(self, camera_id: str) -> int:
        """End it in the middle of whatever it sends; the port that it had."""
        server = self.servers[camera_id]
        server.stop()
        return server.port

    def now_ns(self) -> int:
        """Now, by the site's clock."""
        return CLOCK.wall_ns() + self.ahead_ns

    def statuses(self) -> list[CameraStatus]:
        with suppress(OSError, SightlineError, ValueError):
            return read_statuses(self.site.layout)
        return []

    def recorded(self, since_ns: int) -> set[str]:
        """The cameras of which something after `since_ns` can be read from disk."""
        return {one.camera_id for one in self.statuses() if one.recorded_until_ns > since_ns}

    def steady(self) -> set[str]:
        """The cameras that are live and recorded up to a few seconds ago."""
        late = self.recorded(self.now_ns() - STEADY_NS)
        return {
            one.camera_id
            for one in self.statuses()
            if one.camera_id in late and one.state is CameraState.LIVE
        }

    def worker_cameras(self, worker: int) -> set[str]:
        names = {*UNAFFECTED, *self.actors}
        text = status_file(self.site.layout, worker).read_text()
        return {name for name in names if f'"{name}"' in text}

    def until(self, what: str, probe: Callable[[], object], within_s: float) -> None:
        """Raises RuntimeError where it does not come about."""
        if not self.comes(probe, within_s):
            raise RuntimeError(f"waited {within_s:.0f} s for {what}")

    def comes(self, probe: Callable[[], object], within_s: float) -> bool:
        deadline_s = CLOCK.monotonic_s() + within_s
        while not probe():
            if CLOCK.monotonic_s() > deadline_s:
                return False
            CLOCK.sleep(0.2)
        return True

    def _registry(self, urls: dict[str, str]) -> dict[str, object]:
        entry = {"class": "A", "area": "stage", "location": {"lon": 111.5, "lat": 32.5}}
        cameras: list[dict[str, object]] = []
        for name, url in urls.items():
            camera: dict[str, object] = {"id": name, "name": name, "url": url, **entry}
            actor = self.actors.get(name)
            if actor is not None:
                camera |= {"transport": actor.transport} | (
                    {"credentials": "stage"} if actor.has_password else {}
                )
            cameras.append(camera)
        return {"version": 1, "areas": {"stage": {"name": "stage"}}, "cameras": cameras}
