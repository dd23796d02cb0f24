"""Ports for servers that do not listen yet."""

from __future__ import annotations

import socket
from pathlib import Path

from sightline.ports import answers, free_ports


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
