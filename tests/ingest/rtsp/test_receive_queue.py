"""What arrives between two reads fits into the kernel's receive queue, so that no camera waits."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ingest.rtsp.receive_queue import MOST_WAITING_BYTES, enlarge, most_waiting_bytes
from tests.waiting import wait_for

RTP_BYTES = 1400


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The ends of a camera and of its reader."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        reader = socket.create_connection(server.getsockname())
        camera, _ = server.accept()
        with camera, reader:
            camera.setblocking(False)
            yield camera, reader


def waiting_bytes(reader: socket.socket) -> int:
    (size,) = struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, bytes(4)))
    return int(size)


def test_a_second_of_a_camera_waits_in_the_queue(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    camera, reader = connection
    assert most_waiting_bytes(reader) == MOST_WAITING_BYTES
    enlarge(reader, MOST_WAITING_BYTES)

    def sent_ahead() -> bool:
        with suppress(BlockingIOError):
            while True:
                camera.send(bytes(RTP_BYTES))
        return waiting_bytes(reader) >= MOST_WAITING_BYTES

    wait_for("a second of video in the queue", sent_ahead)


def test_a_read_is_possible_below_the_size_of_the_queue(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    camera, reader = connection
    enlarge(reader, MOST_WAITING_BYTES)
    camera.send(b"one")
    reader.settimeout(5)
    assert reader.recv(MOST_WAITING_BYTES) == b"one"


class WithoutScaling(socket.socket):
    """A socket whose other side does not scale windows, by the kernel's description."""

    def getsockopt(self, level: int, option: int, size: int = 0) -> bytes:  # type: ignore[override]
        info = bytearray(super().getsockopt(level, option, size))
        info[5] &= ~4
        return bytes(info)


def test_without_window_scaling_less_may_wait_than_the_window_holds(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    with WithoutScaling(fileno=connection[1].detach()) as reader:
        assert most_waiting_bytes(reader) < 1 << 16
