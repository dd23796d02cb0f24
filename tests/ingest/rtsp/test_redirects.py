"""Redirects of a camera are followed within the networks of the registry only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from domain.errors import SourceUnreachable
from simulator import SimCamera, Simulator
from tests.ingest.conftest import MakeSource, Puller


def test_a_redirect_is_followed_within_the_networks(
    clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with (
        Simulator([SimCamera("gate", clips["h264"], mode="on_play")]) as sim,
        redirecting(sim.url("gate")) as url,
    ):
        got = pull(source_of(url), most=5)
    assert len(got.packets) == 5


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("rtsp://192.0.2.1/x", "outside `networks`"),
        ("http://127.0.0.1/x", "redirects"),
        ("rtsp://[oh", "none"),
        (None, "redirects"),
    ],
)
def test_a_redirect_is_not_followed_out_of_the_networks_or_in_circles(
    to: str | None, why: str, source_of: MakeSource, pull: Puller
) -> None:
    with redirecting(to) as url:
        got = pull(source_of(url))
    assert isinstance(got.error, SourceUnreachable)
    assert why in str(got.error)


def test_libavformat_follows_no_redirect(
    clips: dict[str, Path], source_of: MakeSource, pull: Puller
) -> None:
    with (
        Simulator([SimCamera("gate", clips["h264"], mode="on_play")]) as sim,
        redirecting(sim.url("gate")) as url,
    ):
        got = pull(source_of(url, "libavformat"), most=5)
    assert got.packets == []
    assert "redirects" in str(got.error)


@contextmanager
def redirecting(to: str | None) -> Iterator[str]:
    """The address of a camera that sends its callers elsewhere; None: to itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/x"
        threading.Thread(target=_redirect, args=(server, to or url), daemon=True).start()
        yield url
        server.shutdown(socket.SHUT_RDWR)


def _redirect(server: socket.socket, to: str) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                while request := connection.recv(4096):
                    number = request.split(b"CSeq:")[1].split()[0].decode()
                    connection.sendall(
                        f"RTSP/1.0 302 Moved\r\nCSeq: {number}\r\nLocation: {to}\r\n\r\n".encode()
                    )
