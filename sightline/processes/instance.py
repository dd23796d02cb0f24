"""One data folder: who may run on it, its secrets, and how other commands find the running
instance.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from domain.clock import Clock
from domain.errors import InstanceBusy
from domain.paths.data_layout import Layout
from domain.settings import Settings
from domain.stored_model import StoredModel
from sightline.processes.embedded_servers import StoreSecrets, valkey_url
from sightline.processes.private_files import make_private, write_atomically

_log = logging.getLogger(__name__)


class Runtime(StoredModel):
    """Where a running instance listens; every port is on loopback but the API's."""

    pid: int
    api_port: int
    door_port: int
    valkey_port: int | None
    s3_port: int | None
    secrets_file: str = ""
    """Where its processes find the cameras' passwords; never what they are."""


class InstanceSecrets(StoredModel):
    valkey_password: str
    s3_access_key: str
    s3_secret_key: str
    seaweedfs_signing_key: str
    door_key: str

    @property
    def stores(self) -> StoreSecrets:
        return StoreSecrets(
            self.valkey_password, self.s3_access_key, self.s3_secret_key, self.seaweedfs_signing_key
        )


ORPHANS_END_WITHIN_S = 40.0
"""Longer than the slowest child may take to stop."""
DYING_S = 1.0
"""A holder that was killed a moment ago may still be there."""
_POLL_S = 0.1


@contextmanager
def claimed(layout: Layout, clock: Clock, stop: threading.Event | None = None) -> Iterator[int]:
    """Hold the data folder for this process, and for all that inherit the descriptor: two servers
    on one folder would ruin it.

    Where the holder was killed, its children are waited for, until `stop`. Raises InstanceBusy,
    naming the holder, where another one runs on the folder.
    """
    layout.root.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+") as lock:
        _lock(lock, layout, clock, stop or threading.Event())
        make_private(layout)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock.fileno()
        _remove_runtime(layout)


def _remove_runtime(layout: Layout) -> None:
    """What is left of it harms nobody: a reader asks for the lock too."""
    try:
        layout.runtime.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s cannot be removed: %s", layout.runtime, error)


def _lock(lock: TextIO, layout: Layout, clock: Clock, stop: threading.Event) -> None:
    since_s = clock.monotonic_s()
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip()
            patience_s = DYING_S if _lives(holder) else ORPHANS_END_WITHIN_S
            if clock.monotonic_s() - since_s > patience_s or clock.wait(stop, _POLL_S):
                raise InstanceBusy(
                    f"another Sightline (process {holder or 'unknown'}, or what it started) runs "
                    f"on {layout.root}; "
                    "stop it first, or give another --data folder"
                ) from error


def _lives(process_id: str) -> bool:
    """Whether the process is there and runs: one that was killed may lie about until its parent
    asks how it ended.
    """
    try:
        return (
            process_id.isdecimal()
            and Path(f"/proc/{process_id}/stat").read_text().rpartition(") ")[2][0] != "Z"
        )
    except OSError:
        return False


def instance_secrets(layout: Layout) -> InstanceSecrets:
    """The instance's own passwords, drawn at random the first time; nobody else on the machine
    can read the file.
    """
    if layout.secrets.exists():
        return InstanceSecrets.model_validate_json(layout.secrets.read_text())
    made = InstanceSecrets(
        **{name: secrets.token_urlsafe(24) for name in InstanceSecrets.model_fields}
    )
    write_atomically(layout.secrets, made.model_dump_json())
    return made


def door_key(settings: Settings, layout: Layout) -> bytes:
    """What API and nodes sign with: the site's, or, where all of it is on this machine, the
    instance's own.
    """
    return (
        settings.door_key.get_secret_value()
        if settings.door_key
        else instance_secrets(layout).door_key
    ).encode()


def runtime_of(layout: Layout) -> Runtime | None:
    """The running instance, or None where none runs (a file left by a killed one is told apart
    by its lock).
    """
    try:
        text = layout.runtime.read_text()
    except FileNotFoundError:
        return None
    return Runtime.model_validate_json(text) if _is_held(layout.lock) else None


def has_own_store(layout: Layout) -> bool:
    """Whether the running instance's object store is its own, on this disk: then what lies on
    the disk lies in it only if it must.
    """
    runtime = runtime_of(layout)
    return runtime is not None and runtime.s3_port is not None


def store_environment(
    layout: Layout, valkey_port: int | None, s3_port: int | None
) -> dict[str, str]:
    """The settings that lead a child process to the instance's own servers; a port of None
    leaves the site's setting alone.
    """
    own = instance_secrets(layout)
    environment: dict[str, str] = {}
    if valkey_port is not None:
        environment["SIGHTLINE_REDIS_URL"] = valkey_url(valkey_port, own.stores)
    if s3_port is not None:
        environment |= {
            "SIGHTLINE_S3_ENDPOINT": f"127.0.0.1:{s3_port}",
            "SIGHTLINE_S3_ACCESS_KEY": own.s3_access_key,
            "SIGHTLINE_S3_SECRET_KEY": own.s3_secret_key,
            "SIGHTLINE_S3_SECURE": "0",
        }
    return environment


def publish(layout: Layout, runtime: Runtime) -> None:
    write_atomically(layout.runtime, json.dumps(runtime.model_dump()))


def _is_held(lock: Path) -> bool:
    try:
        with lock.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
