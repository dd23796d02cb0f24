"""Ports for servers that do not listen yet."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from domain.errors import BadInput
from sightline.processes.ports import (
    _FIRST,
    answers,
    check_listening,
    free_ports,
    http_answer,
    reserve,
)


def test_none_is_reserved_again_while_its_server_may_not_listen_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sightline.processes.ports._LAST", _FIRST + 99)
    chosen = _FIRST + 7
    reserve(chosen)
    given = [port for _ in range(10) for port in free_ports(5)]
    assert len(set(given)) == 50
    assert chosen not in given


def test_ports_differ_can_be_bound_and_are_none_that_a_connection_could_take() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(ports) < max(first_outgoing, 32_768)
    with socket.socket() as server:
        server.bind(("127.0.0.1", ports[0]))
        assert not answers(ports[0])
        server.listen()
        assert answers(ports[0])


def test_why_a_server_cannot_listen_is_said() -> None:
    (port,) = free_ports(1)
    check_listening("127.0.0.1", port)
    with socket.create_server(("127.0.0.1", port)):
        for host in ("127.0.0.1", "0.0.0.0"):
            with pytest.raises(BadInput, match=f"port {port} is used by another program"):
                check_listening(host, port)
    with pytest.raises(BadInput, match=r"'192\.0\.2\.1' is no address of this machine"):
        check_listening("192.0.2.1", port)


def test_a_port_that_this_user_may_not_have_is_said() -> None:
    """Some machines let each user listen on each port."""
    first_free = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    try:
        if first_free <= 1:
            check_listening("127.0.0.1", 1)
        else:
            with pytest.raises(BadInput, match="may not listen on port 1; choose one from 1024"):
                check_listening("127.0.0.1", 1)
    finally:
        os.seteuid(user)


def test_two_processes_never_choose_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reservation ends with its process, so the other one waits until both have chosen."""
    last = _FIRST + 299
    monkeypatch.setattr("sightline.processes.ports._LAST", last)
    code = (
        "import sys; from sightline.processes import ports; "
        f"ports._LAST = {last}; print(*ports.free_ports(60), flush=True); sys.stdin.read()"
    )
    command = (sys.executable, "-c", code)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        theirs = {int(port) for port in other.stdout.readline().split()}
        ours = set(free_ports(60))
    assert len(theirs) == len(ours) == 60
    assert not theirs & ours


def test_old_reservations_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.processes.ports._MOST_RESERVED", 5)
    first, *_ = free_ports(6)
    assert reserve(first)
    assert not reserve(first)


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Write no line to the output of the test."""


def test_only_an_answer_with_200_counts() -> None:
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert http_answer(f"{url}/healthz") == b"ok"
            assert http_answer(f"{url}/other") is None
            assert http_answer(f"https://127.0.0.1:{server.server_port}/healthz") is None
        finally:
            server.shutdown()
            thread.join()
    assert http_answer(f"{url}/healthz") is None


def test_a_server_of_another_protocol_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/healthz"
        assert http_answer(url, timeout_s=0.1) is None

        def greet() -> None:
            server.accept()[0].close()  # that of the request before
            with server.accept()[0] as connection:
                connection.sendall(b"SSH-2.0-x\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert http_answer(url) is None
        thread.join()
