"""One instance of a benchmark: `sightline up` as a person starts it, with requests over HTTP. Its
processes are found by their command lines.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from benchmarks.processes import children_of, command_line
from domain.clock import SystemClock
from domain.events.event import Event
from domain.paths.data_layout import Layout
from domain.people import Right, Role
from sightline.processes.ports import free_ports

CLOCK = SystemClock()
STOP_WITHIN_S = 60
RUN_WITHIN_S = 120.0


class BenchSite:
    def __init__(
        self,
        folder: Path,
        registry: dict[str, object],
        environment: dict[str, str] | None = None,
        host: str = "127.0.0.1",
        checkout: Path | None = None,
    ) -> None:
        """`folder` is made; the instance's data are under it. `host` is where the API listens.
        `checkout` has the code of the instance, if it is not this one.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.layout = Layout(folder / "data")
        self._registry = folder / "camera_registry.yaml"
        self._registry.write_text(json.dumps(registry, ensure_ascii=False), "utf-8")
        self._log = folder / "up.log"
        self._host = host
        (self.port,) = free_ports(1)
        self.url = f"http://{host}:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self._checkout = checkout
        self._environment = environment
        if checkout is not None:
            self._environment = {**(environment or os.environ), "PYTHONPATH": str(checkout)}
        self._http = httpx.Client(
            timeout=15, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        """One for all questions: to make a client takes longer than to be answered. It keeps no
        connection: the site is killed at times.
        """

    def start(self) -> None:
        """Begin `up`; `answers` says whether it serves."""
        arguments = (
            "--registry",
            self._registry,
            "--data",
            self.layout.root,
            "--port",
            self.port,
            "--host",
            self._host,
            "--allow-plain-http",
        )
        command = (sys.executable, "-m", "sightline", "up", *map(str, arguments))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self._environment, cwd=self._checkout
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End `up` by a signal; how it ended."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(STOP_WITHIN_S)

    def close(self) -> None:
        self._http.close()
        if self._process is not None and self._process.poll() is None:
            self.stop()

    @property
    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    def pids(self, *words: str) -> list[int]:
        """The children whose command lines hold all of `words`."""
        assert self._process is not None
        found = []
        for pid in children_of(self._process.pid):
            with suppress(OSError):
                if all(word in command_line(pid) for word in words):
                    found.append(pid)
        return found

    def run(self, *arguments: str, within_s: float = RUN_WITHIN_S) -> tuple[int, str]:
        """A command of Sightline on this instance: exit code and what it printed. Raises
        subprocess.TimeoutExpired.
        """
        command = (sys.executable, "-m", "sightline", *arguments, "--data", str(self.layout.root))
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
            env=self._environment,
            cwd=self._checkout,
        )
        return done.returncode, done.stdout + done.stderr

    def sign_in(self, role: Role = Role.INVESTIGATOR, *grants: Right) -> None:
        """Add a person whose token the requests have. Raises RuntimeError if that fails."""
        granted = [word for right in grants for word in ("--grant", right)]
        code, said = self.run("user", "add", "benchmark", "--role", role, *granted)
        if code:
            raise RuntimeError(said)
        self._token = said.splitlines()[-1]

    def answers(self) -> bool:
        try:
            return self._http.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def check_runs(self) -> None:
        """Raise RuntimeError with the end of the log if the instance has ended."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(self._log.read_text("utf-8", "replace")[-2000:])

    def events(self, **filters: str) -> list[Event] | None:
        """All events that match the filters of a search, oldest first; None where the site does
        not answer just now.
        """
        found: list[Event] = []
        query = {"limit": "100", "order": "oldest", **filters}
        while True:
            answer = self.get("/v1/events", **query)
            if answer is None or answer.status_code != 200:
                return None
            page = answer.json()
            found += [_event(item) for item in page["items"]]
            if page["next"] is None:
                return found
            query["next"] = page["next"]

    def newest(self, limit: int = 100) -> list[Event]:
        """The newest events; none where the site does not answer just now."""
        answer = self.get("/v1/events", limit=str(limit))
        return (
            [_event(item) for item in answer.json()["items"]]
            if answer is not None and answer.status_code == 200
            else []
        )

    def get(self, path: str, **query: str) -> httpx.Response | None:
        """Send a request with a token; return None where the site does not respond.

        Raises RuntimeError where the person lacks the right: such an answer measures nothing.
        """
        try:
            answer = self._http.get(self.url + path, params=query, headers=self.headers)
        except httpx.TransportError:
            return None
        if answer.status_code == httpx.codes.FORBIDDEN:
            raise RuntimeError(f"{path} is refused: {answer.text}")
        return answer

    def request(self, path: str) -> bytes:
        """A GET by the signed-in person as bytes, for a socket that does not read the answer."""
        lines = [f"GET {path} HTTP/1.1", f"Host: {self._host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join((*lines, "", "")).encode()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "X-Reason": "benchmark"}

    def processes_left(self) -> list[str]:
        """Command lines of processes that name this data folder."""
        left = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if (
                    entry.name.isdecimal()
                    and int(entry.name) != os.getpid()
                    and str(self.layout.root) in command_line(int(entry.name))
                ):
                    left.append(command_line(int(entry.name)))
        return left


def _event(item: dict[str, object]) -> Event:
    known = {name: value for name, value in item.items() if name in _FIELDS and value is not None}
    return Event.model_validate(known)


_FIELDS = {field.alias or name for name, field in Event.model_fields.items()}
