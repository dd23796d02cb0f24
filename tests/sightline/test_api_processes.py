"""Several processes of the API on one port."""

from __future__ import annotations

import os
import selectors
import socket
from pathlib import Path

import pytest

from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.api_process import UNREAD_S, listening
from sightline.media_sockets import media_sockets
from sightline.processes.ports import free_ports
from sightline.processes.process_plan import MOST_API_PROCESSES, ApiListener, Parts, api_names, plan

ALONE, WITH_WORKERS = (
    Parts(servers=False, node=False, api=True),
    Parts(servers=True, node=True, api=True),
)
CONNECTIONS = 64


def test_an_api_without_workers_has_a_process_for_each_core() -> None:
    cores = len(os.sched_getaffinity(0))
    assert len(api_names(Settings(api_processes=0), ALONE)) == min(cores, MOST_API_PROCESSES)
    assert api_names(Settings(api_processes=0), WITH_WORKERS) == ["api"]
    assert api_names(Settings(api_processes=3), WITH_WORKERS) == ["api", "api-1", "api-2"]


def test_processes_share_no_folder_and_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("SIGHTLINE_API_PROCESSES", "2")
    monkeypatch.setenv("SIGHTLINE_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("SIGHTLINE_S3_ENDPOINT", "127.0.0.1:1")
    layout, listener = Layout(tmp_path), ApiListener("127.0.0.1", port)
    with media_sockets(layout, "127.0.0.1", 0) as sockets:
        *_, group = plan(layout, Settings(), ALONE, listener, sockets).groups
        media, *children = group
        assert media.sockets == sockets.descriptors
    assert media.name == "media"
    assert [child.name for child in children] == ["api", "api-1"]
    assert len({child.log for child in (media, *children)}) == 3
    assert [child.arguments[child.arguments.index("--name") + 1] for child in children] == [
        "api",
        "api-1",
    ]
    assert all("--shared" in child.arguments for child in children)


def test_connections_are_dealt_out_to_all_that_listen_on_a_shared_port() -> None:
    (port,) = free_ports(1)
    listeners = [listening("127.0.0.1", port, is_shared=True) for _ in range(2)]
    clients = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(CONNECTIONS)]
    try:
        assert sum(counts := [_accepted(listener) for listener in listeners]) == CONNECTIONS
        assert min(counts) > 0
    finally:
        for open_ in (*clients, *listeners):
            open_.close()


def test_a_port_that_is_not_shared_is_refused_to_a_second() -> None:
    (port,) = free_ports(1)
    with listening("127.0.0.1", port, is_shared=False), pytest.raises(OSError, match="in use"):
        listening("127.0.0.1", port, is_shared=False)


def test_a_connection_whose_peer_takes_nothing_ends() -> None:
    """Accepted connections inherit the option of the listener."""
    (port,) = free_ports(1)
    with (
        listening("127.0.0.1", port, is_shared=False) as listener,
        socket.create_connection(("127.0.0.1", port), 5),
    ):
        connection, _ = listener.accept()
        with connection:
            assert (
                connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                == UNREAD_S * 1000
            )


def _accepted(listener: socket.socket) -> int:
    """Accept all waiting connections and return their number."""
    count = 0
    with selectors.DefaultSelector() as waiting:
        waiting.register(listener, selectors.EVENT_READ)
        while waiting.select(0):
            listener.accept()[0].close()
            count += 1
    return count


def test_what_is_answered_is_sent_at_once() -> None:
    """Headers and body are two writes.

    With Nagle's algorithm the second would wait 40 ms for an acknowledgement of the first.
    """
    (port,) = free_ports(1)
    with (
        listening("127.0.0.1", port, is_shared=False) as listener,
        socket.create_connection(("127.0.0.1", port), 5),
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
