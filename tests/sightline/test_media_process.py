"""The media process starts, ends on SIGTERM, and says why it cannot start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from domain.paths.data_layout import Layout
from domain.paths.local_sockets import accepts
from tests.waiting import PATIENCE_S, wait_for


def _started(folder: Path, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sightline.media_process", "--data", str(folder)]
    return subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--udp-port", str(port)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"SIGHTLINE_CONFINEMENT": "0"},
    )


def test_it_serves_until_it_is_stopped(tmp_path: Path) -> None:
    with _started(tmp_path, 0) as process:
        wait_for("the socket", lambda: accepts(Layout(tmp_path).media_socket))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert "WebRTC viewers are served at UDP port" in said


def test_a_port_in_use_is_explained(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with _started(tmp_path, port) as process:
            _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert f"UDP port {port}" in said
    assert "SIGHTLINE_WEBRTC_PORT" in said
