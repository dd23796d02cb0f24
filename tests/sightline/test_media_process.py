"""The media process serves the sockets of the supervisor until it is stopped or nobody needs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.webrtc.messages import ReadSession, written
from domain.paths.data_layout import Layout
from domain.paths.local_sockets import address_of
from sightline.forking.served_sockets import ServedSockets, naming
from sightline.media_sockets import media_sockets
from tests.waiting import PATIENCE_S


@pytest.fixture
def sockets(tmp_path: Path) -> Iterator[ServedSockets]:
    with media_sockets(Layout(tmp_path), "127.0.0.1", 0) as opened:
        yield opened


def _started(
    folder: Path, sockets: ServedSockets, idle_s: float = 60.0, **environment: str
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sightline.media_process", "--data", str(folder)]
    return subprocess.Popen(
        [*command, "--idle-s", str(idle_s)],
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=sockets.descriptors,
        env=os.environ | {"SIGHTLINE_CONFINEMENT": "0"} | naming(sockets.descriptors) | environment,
    )


def _served(folder: Path) -> socket.socket:
    """Connect as an API process, and return the connection when the media process has answered."""
    api = socket.socket(socket.AF_UNIX)
    api.settimeout(PATIENCE_S)
    with address_of(Layout(folder).media_socket) as address:
        api.connect(address)
    asked = ReadSession(request="1", session="none", owner="ada", camera="gate")
    api.sendall(written(asked))
    assert api.recv(1), "it serves the connection"
    return api


def test_it_ends_cleanly_while_an_api_process_is_connected(
    tmp_path: Path, sockets: ServedSockets
) -> None:
    with (
        _started(tmp_path, sockets, SIGHTLINE_LOG_LEVEL="WARNING") as process,
        _served(tmp_path),
    ):
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, said) == (0, "")


def test_it_ends_when_nobody_is_connected_and_the_next_one_serves_a_later_connection(
    tmp_path: Path, sockets: ServedSockets
) -> None:
    assert not sockets.has_connection()
    with _started(tmp_path, sockets, idle_s=0.5) as process:
        with _served(tmp_path), pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert f"UDP port {sockets.others[0].getsockname()[1]}" in said
    assert "until a viewer needs it" in said
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(str(Layout(tmp_path).media_socket))
        assert sockets.has_connection()
        with _started(tmp_path, sockets) as process, _served(tmp_path):
            assert not sockets.has_connection()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
