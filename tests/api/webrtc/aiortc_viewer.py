"""A WebRTC viewer for tests: aiortc, an independent implementation, on loopback."""

from __future__ import annotations

import asyncio
from typing import Any

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import VideoFrame

from tests.recorded import number_in

PATIENCE_S = 30.0


class AiortcViewer:
    """One viewer. It keeps the numbers that pictures show, and the sequence of its packets."""

    def __init__(self) -> None:
        # aioice has no candidates on loopback of its own accord.
        aioice.ice.get_host_addresses = lambda **_: ["127.0.0.1"]
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pictures: list[int] = []
        self.sequences: list[int] = []
        self.changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def offer(self) -> str:
        transceiver = self.connection.addTransceiver("video", direction="recvonly")
        receiver: Any = transceiver.receiver
        handle = receiver._handle_rtp_packet

        async def noted(packet: Any, arrival_time_ms: int) -> None:
            self.sequences.append(packet.sequence_number)
            await handle(packet, arrival_time_ms)

        receiver._handle_rtp_packet = noted
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        (receiver,) = self.connection.getReceivers()
        self._task = asyncio.create_task(self._watch(receiver.track))

    async def until(self, count: int) -> list[int]:
        """Wait for so many pictures in all."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.pictures) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.pictures

    @property
    def has_no_hole(self) -> bool:
        """Whether no sequence number is missing."""
        first = self.sequences[0]
        found = {number - first & 0xFFFF for number in self.sequences}
        return found == set(range(len(found)))

    async def close(self) -> None:
        await self.connection.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self, track: Any) -> None:
        while True:
            frame = await track.recv()
            assert isinstance(frame, VideoFrame)
            self.pictures.append(number_in(frame))
            self.changed.set()
