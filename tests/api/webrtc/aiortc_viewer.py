"""A WebRTC viewer for tests: aiortc, an independent implementation, on loopback."""

from __future__ import annotations

import asyncio
from typing import Any

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame, VideoFrame

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
        self.samples = 0
        """The samples of sound that were decoded."""
        self.changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def offer(self, has_sound: bool = False) -> str:
        if has_sound:
            self.connection.addTransceiver("audio", direction="recvonly")
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
        for receiver in self.connection.getReceivers():
            self._tasks.append(asyncio.create_task(self._watch(receiver.track)))

    async def until_heard(self, samples: int) -> None:
        """Wait for so many samples of sound in all."""
        async with asyncio.timeout(PATIENCE_S):
            while self.samples < samples:
                self.changed.clear()
                await self.changed.wait()

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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, track: Any) -> None:
        while True:
            frame = await track.recv()
            if isinstance(frame, AudioFrame):
                self.samples += frame.samples
            else:
                assert isinstance(frame, VideoFrame)
                self.pictures.append(number_in(frame))
            self.changed.set()
