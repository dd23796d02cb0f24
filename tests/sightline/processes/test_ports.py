"""Ports for servers that do not listen yet."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path

import pytest

from sightline.processes.ports import _FIRST, answers, free_ports, http_answer, reserve


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


def test_processes_that_choose_at_the_same_time_choose_different_ports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen: list[int] = []
    for process_id in range(1000, 1020):
        monkeypatch.setattr(os, "getpid", lambda value=process_id: value)
        monkeypatch.setattr("sightline.processes.ports._reserved", deque[int]())
        monkeypatch.setattr("sightline.processes.ports._turns", count())
        chosen += free_ports(40)
    assert len(set(chosen)) == 20 * 40


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
