"""The media process starts, ends on SIGTERM, and says why it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from api.webrtc.messages import ReadSession, written
from domain.paths.data_layout import Layout
from domain.paths.local_sockets import accepts, address_of
from tests.waiting import PATIENCE_S, wait_for


def _started(folder: Path, port: int, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sightline.media_process", "--data", str(folder)]
    return subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--udp-port", str(port)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"SIGHTLINE_CONFINEMENT": "0"} | environment,
    )


def test_it_serves_until_it_is_stopped(tmp_path: Path) -> None:
    with _started(tmp_path, 0) as process:
        wait_for("the socket", lambda: accepts(Layout(tmp_path).media_socket))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert "WebRTC viewers are served at UDP port" in said


def test_it_ends_cleanly_while_an_api_process_is_connected(tmp_path: Path) -> None:
    path = Layout(tmp_path).media_socket
    with _started(tmp_path, 0, SIGHTLINE_LOG_LEVEL="WARNING") as process:
        wait_for("the socket", lambda: accepts(path))
        with socket.socket(socket.AF_UNIX) as api:
            api.connect(address_of(path))
            asked = ReadSession(request="1", session="none", owner="ada", camera="gate")
            api.sendall(written(asked))
            api.settimeout(PATIENCE_S)
            assert api.recv(1), "it serves the connection"
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, said) == (0, "")


def test_a_port_in_use_is_explained(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with _started(tmp_path, port) as process:
            _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert f"UDP port {port}" in said
    assert "SIGHTLINE_WEBRTC_PORT" in said
