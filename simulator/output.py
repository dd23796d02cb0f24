"""The two ways out to a client: interleaved in its RTSP connection, and UDP. Neither waits, and
neither holds more than it is allowed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from domain.errors import BadInput
from simulator.media import FRAMING_BYTES, PreparedUnit

MAX_WAITING_BYTES = 1 << 20


class Output(Protocol):
    channel: int

    def is_full(self) -> bool:
        """Whether so much waits for the client that a camera would drop."""

    def send(self, unit: PreparedUnit, packets: bytearray, lost: Sequence[int]) -> None:
        """Send a stamped unit without its packets numbered `lost` (from 0)."""

    def send_rtcp(self, report: bytes) -> None: ...


class TcpOutput:
    def __init__(self, transport: asyncio.WriteTransport, channels: tuple[int, int]) -> None:
        self.channel, self._rtcp_channel = channels
        self._transport = transport

    def is_full(self) -> bool:
        return self._transport.get_write_buffer_size() > MAX_WAITING_BYTES

    def send(self, unit: PreparedUnit, packets: bytearray, lost: Sequence[int]) -> None:
        if not lost:
            self._transport.write(packets)
            return
        self._transport.write(
            b"".join(piece for index, piece in enumerate(unit.pieces(packets)) if index not in lost)
        )

    def send_rtcp(self, report: bytes) -> None:
        self._transport.write(
            bytes([0x24, self._rtcp_channel]) + len(report).to_bytes(2, "big") + report
        )


class _UdpProtocol(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.is_full = False

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False


class UdpPorts:
    """The server's one pair of UDP ports; what clients send to them (reports, hole punching) is
    read and dropped.
    """

    def __init__(
        self, rtp: asyncio.DatagramTransport, rtcp: asyncio.DatagramTransport, state: _UdpProtocol
    ) -> None:
        self.rtp = rtp
        self.rtcp = rtcp
        self._state = state

    @property
    def is_full(self) -> bool:
        return self._state.is_full

    @property
    def numbers(self) -> tuple[int, int]:
        return self.rtp.get_extra_info("sockname")[1], self.rtcp.get_extra_info("sockname")[1]

    @classmethod
    async def bind(cls, host: str) -> UdpPorts:
        """Bind an even port and the next higher one (RFC 3550, section 11).

        Raises BadInput where no pair is free.
        """
        loop = asyncio.get_running_loop()
        for _ in range(64):
            rtp, state = await loop.create_datagram_endpoint(_UdpProtocol, local_addr=(host, 0))
            port = rtp.get_extra_info("sockname")[1]
            try:
                if port % 2 == 0:
                    rtcp, _ = await loop.create_datagram_endpoint(
                        asyncio.DatagramProtocol, local_addr=(host, port + 1)
                    )
                    return cls(rtp, rtcp, state)
            except OSError:
                pass
            rtp.close()
        raise BadInput("no pair of UDP ports of {host} is free", host=host)

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


class UdpOutput:
    channel = 0

    def __init__(self, ports: UdpPorts, host: str, client_ports: tuple[int, int]) -> None:
        self._ports = ports
        self._rtp_address, self._rtcp_address = (host, client_ports[0]), (host, client_ports[1])

    def is_full(self) -> bool:
        return self._ports.is_full

    def send(self, unit: PreparedUnit, packets: bytearray, lost: Sequence[int]) -> None:
        for index, piece in enumerate(unit.pieces(packets)):
            if index not in lost:
                self._ports.rtp.sendto(piece[FRAMING_BYTES:], self._rtp_address)

    def send_rtcp(self, report: bytes) -> None:
        self._ports.rtcp.sendto(report, self._rtcp_address)
