"""The UDP socket that all viewers share."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.webrtc.protocols.packetiser import MAX_RUN, equal_runs
from domain.media.viewer_metrics import LIVE_DATAGRAMS_NOT_SENT

MAX_DATAGRAM_BYTES = 1_500
"""No peer of WebRTC sends longer ones; the rest of one is cut off."""
_MAX_READ = 64
"""The datagrams that are read before the event loop does other work."""
_BUFFER_BYTES = 4 << 20
_SOL_UDP, _UDP_SEGMENT = 17, 103
_IP_PKTINFO = 8
_V4_INFO, _V6_INFO = struct.Struct("=I4s4s"), struct.Struct("=16sI")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_V6_INFO.size)
_WITHOUT_SEGMENTS = (errno.EIO, errno.EINVAL, errno.ENOPROTOOPT, errno.EOPNOTSUPP)

Ancillary = tuple[int, int, bytes]
Runs = Sequence[tuple[int, int]]


def bound_port(host: str, port: int) -> socket.socket:
    """Return a socket that never blocks, and that tells to which address a datagram was sent.

    Port 0 is any free one. Raises OSError if the port is in use.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][0]
    bound = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        _set_options(bound, family)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _set_options(bound: socket.socket, family: int) -> None:
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        bound.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)


@dataclass(frozen=True, slots=True)
class UdpPath:
    """The way to a viewer: its address, and the address of this machine that it uses."""

    host: str
    port: int
    raw: tuple[str | int, ...]
    """The address as the socket has it."""
    local: tuple[Ancillary, ...]
    """What makes the kernel send from that address of this machine."""


class UdpSocket:
    """A socket that never blocks."""

    def __init__(self, bound: socket.socket) -> None:
        """`bound` is from `bound_port`."""
        self._socket = bound
        self._has_segments = True

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def receive(self) -> Iterator[tuple[bytes, UdpPath]]:
        """Yield the datagrams that wait, up to some dozens."""
        for _ in range(_MAX_READ):
            try:
                data, ancillary, _, address = self._socket.recvmsg(
                    MAX_DATAGRAM_BYTES, _ANCILLARY_BYTES
                )
            except OSError:
                return  # Nothing waits, or an ICMP error of an earlier datagram was reported.
            yield data, _path(address, ancillary)

    def send(self, packets: Sequence[bytes], path: UdpPath, runs: Runs | None = None) -> int:
        """Send packets in order, and return how many the kernel has accepted. `runs` are the bounds
        of those that it can send with one call, if they are known.

        It accepts fewer than all if its buffer is full. Packets that cannot be sent for another
        reason count as accepted: the network loses packets, too.
        """
        if len(packets) == 1:
            return int(self._sent(packets, path))
        if not self._has_segments:
            runs = [(at, at + 1) for at in range(len(packets))]
        elif runs is None:
            runs = equal_runs([len(packet) for packet in packets], MAX_RUN)
        for begin, end in runs:
            if not self._sent(packets[begin:end], path):
                return begin
        return len(packets)

    def _sent(self, run: Sequence[bytes], path: UdpPath) -> bool:
        ancillary = list(path.local)
        if len(run) > 1:
            ancillary.append((_SOL_UDP, _UDP_SEGMENT, struct.pack("=H", len(run[0]))))
        try:
            self._socket.sendmsg(run, ancillary, 0, path.raw)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                return False
            if len(run) > 1 and error.errno in _WITHOUT_SEGMENTS:
                self._has_segments = False
                return all(self._sent([packet], path) for packet in run)
            LIVE_DATAGRAMS_NOT_SENT.inc(len(run))
        return True


def _path(address: tuple[str, int], ancillary: Sequence[Ancillary]) -> UdpPath:
    local: list[Ancillary] = []
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(data) == _V4_INFO.size:
            _, chosen, _ = _V4_INFO.unpack(data)
            local.append((level, kind, _V4_INFO.pack(0, chosen, bytes(4))))
        elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            local.append((level, kind, data))
    host = address[0]
    mapped = getattr(ipaddress.ip_address(host.partition("%")[0]), "ipv4_mapped", None)
    return UdpPath(str(mapped or host.partition("%")[0]), address[1], tuple(address), tuple(local))
