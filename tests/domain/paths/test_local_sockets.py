"""Local sockets: each has a path with rights, however long that is, and no abstract name."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.paths.local_sockets import address_of, is_ours, listening, start_server

OTHER_USER = 65534
CONNECT = f"""
import os, socket
os.setgroups([])
os.setgid({OTHER_USER})
os.setuid({OTHER_USER})
socket.socket(socket.AF_UNIX).connect("sessions")
"""


def descriptors() -> list[str]:
    return sorted(one.name for one in Path("/proc/self/fd").iterdir())


@pytest.fixture
def long_path() -> Iterator[Path]:
    """The path of a socket in a folder that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        folder = Path(name) / ("f" * 120)
        folder.mkdir(mode=0o755)
        yield folder / "sessions"


def test_a_socket_with_a_long_path_is_on_the_disk_and_can_be_used(long_path: Path) -> None:
    with listening(long_path, 8) as listener, socket.socket(socket.AF_UNIX) as client:
        with address_of(long_path) as address:
            client.connect(address)
        accepted, _ = listener.accept()
        with accepted:
            assert is_ours(accepted)
            assert is_ours(client)
        mode = long_path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    with listening(long_path, 8):
        """It takes the place of the former one."""


def test_no_descriptor_stays_open(long_path: Path) -> None:
    before = descriptors()
    with listening(long_path, 8), address_of(long_path):
        assert len(descriptors()) == len(before) + 2
    assert descriptors() == before


@pytest.mark.parametrize("is_long", [True, False])
def test_the_path_stays_when_a_server_of_the_socket_closes(long_path: Path, is_long: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def serve_and_close(listener: socket.socket) -> None:
        server = await start_server(serve, listener)
        server.close()
        await server.wait_closed()

    path = long_path if is_long else long_path.parent.parent / "sessions"
    with listening(path, 8) as listener:
        asyncio.run(serve_and_close(listener.dup()))
        assert path.is_socket()
        with socket.socket(socket.AF_UNIX) as client, address_of(path) as address:
            client.connect(address)


def test_the_folder_of_a_long_path_must_exist(long_path: Path) -> None:
    with pytest.raises(FileNotFoundError), address_of(long_path.parent / "absent" / "sessions"):
        """Not reached."""


@pytest.mark.parametrize("is_long", [True, False])
def test_another_user_cannot_connect(long_path: Path, is_long: bool) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can run a process as another user")
    path = long_path if is_long else long_path.parent.parent / "sessions"
    with listening(path, 8) as listener:
        other = subprocess.run(
            [sys.executable, "-I", "-c", CONNECT],
            cwd=path.parent, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "PermissionError" in other.stderr
        with pytest.raises(BlockingIOError):
            listener.accept()
