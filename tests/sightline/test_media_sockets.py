"""The sockets of the media process: a port that cannot be used, and a process that cannot start."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.webrtc.client import MediaClient
from domain.clock import SystemClock
from domain.errors import SightlineError, StoreError
from domain.paths.data_layout import Layout
from sightline.media_sockets import media_sockets
from sightline.processes.child import ChildSpec
from sightline.processes.supervisor import Supervisor

CLOCK = SystemClock()
TRIES = 8


def test_a_port_in_use_is_explained(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with (
            pytest.raises(SightlineError, match=f"UDP port {port} .*SIGHTLINE_WEBRTC_PORT"),
            media_sockets(Layout(tmp_path), "127.0.0.1", port),
        ):
            pass


def test_a_viewer_learns_at_once_that_the_process_ends_at_each_start(tmp_path: Path) -> None:
    """Its connection is open from the start, so it would otherwise wait for the answer."""
    layout, stop, starts = Layout(tmp_path), threading.Event(), tmp_path / "starts"

    async def tries() -> list[str]:
        client, sentences = MediaClient(layout.media_socket), []
        for _ in range(TRIES):
            with pytest.raises(StoreError) as refused:
                await (await client.link()).read("none", "ada", "gate")
            sentences.append(str(refused.value))
        await client.close()
        return sentences

    def view() -> list[str]:
        try:
            return asyncio.run(tries())
        finally:
            stop.set()

    with (
        media_sockets(layout, "127.0.0.1", 0) as sockets,
        ThreadPoolExecutor(1) as threads,
    ):
        media = ChildSpec(
            "media",
            ("/bin/sh", "-c", f"echo start >> {starts}; exit 3"),
            tmp_path / "log",
            is_wanted=sockets.has_connection,
            ends_when_idle=True,
            refuse_waiting=sockets.refuse_waiting,
            sockets=sockets.descriptors,
        )
        supervisor = Supervisor([[media]], CLOCK)
        supervisor.start(stop, lambda _: None)
        viewer = threads.submit(view)
        supervisor.run(stop)
        supervisor.stop()
    assert all("ended before it answered" in one for one in viewer.result()), (
        "no try waited for an answer that cannot come"
    )
    assert len(starts.read_text().split()) <= TRIES, "and no try starts it before its time"
