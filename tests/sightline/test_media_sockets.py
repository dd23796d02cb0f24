"""A port of WebRTC that cannot be used is an error at the start, before a viewer comes."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from domain.errors import SightlineError
from domain.paths.data_layout import Layout
from sightline.media_sockets import media_sockets


def test_a_port_in_use_is_explained(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with (
            pytest.raises(SightlineError, match=f"UDP port {port} .*SIGHTLINE_WEBRTC_PORT"),
            media_sockets(Layout(tmp_path), "127.0.0.1", port),
        ):
            pass
