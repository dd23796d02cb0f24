"""Media as datagrams, with a pair of local ports for each track: one for RTP and the next for RTCP
(RFC 3550, 11).
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
"""The size of a socket's queue, with room for a keyframe of an 8 Mbit/s camera, which arrives as
one burst. The kernel grants up to `net.core.rmem_max`. It counts nearly twice the size of each
packet.
"""
_MAX_DATAGRAMS = 4000
"""The limit of datagrams that one tick reads from one socket."""


class _Pair(NamedTuple):
    data: socket.socket
    control: socket.socket

    def close(self) -> None:
        for own in self:
            own.close()


class Datagrams:
    """Receives the media of a camera at `address`. Datagrams from other addresses are counted and
    dropped.
    """

    def __init__(
        self,
        address: str,
        own_address: str,
        ports: tuple[int, int],
        counts: SourceCounts,
        buffer: bytearray,
    ) -> None:
        """`own_address` is the local address of the connection to the camera. The ports are opened
        there, within the range `ports`.
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
    def must_be_read_urgently(self) -> bool:
        """Whether the kernel's queues are too small to hold the packets between two ticks, so that
        they must be read without delay.
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
        """Open a pair of ports, and return the Transport header. Raises SourceUnreachable if none
        is free.
        """
        while len(self._pairs) <= track:
            self._pairs.append(self._open_pair())
        first = self._pairs[track].data.getsockname()[1]
        return f"RTP/AVP;unicast;client_port={first}-{first + 1}"

    def negotiated(self, track: int, transport: str) -> None:
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

    def start(self, video: VideoTrack, audio: AudioTrack | None) -> None:
        self.video, self.audio = video, audio
        self._orders = [Reorder(track.units.put) for track in (video, audio) if track is not None]

    def put(self, buffer: bytearray, channel: int, start: int, stop: int) -> None:
        """Ignore interleaved media, which is not expected."""

    def consume_pictures(self, buffer: bytearray, at: int, end: int) -> tuple[int, bool]:
        return at, False

    def read(self, now_s: float) -> None:
        """Read the datagrams of all tracks: RTP before RTCP, because a goodbye may overtake
        packets.
        """
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
        """Send a receiver report for each track to the camera's port. Errors are ignored, because
        reports are optional.
        """
        for pair, port, track in zip(
            self._pairs, self._report_ports, (self.video, self.audio), strict=False
        ):
            if track is not None and port:
                with suppress(OSError):
                    pair.control.sendto(track.report(own_ssrc), (self._address, port))

    def _received(self, own: socket.socket) -> Iterator[int]:
        """Yield the size of each datagram from the camera; its data is in the buffer until the next
        one.
        """
        for _ in range(_MAX_DATAGRAMS):
            try:
                size, sender = own.recvfrom_into(self._buffer)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # the answer to a report that we sent to a closed port
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
                data = self._open_socket(port)
                try:
                    return _Pair(data, self._open_socket(port + 1))
                except OSError:
                    data.close()
        raise SourceUnreachable(
            "no pair of UDP ports is free between {first} and {last}",
            Why.FAILED,
            first=first,
            last=last,
        )

    def _open_socket(self, port: int) -> socket.socket:
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
