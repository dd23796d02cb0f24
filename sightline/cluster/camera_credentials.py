"""The credentials of cameras: the node reads them, and each worker receives those of its cameras.

A worker has neither the secrets file nor the variables. So a compromised worker cannot log in to
the cameras of another one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from domain.paths.data_layout import Layout
from domain.registry import Camera, Credentials, Secrets
from domain.registry.secrets import load_secrets
from sightline.cluster.site_registry import secrets_path
from sightline.processes.message_pipe import MessagePipe, MessageReader

_log = logging.getLogger(__name__)


class _Sent(BaseModel):
    """One entry of a message. The password is plain text, because it is sent as JSON."""

    user: str
    password: str


_MESSAGE = TypeAdapter(dict[str, _Sent])


class CameraSecrets:
    """The secrets file and the variables of this machine. The file is read after each change."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._secrets: Secrets | None = None
        self._seen: tuple[int, ...] = ()

    def now(self) -> Secrets:
        """Return the credentials. While a changed file has faults, those before stay in use."""
        file = secrets_path(None, self._layout)
        seen = _state_of(file)
        if self._secrets is None or seen != self._seen:
            self._seen = seen
            secrets, faults = load_secrets(file, os.environ)
            for fault in faults:
                _log.error("%s", fault)
            if faults and self._secrets is not None:
                _log.error("the credentials of cameras remain as they were until this is corrected")
            else:
                self._secrets = secrets
        return self._secrets


def _state_of(file: Path) -> tuple[int, ...]:
    """Return values that differ between two states of a file; none if there is no file."""
    try:
        stat = file.stat()
    except OSError:
        return ()
    return stat.st_mtime_ns, stat.st_ino, stat.st_size, stat.st_mode


class CredentialSender:
    """Sends each worker the credentials of its cameras."""

    def __init__(self, layout: Layout, pipes: Mapping[int, MessagePipe]) -> None:
        """`pipes` has the pipe of each worker by number."""
        self._secrets = CameraSecrets(layout)
        self._pipes = pipes

    def send(self, worker: int, cameras: Sequence[Camera]) -> None:
        """Send the credentials of `cameras`, and no others, if they differ from the last ones."""
        secrets = self._secrets.now()
        names = sorted({camera.credentials for camera in cameras if camera.credentials})
        known = {name: found for name in names if (found := secrets.get(name)) is not None}
        sent = {
            name: _Sent(user=one.user, password=one.password.get_secret_value())
            for name, one in known.items()
        }
        self._pipes[worker].send(_MESSAGE.dump_json(sent))


class CredentialReader:
    """Receives the credentials in a worker."""

    def __init__(self, messages: MessageReader) -> None:
        self._messages = messages

    def changed(self) -> Secrets | None:
        """Return the credentials if they arrived since the last call, otherwise None."""
        message = self._messages.newest()
        if message is None:
            return None
        received = _MESSAGE.validate_json(message)
        return Secrets.of(
            {name: Credentials.of(one.user, one.password) for name, one in received.items()}
        )
