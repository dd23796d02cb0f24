"""A city on one machine: Valkey, SeaweedFS, any number of nodes and one API. All are processes of
their own, so that each can be killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import httpx

from benchmarks.processes import children_of, descendants_of
from domain.camera_states import CameraStatus
from domain.clock import NS_PER_S, SystemClock
from domain.paths.data_layout import Layout
from sightline.keys.bundle import export_node, read_bundle
from sightline.keys.site_keys import SiteKeys
from sightline.privileges.store_secrets import StoreSecrets, valkey_url
from sightline.processes.child import Child
from sightline.processes.embedded_servers import seaweedfs, valkey
from sightline.processes.ports import free_ports
from sightline.processes.status_file import read_statuses
from storage.clients.redis import connect
from storage.clients.s3 import ObjectStore
from storage.recordings.ledger import Ledger
from storage.site.leases import Lease, Leases

CLOCK = SystemClock()
STOP_WITHIN_S = 60
BUCKET = "sightline"
SECRETS = StoreSecrets("city-valkey-password", "city-access", "city-secret-key", "city-signing-key")


class CityNode:
    """One node's processes and its data folder."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.layout = Layout(folder / name)
        self._log = folder / f"{name}.log"
        self._environment = {**environment, "SIGHTLINE_NODE": name}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = (sys.executable, "-m", "sightline", "node", "--data", str(self.layout.root))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)

    def kill(self) -> None:
        """`kill -9` of all its processes, as when the machine loses its power."""
        assert self._process is not None
        pids = [self._process.pid, *children_of(self._process.pid)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> int:
        """As an operator does: its cameras are handed over first. How it ended."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(STOP_WITHIN_S)
        self._process = None
        return code

    @property
    def runs(self) -> bool:
        return self._process is not None

    def statuses(self) -> dict[str, CameraStatus]:
        """What its workers last said, by camera; nothing while it does not run."""
        return (
            {status.camera_id: status for status in read_statuses(self.layout)} if self.runs else {}
        )

    def log_tail(self) -> str:
        return self._log.read_text("utf-8", "replace")[-4000:]


class City:
    """`with City(folder, cameras, ("north", "south")) as city:` - all of it serves when the
    block begins.
    """

    def __init__(
        self,
        folder: Path,
        cameras: Sequence[Mapping[str, object]],
        nodes: Sequence[str],
        workers: int = 1,
        redis_url: str = "",
    ) -> None:
        """`cameras`: entries of a registry. `workers`: of each node. `redis_url`: a Redis that
        serves already, in place of its own.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.cameras = tuple(str(camera["id"]) for camera in cameras)
        areas = {str(camera["area"]): {"name": str(camera["area"])} for camera in cameras}
        self.registry = folder / "camera_registry.yaml"
        self.registry.write_text(
            json.dumps({"version": 1, "areas": areas, "cameras": list(cameras)}), "utf-8"
        )
        valkey_port, s3_port, self.port = free_ports(3)
        self.valkey = Child(
            valkey(folder / "valkey", valkey_port, SECRETS, folder / "valkey.log"), CLOCK
        )
        self.seaweedfs = Child(
            seaweedfs(folder / "seaweedfs", s3_port, SECRETS, folder / "seaweedfs.log"), CLOCK
        )
        self._servers = (self.seaweedfs,) if redis_url else (self.valkey, self.seaweedfs)
        self._url = redis_url or valkey_url(valkey_port, SECRETS)
        self._environment = {
            **os.environ,
            "SIGHTLINE_REDIS_URL": self._url,
            "SIGHTLINE_S3_ENDPOINT": f"127.0.0.1:{s3_port}",
            "SIGHTLINE_S3_ACCESS_KEY": SECRETS.s3_access_key,
            "SIGHTLINE_S3_SECRET_KEY": SECRETS.s3_secret_key,
            "SIGHTLINE_WORKERS": str(workers),
            # One person at one address sends the requests of all operators.
            "SIGHTLINE_ADDRESS_REQUESTS_PER_S": "0",
            "SIGHTLINE_PERSON_REQUESTS_PER_S": "0",
        }
        self.nodes = {name: CityNode(name, folder, self._environment) for name in nodes}
        self.redis = connect(self._url)
        self.objects = ObjectStore(
            f"127.0.0.1:{s3_port}", SECRETS.s3_access_key, SECRETS.s3_secret_key, BUCKET
        )
        self._api_data = folder / "api"
        self._api: subprocess.Popen[bytes] | None = None
        self._token = ""

    def __enter__(self) -> City:
        for server in self._servers:
            server.start()
        for server in self._servers:
            server.wait_ready()
        self._api_data.mkdir(exist_ok=True)
        self._distribute_keys()
        self.run("cameras", "apply", str(self.registry))
        for node in self.nodes.values():
            node.start()
        command = (
            sys.executable,
            "-m",
            "sightline",
            "api",
            "--data",
            str(self._api_data),
            "--port",
            str(self.port),
            "--host",
            "127.0.0.1",
        )
        with (self.folder / "api.log").open("ab") as log:
            self._api = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment)
        self._token = self.run("user", "add", "tester", "--role", "investigator").splitlines()[-1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for node in self.nodes.values():
            if node.runs:
                node.kill()
        if self._api is not None:
            self._api.send_signal(signal.SIGTERM)
            self._api.wait(STOP_WITHIN_S)
        self.redis.close()
        for server in reversed(self._servers):
            server.stop()

    def api_pids(self) -> list[int]:
        """The processes of the API, its supervisor included."""
        assert self._api is not None
        return [self._api.pid, *descendants_of(self._api.pid)]

    def _distribute_keys(self) -> None:
        """Make the site's root on the API's machine, and give each node its bundle."""
        keys = SiteKeys(Layout(self._api_data).keys, CLOCK)
        keys.ensure("api")
        for name, node in self.nodes.items():
            bundle = export_node(keys, self.folder / "bundles", name)
            SiteKeys(node.layout.keys, CLOCK).adopt(*read_bundle(bundle))

    def run(self, *arguments: str) -> str:
        """A command of Sightline on this city; its standard output. Raises RuntimeError where
        it fails.
        """
        command = (sys.executable, "-m", "sightline", *arguments, "--data", str(self._api_data))
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=self._environment, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return httpx.get(
            f"http://127.0.0.1:{self.port}{path}",
            params=parameters,
            headers=self.headers,
            timeout=30,
            trust_env=False,
        )

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "X-Reason": "test"}

    def leases(self) -> dict[str, Lease]:
        """Who holds each camera."""
        return Leases(self.redis).held(self.cameras)

    def held_by(self, name: str) -> set[str]:
        return {camera_id for camera_id, lease in self.leases().items() if lease.node == name}

    def recorded_until_s(self, camera_id: str) -> float:
        """Wall time in seconds up to which a node that runs has recorded a camera; 0 where none
        has.
        """
        known = [node.statuses().get(camera_id) for node in self.nodes.values()]
        return max((status.recorded_until_ns for status in known if status), default=0) / NS_PER_S

    def all_record(self, since_s: float) -> bool:
        """Whether every camera is recorded beyond `since_s` (wall time) by a node that runs."""
        return all(self.recorded_until_s(camera_id) > since_s for camera_id in self.cameras)

    def longest_gap_s(self, camera_id: str, from_s: float = 0.0) -> float:
        """The longest hole after `from_s` (wall time) in what all nodes together recorded of a
        camera, once their segments are finished.
        """
        from_ns = round(from_s * NS_PER_S)
        ledgers = [Ledger(node.layout.recordings) for node in self.nodes.values()]
        segments = [
            segment
            for ledger in ledgers
            for segment in ledger.segments(camera_id, from_ns, 1 << 62)
        ]
        until_ns, longest_ns = from_ns, 0
        for start_ns, end_ns in sorted(
            (segment.start_ns, segment.end_ns or segment.start_ns) for segment in segments
        ):
            longest_ns = max(longest_ns, start_ns - max(until_ns, from_ns)) if until_ns else 0
            until_ns = max(until_ns, end_ns)
        return longest_ns / NS_PER_S


def until(what: str, holds: Callable[[], object], within_s: float) -> float:
    """Wait until `holds`; after how many seconds it did. Raises TimeoutError, naming `what`."""
    since_s = CLOCK.monotonic_s()
    while not holds():
        if CLOCK.monotonic_s() - since_s > within_s:
            raise TimeoutError(f"no {what} after {within_s:.0f} s")
        CLOCK.sleep(0.1)
    return CLOCK.monotonic_s() - since_s
