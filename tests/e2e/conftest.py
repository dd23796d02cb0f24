"""A whole instance for a test: `sightline up` runs it, and tests use it over HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from api.webrtc.messages import ReadSession, written
from domain.clock import SystemClock
from domain.paths.data_layout import Layout
from domain.paths.local_sockets import address_of
from sightline.processes.ports import free_ports
from tests.conftest import SHARED
from tests.footage import Footage, real
from tests.waiting import PATIENCE_S, wait_for

CLOCK = SystemClock()
REASON = {"X-Reason": "test"}
PLAYS_REAL_FOOTAGE = os.environ.get("SIGHTLINE_TEST_FOOTAGE") == "real"
"""Set by `make test-real`. A film plays for a minute in each of a dozen tests, so one run plays
either the drawn films or the real ones.
"""


@pytest.fixture(scope="session")
def footage(request: pytest.FixtureRequest) -> Footage:
    """Return the drawn films, or the real ones if they are requested and present."""
    if not PLAYS_REAL_FOOTAGE:
        return cast(Footage, request.getfixturevalue("drawn_footage"))
    if not SHARED.is_dir():
        pytest.fail(f"there is no real footage in {SHARED}; SIGHTLINE_TEST_DATA names its folder")
    return real(SHARED)


class Site:
    """One instance on one data folder."""

    def __init__(
        self, folder: Path, cameras: list[dict[str, Any]], environment: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.registry = folder / "camera_registry.yaml"
        areas = {camera["area"]: {"name": camera["area"]} for camera in cameras}
        self.registry.write_text(
            json.dumps({"version": 1, "areas": areas, "cameras": cameras}, ensure_ascii=False),
            "utf-8",
        )
        (self.port,) = free_ports(1)
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self._tokens: dict[str, str] = {}
        self._http = httpx.Client(
            timeout=PATIENCE_S, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        """One for all questions: to make a client takes longer than to be answered. It keeps no
        connection: the site is killed at times.
        """

    def start(self) -> None:
        arguments = (
            "up",
            "--registry",
            str(self.registry),
            "--data",
            str(self.data),
            "--port",
            str(self.port),
            "--host",
            "127.0.0.1",
        )
        errors = (self.folder / "up.log").open("ab")
        self._process = subprocess.Popen(
            (sys.executable, "-m", "sightline", *arguments),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=self._environment,
        )
        errors.close()
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        assert first.startswith("console: "), (self.folder / "up.log").read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(PATIENCE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    def close(self) -> None:
        self._http.close()
        if self._process is not None:
            self.stop()

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command of Sightline on this instance and return its standard output."""
        done = subprocess.run(
            (sys.executable, "-m", "sightline", *arguments, "--data", str(self.data)),
            capture_output=True, text=True, timeout=300, env=self._environment, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def token(self, role: str = "operator") -> str:
        if role not in self._tokens:
            self._tokens[role] = self.run(
                "user", "add", f"test-{role}", "--role", role
            ).splitlines()[-1]
        return self._tokens[role]

    def get(self, path: str, role: str = "operator", **parameters: Any) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.token(role)}", **REASON}
        return self._http.get(
            f"http://127.0.0.1:{self.port}{path}", params=parameters, headers=sent
        )

    def events(self, **parameters: Any) -> list[dict[str, Any]]:
        """Return all events of the API, through all pages; none while it does not respond."""
        found: list[dict[str, Any]] = []
        following: str | None = None
        while True:
            try:
                answer = self.get(
                    "/v1/events",
                    **parameters,
                    limit=100,
                    **({} if following is None else {"next": following}),
                )
            except httpx.TransportError:
                return []
            if answer.status_code != 200:
                return []
            body = answer.json()
            found += body["items"]
            following = body["next"]
            if following is None:
                return found

    def pid(self, *words: str) -> int:
        """Return the child process whose command line has all of `words`."""
        assert self._process is not None
        for child in descendants(self._process.pid):
            with contextlib.suppress(OSError):
                line = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                if all(word in line for word in words):
                    return child
        pytest.fail(f"no child process with {words}")

    @contextlib.contextmanager
    def media_process(self) -> Iterator[None]:
        """Let the media process run: it starts when an API process connects."""
        with socket.socket(socket.AF_UNIX) as api:
            api.settimeout(PATIENCE_S)
            with address_of(self.layout.media_socket) as address:
                api.connect(address)
            asked = ReadSession(request="1", session="none", owner="ada", camera="gate")
            api.sendall(written(asked))
            assert api.recv(1), "it answers"
            yield

    def kill(self, *words: str) -> None:
        os.kill(self.pid(*words), signal.SIGKILL)

    @contextlib.contextmanager
    def unsupervised(self) -> Iterator[None]:
        """Let no process be started again meanwhile."""
        os.kill(self.process_id, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process_id, signal.SIGCONT)

    def kill_whole(self) -> None:
        """Kill all processes at once, as when the machine loses its power."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)  # so that it starts no further process
        pids = [self._process.pid, *descendants(self._process.pid)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self._process.wait(PATIENCE_S) == -signal.SIGKILL
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        wait_for("end of all processes", lambda: not any(map(is_running, pids)))

    @property
    def layout(self) -> Layout:
        return Layout(self.data)

    @property
    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid


def descendants(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            children += [int(child), *descendants(int(child))]
    return children


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def have_clips(site: Site) -> bool:
    """Return whether every event has its clip; False while the site does not respond."""
    events = site.events()
    return bool(events) and all(event["clip_ready"] for event in events)


class FirstSeen:
    """Requests events repeatedly in the background, and stores when each was first returned."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stop = threading.Event()
        self.at_ns: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> FirstSeen:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            for event in self._site.events():
                self.at_ns.setdefault(event["id"], CLOCK.wall_ns())


def camera(
    camera_id: str, url: str, checkpoint: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    """Return a registry entry for a test."""
    entry = {
        "id": camera_id,
        "name": camera_id,
        "class": "A",
        "area": "dan/jun",
        "location": {"lon": 111.5, "lat": 32.5},
        "url": url,
    }
    return entry | ({"checkpoint": checkpoint} if checkpoint else {}) | more


@pytest.fixture
def make_site(tmp_path: Path, models_folder: Path) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(cameras: list[dict[str, Any]], environment: dict[str, str] | None = None) -> Site:
        folder = tmp_path / f"site-{len(sites)}"
        folder.mkdir()
        sites.append(Site(folder, cameras, environment))
        return sites[-1]

    yield make
    for site in sites:
        site.close()
