"""Media that comes as datagrams: a pair of ports of ours for each track, one for RTP and the
next for RTCP (RFC 3550, 11).
"""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from domain.camera_states import Why
from domain.errors import SourceUnreachable
from ingest.packets.packet_builder import SourceCounts
from ingest.packets.reorder import Reorder
from ingest.packets.tracks import AudioTrack, VideoTrack

_SERVER_PORTS = re.compile(r"server_port\s*=\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?", re.IGNORECASE)
_TRIES = 200
_RECEIVE_BYTES = 1 << 20
"""Of a socket's queue: a keyframe of an 8 Mbit/s camera, which comes as one burst, and room. The
kernel grants up to `net.core.rmem_max`. It counts what a packet costs it, nearly twice what it
holds.
"""
_MAX_DATAGRAMS = 4000
"""Read at one tick from one socket."""


class _Pair(NamedTuple):
    data: socket.socket
    control: socket.socket

    def close(self) -> None:
        for own in self:
            own.close()


class Datagrams:
    """The media of a camera at `address`; what comes from any other address is counted as
    strange, and nothing else is done with it.
    """

    def __init__(
        self,
        address: str,
        own_address: str,
        ports: tuple[int, int],
        counts: SourceCounts,
        buffer: bytearray,
    ) -> None:
        """`own_address`: of the connection to the camera, where the ports are opened, between
        the two of `ports`.
        """
        self.video: VideoTrack | None = None
        self.audio: AudioTrack | None = None
        self._counts = counts
        self._address = address
        self._own_address = own_address
        self._ports = ports
        self._buffer = buffer
        self._pairs: list[_Pair] = []
        self._report_ports: list[int] = []
        self._orders: list[Reorder] = []

    @property
    def sockets(self) -> list[socket.socket]:
        return [own for pair in self._pairs for own in pair]

    @property
    def is_pressing(self) -> bool:
        """The kernel's queues are too small to hold what comes between two ticks: they are to
        be read at once.
        """
        return any(
            pair.data.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < _RECEIVE_BYTES
            for pair in self._pairs
        )

    def close(self) -> None:
        for pair in self._pairs:
            pair.close()
        self._pairs.clear()

    def offer(self, track: int) -> str:
        """Opens a pair of ports. Raises SourceUnreachable where none is free."""
        while len(self._pairs) <= track:
            self._pairs.append(self._open_pair())
        first = self._pairs[track].data.getsockname()[1]
        return f"RTP/AVP;unicast;client_port={first}-{first + 1}"

    def agreed(self, track: int, transport: str) -> None:
        if "RTP/AVP/TCP" in transport.upper() or "multicast" in transport.lower():
            raise SourceUnreachable(
                "the camera does not send over UDP; write `transport: tcp` into the registry",
                Why.TRANSPORT,
            )
        match = _SERVER_PORTS.search(transport)
        first = int(match[1]) if match is not None else 0
        self._report_ports.append(int(match[2] or first + 1) if match is not None else 0)

    def channel(self, track: int) -> int:
        return 0

    def begin(self, video: VideoTrack, audio: AudioTrack | None) -> None:
        self.video, self.audio = video, audio
        self._orders = [Reorder(track.units.put) for track in (video, audio) if track is not None]

    def put(self, buffer: bytearray, channel: int, start: int, stop: int) -> None:
        """No media is expected in the connection."""

    def consume_pictures(self, buffer: bytearray, at: int, end: int) -> int:
        return at

    def read(self, now_s: float) -> None:
        """What came since the last time: packets first, as a goodbye may have overtaken them."""
        tracks = (self.video, self.audio)
        for pair, order, track in zip(self._pairs, self._orders, tracks, strict=False):
            for size in self._received(pair.data):
                order.put(self._buffer, size)
            order.expire(now_s)
            for size in self._received(pair.control):
                if track is not None:
                    track.on_rtcp(bytes(self._buffer[:size]))
        if self.video is not None and self.video.is_over:
            for order in self._orders:
                order.flush()

    def send_reports(self, own_ssrc: int) -> None:
        """About each track, to where the camera said that it listens; what cannot be sent is
        not missed.
        """
        for pair, port, track in zip(
            self._pairs, self._report_ports, (self.video, self.audio), strict=False
        ):
            if track is not None and port:
                with suppress(OSError):
                    pair.control.sendto(track.report(own_ssrc), (self._address, port))

    def _received(self, own: socket.socket) -> Iterator[int]:
        """The size of each datagram of the camera's, in the buffer until the next is asked for."""
        for _ in range(_MAX_DATAGRAMS):
            try:
                size, sender = own.recvfrom_into(self._buffer)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # of a report that we sent: nobody listens there
                continue
            if sender[0].partition("%")[0] == self._address:
                yield size
            else:
                self._counts.strange_packets += 1

    def _open_pair(self) -> _Pair:
        first, last = self._ports
        evens = range(first + first % 2, last, 2)
        for _ in range(_TRIES if evens else 0):
            port = random.choice(evens)
            with suppress(OSError):
                data = self._opened(port)
                try:
                    return _Pair(data, self._opened(port + 1))
                except OSError:
                    data.close()
        raise SourceUnreachable(
            f"no pair of UDP ports is free between {first} and {last}", Why.FAILED
        )

    def _opened(self, port: int) -> socket.socket:
        own = socket.socket(
            socket.AF_INET6 if ":" in self._own_address else socket.AF_INET, socket.SOCK_DGRAM
        )
        try:
            own.setblocking(False)
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
            own.bind((self._own_address, port))
        except OSError:
            own.close()
            raise
        return own
