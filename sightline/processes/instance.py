"""The instance on a data folder: its lock, its secrets, and the ports of the running processes."""

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

from pydantic import Field

from domain.clock import Clock
from domain.errors import InstanceBusy
from domain.paths.data_layout import Layout
from domain.settings import Settings
from domain.stored_model import StoredModel
from sightline.privileges.store_secrets import StoreSecrets, valkey_url
from sightline.privileges.store_users import StoreUser
from sightline.processes.private_files import make_private, write_atomically

_log = logging.getLogger(__name__)


class Runtime(StoredModel):
    """The ports of a running instance. All but the API's are on loopback."""

    pid: int
    api_port: int
    node_api_port: int = Field(alias="door_port")
    valkey_port: int | None
    s3_port: int | None
    secrets_file: str = ""
    """The path of the file with the cameras' passwords."""


class InstanceSecrets(StoredModel):
    """The generated passwords and keys of an instance."""

    valkey_password: str
    s3_access_key: str
    s3_secret_key: str
    seaweedfs_signing_key: str

    @property
    def stores(self) -> StoreSecrets:
        return StoreSecrets(
            self.valkey_password, self.s3_access_key, self.s3_secret_key, self.seaweedfs_signing_key
        )


ORPHANS_END_WITHIN_S = 40.0
"""It exceeds the time that the slowest child may take to stop."""
DYING_S = 1.0
"""A holder that was just killed may still exist for this long."""
_POLL_S = 0.1


@contextmanager
def claimed(layout: Layout, clock: Clock, stop: threading.Event | None = None) -> Iterator[int]:
    """Lock the data folder for this process and all that inherit the descriptor.

    Two servers on one folder would damage it. If the earlier holder was killed, wait for its
    children, until `stop` is set. Raises InstanceBusy, which names the holder.
    """
    layout.root.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+") as lock:
        _lock(lock, layout, clock, stop or threading.Event())
        move_older_files(layout)
        make_private(layout)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock.fileno()
        _remove_runtime(layout)


def move_older_files(layout: Layout) -> None:
    """Move the files of an older version to where they are now; no instance may be running.

    If a file exists at both places, an older version ran meanwhile, and the newer one is kept.
    """
    for former, present in layout.moved_files:
        if not former.is_file():
            continue
        present.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if present.exists() and present.stat().st_mtime_ns >= former.stat().st_mtime_ns:
            former.unlink()
        else:
            former.replace(present)


def _remove_runtime(layout: Layout) -> None:
    """Remove the runtime file. A remaining file does no harm: readers also check the lock."""
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
                    "another Sightline (process {reason}, or what it started) "
                    "runs on {root}; stop it first, or give another --data "
                    "folder",
                    reason=holder or "unknown",
                    root=layout.root,
                ) from error


def _lives(process_id: str) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return (
            process_id.isdecimal()
            and Path(f"/proc/{process_id}/stat").read_text().rpartition(") ")[2][0] != "Z"
        )
    except OSError:
        return False


def instance_secrets(layout: Layout) -> InstanceSecrets:
    """Return the instance's passwords and keys; the first call generates them.

    No other user of the machine can read their file.
    """
    if layout.secrets.exists():
        return InstanceSecrets.model_validate_json(layout.secrets.read_text())
    generated = InstanceSecrets(
        **{name: secrets.token_urlsafe(24) for name in InstanceSecrets.model_fields}
    )
    write_atomically(layout.secrets, generated.model_dump_json(by_alias=True))
    return generated


def runtime_of(layout: Layout) -> Runtime | None:
    """Return the running instance; None where none runs.

    The lock shows whether the file belongs to a running instance or to one that was killed.
    """
    try:
        text = layout.runtime.read_text()
    except FileNotFoundError:
        return None
    return Runtime.model_validate_json(text) if _is_held(layout.lock) else None


def has_own_store(layout: Layout) -> bool:
    """Return whether the object store of the running instance is embedded, on this disk.

    Recordings are then not also stored in the object store.
    """
    runtime = runtime_of(layout)
    return runtime is not None and runtime.s3_port is not None


def store_environment(
    layout: Layout, valkey_port: int | None, s3_port: int | None, user: StoreUser
) -> dict[str, str]:
    """Return the settings that connect a child process to the embedded servers as `user`.

    A port of None leaves the site's setting unchanged.
    """
    own = instance_secrets(layout)
    environment: dict[str, str] = {}
    if valkey_port is not None:
        environment["SIGHTLINE_REDIS_URL"] = valkey_url(valkey_port, own.stores, user)
    if s3_port is not None:
        access_key, secret_key = own.stores.s3_credentials(user)
        environment |= {
            "SIGHTLINE_S3_ENDPOINT": f"127.0.0.1:{s3_port}",
            "SIGHTLINE_S3_ACCESS_KEY": access_key,
            "SIGHTLINE_S3_SECRET_KEY": secret_key,
            "SIGHTLINE_S3_SECURE": "0",
        }
    return environment


def complete_settings(
    settings: Settings, runtime: Runtime | None, secrets: InstanceSecrets
) -> Settings:
    """Return the settings, completed with the embedded servers where the site has none."""
    completed = settings.model_dump()
    if runtime is not None and settings.redis_url is None and runtime.valkey_port is not None:
        completed["redis_url"] = valkey_url(runtime.valkey_port, secrets.stores, StoreUser.COMMANDS)
    if runtime is not None and settings.s3_endpoint is None and runtime.s3_port is not None:
        access_key, secret_key = secrets.stores.s3_credentials(StoreUser.COMMANDS)
        completed |= {
            "s3_endpoint": f"127.0.0.1:{runtime.s3_port}",
            "s3_access_key": access_key,
            "s3_secret_key": secret_key,
            "s3_secure": False,
        }
    return Settings(**completed)


def publish(layout: Layout, runtime: Runtime) -> None:
    """Write the runtime file, by which commands find the instance."""
    write_atomically(layout.runtime, json.dumps(runtime.model_dump(by_alias=True)))


def _is_held(lock: Path) -> bool:
    try:
        with lock.open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
