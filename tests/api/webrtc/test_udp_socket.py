"""The shared UDP socket: packets arrive as they were, whatever the kernel can do."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest

from api.webrtc.udp_socket import UdpPath, UdpSocket, bound_port
from domain.media.viewer_metrics import LIVE_DATAGRAMS_NOT_SENT
from tests.waiting import PATIENCE_S, wait_for

PACKETS = [bytes((number,)) * size for number, size in enumerate((1200, 1200, 1200, 300, 50, 900))]


@pytest.fixture(params=[("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1")])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[UdpSocket, str]]:
    """A server at an address of this machine, at all of IPv4, or at all addresses."""
    host, address = request.param
    try:
        opened = UdpSocket(bound_port(host, 0))
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            pytest.skip("this machine has no IPv6")
        raise
    yield opened, address
    opened.close()


@pytest.fixture
def viewer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(PATIENCE_S)
        yield opened


def path_to(server: tuple[UdpSocket, str], viewer: socket.socket) -> UdpPath:
    """Let the viewer send a datagram, and return the way back."""
    udp, address = server
    viewer.sendto(b"hello", (address, udp.port))
    received: list[tuple[bytes, UdpPath]] = []

    def has_arrived() -> bool:
        received.extend(udp.receive())
        return bool(received)

    wait_for("a datagram", has_arrived)
    ((data, path),) = received
    assert data == b"hello"
    assert (path.host, path.port) == viewer.getsockname()
    return path


@pytest.mark.parametrize("has_segments", [True, False])
def test_packets_of_any_sizes_arrive_in_order(
    server: tuple[UdpSocket, str], viewer: socket.socket, has_segments: bool
) -> None:
    path = path_to(server, viewer)
    server[0]._has_segments = server[0]._has_segments and has_segments
    assert server[0].send(PACKETS, path) == len(PACKETS)
    received = [viewer.recvfrom(2000) for _ in PACKETS]
    assert [data for data, _ in received] == PACKETS
    assert {address for _, address in received} == {(server[1], server[0].port)}


def test_a_path_that_does_not_exist_loses_the_packets(server: tuple[UdpSocket, str]) -> None:
    before = LIVE_DATAGRAMS_NOT_SENT._value.get()
    unreachable = UdpPath("255.255.255.255", 9, ("255.255.255.255", 9), ())
    assert server[0].send(PACKETS[:2], unreachable) == 2
    assert LIVE_DATAGRAMS_NOT_SENT._value.get() - before == 2


def test_nothing_waits(server: tuple[UdpSocket, str]) -> None:
    assert list(server[0].receive()) == []


def test_a_port_in_use_is_refused(server: tuple[UdpSocket, str]) -> None:
    with pytest.raises(OSError, match="in use"):
        bound_port("127.0.0.1", server[0].port)
