"""Receivers of live video in a process of their own, so that their cost is not counted.

They receive and decrypt, and decode nothing. Receivers of WebRTC are aiortc, and exchange their
descriptions with the benchmark by standard input and output, because their network namespace may
not reach its HTTP servers.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from websockets.asyncio.client import connect

_MODULE = "benchmarks.live.receivers"
_FIRST_PACKET_WITHIN_S = 60.0
_BUFFER_BYTES = 4 << 20
"""The receive buffer of each UDP socket, so that a receiver that waits for a core loses nothing."""
_FLOODS_PER_S = 50


@dataclass(slots=True)
class ReceivedPackets:
    """What receivers count, all of them together."""

    packets: int = 0
    missing: int = 0
    """The sequence numbers between the first and the last packet that never arrived."""
    duplicates: int = 0
    reordered: int = 0
    """The packets that arrived after one with a later sequence number."""
    dropped_by_receiver: int = 0
    """The datagrams that the kernel dropped because a receiver did not read its socket in time;
    they are among the missing ones.
    """

    def add(self, other: ReceivedPackets) -> None:
        """Add what one receiver has counted."""
        self.packets += other.packets
        self.missing += other.missing
        self.duplicates += other.duplicates
        self.reordered += other.reordered


class WebRtcReceivers:
    """The benchmark's end of a process with receivers of WebRTC."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def offer(self) -> str:
        """Return the offer of one more receiver."""
        return str(self._ask(do="offer"))

    def accept(self, answer: str) -> None:
        """Give the last receiver the answer to its offer, and wait for its first packet."""
        self.connect(answer)
        self.wait()

    def connect(self, answer: str) -> None:
        """Give the last receiver the answer to its offer."""
        self._ask(do="connect", sdp=answer)

    def answer(self, offer: str) -> str:
        """Return the answer of one more receiver."""
        return str(self._ask(do="answer", sdp=offer))

    def wait(self) -> None:
        """Wait for the first packet of the last receiver."""
        self._ask(do="wait")

    def received(self) -> ReceivedPackets:
        """Return what all receivers have counted until now."""
        return ReceivedPackets(**self._ask(do="received"))

    def flood(self, per_s: int) -> None:
        """Let each receiver send so many NACK a second, of packets that it has, and as many PLI,
        until the process ends.
        """
        self._ask(do="flood", per_s=str(per_s))

    def pause(self) -> None:
        """Stop the process, so that it reads nothing any more."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Let all receivers vanish."""
        self._process.kill()

    def _ask(self, **request: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the receivers ended early")
        return json.loads(line)


@contextmanager
def webrtc_receivers(address: str, inside: Sequence[str] = ()) -> Iterator[WebRtcReceivers]:
    """Run receivers that send from `address`. `inside` begins a command in their namespace."""
    with _process(*inside, sys.executable, "-m", _MODULE, "webrtc", address) as process:
        yield WebRtcReceivers(process)


@contextmanager
def websocket_receivers(urls: Sequence[str]) -> Iterator[None]:
    """Let a receiver watch each URL by WebSocket, from when all have a picture."""
    with _process(sys.executable, "-m", _MODULE, "websocket", *urls) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the receivers ended early")
        yield


@contextmanager
def _process(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    except BaseException:
        process.kill()
        raise
    finally:
        process.communicate("", timeout=30)


class _Receiver:
    """One peer connection. It notes the sequence numbers of its packets, without wraps."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.begun = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        """The flood of this receiver."""
        self._ssrc = self._newest = self._packets = self._reordered = 0
        self._numbers: set[int] = set()

    async def offer(self) -> str:
        self.connection.addTransceiver("video", direction="recvonly")
        return await self._described(await self.connection.createOffer())

    async def accept(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def answer(self, offer: str) -> str:
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        return await self._described(await self.connection.createAnswer())

    async def wait(self) -> None:
        async with asyncio.timeout(_FIRST_PACKET_WITHIN_S):
            await self.begun.wait()

    async def flood(self, per_s: int) -> None:
        """Report eight packets lost that have arrived, and request a keyframe, again and again."""
        (receiver,) = list[Any](self.connection.getReceivers())
        while True:
            first = max(self._newest & 0xFFFF, 8) - 8
            for _ in range(per_s // _FLOODS_PER_S):
                await receiver._send_rtcp_nack(self._ssrc, list(range(first, first + 8)))  # noqa: SLF001
                await receiver._send_rtcp_pli(self._ssrc)  # noqa: SLF001
            await asyncio.sleep(1 / _FLOODS_PER_S)

    @property
    def counted(self) -> ReceivedPackets:
        """What was counted of its packets."""
        if not self._numbers:
            return ReceivedPackets()
        expected = max(self._numbers) - min(self._numbers) + 1
        unique = len(self._numbers)
        return ReceivedPackets(
            self._packets, expected - unique, self._packets - unique, self._reordered
        )

    @property
    def dropped(self) -> int:
        return sum(map(_dropped, self._sockets()))

    def _sockets(self) -> list[socket.socket]:
        (receiver,) = list[Any](self.connection.getReceivers())
        protocols = receiver.transport.transport._connection._protocols  # noqa: SLF001
        return [one.transport.get_extra_info("socket") for one in protocols]

    async def _described(self, description: RTCSessionDescription) -> str:
        receivers: list[Any] = self.connection.getReceivers()
        for receiver in receivers:
            # In the place of the jitter buffer and the decoder, which aiortc cannot leave out.
            receiver._handle_rtp_packet = self._note  # noqa: SLF001
        await self.connection.setLocalDescription(description)
        for one in self._sockets():
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        return str(self.connection.localDescription.sdp)

    async def _note(self, packet: Any, arrival_time_ms: int) -> None:
        self._ssrc, number = packet.ssrc, packet.sequence_number
        if not self._numbers:
            self._newest = number
        number = self._newest + (number - self._newest + 0x8000 & 0xFFFF) - 0x8000
        self._packets += 1
        self._reordered += number < self._newest and number not in self._numbers
        self._newest = max(self._newest, number)
        self._numbers.add(number)
        self.begun.set()


def _dropped(udp: socket.socket) -> int:
    """Return how many datagrams the kernel dropped because the buffer of a socket was full."""
    inode = str(os.fstat(udp.fileno()).st_ino)
    for name in ("udp", "udp6"):
        for line in Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] == inode:
                return int(fields[12])
    raise RuntimeError("the kernel does not list a socket of a receiver")


async def _serve_webrtc(address: str) -> None:
    """Do what the lines of standard input say, until it ends."""
    aioice.ice.get_host_addresses = lambda **_: [address]
    receivers: list[_Receiver] = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        request: dict[str, str] = json.loads(line)
        _print(json.dumps(await _done(request, receivers)))
    await asyncio.gather(*(one.connection.close() for one in receivers))


async def _done(request: dict[str, str], receivers: list[_Receiver]) -> Any:
    match request["do"]:
        case "offer":
            receivers.append(_Receiver())
            return await receivers[-1].offer()
        case "connect":
            await receivers[-1].accept(request["sdp"])
        case "answer":
            receivers.append(_Receiver())
            return await receivers[-1].answer(request["sdp"])
        case "wait":
            await receivers[-1].wait()
        case "received":
            total = ReceivedPackets()
            for one in receivers:
                total.add(one.counted)
                total.dropped_by_receiver += one.dropped
            return asdict(total)
        case "flood":
            for one in receivers:
                one.task = asyncio.create_task(one.flood(int(request["per_s"])))
        case other:
            raise ValueError(f"receivers cannot do {other}")
    return ""


async def _serve_websocket(urls: Sequence[str]) -> None:
    """Receive until standard input ends."""
    ready = asyncio.Semaphore(0)

    async def view(url: str) -> None:
        async with connect(url, proxy=None, compression=None, max_size=None) as socket:
            binary = 0
            async for message in socket:
                binary += isinstance(message, bytes)
                if binary == 2:  # the initialisation segment and a picture
                    ready.release()

    views = [asyncio.create_task(view(url)) for url in urls]
    for _ in views:
        await ready.acquire()
    _print("ready")
    await asyncio.to_thread(sys.stdin.read)
    for task in views:
        task.cancel()
    await asyncio.gather(*views, return_exceptions=True)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "webrtc":
        asyncio.run(_serve_webrtc(sys.argv[2]))
    else:
        asyncio.run(_serve_websocket(sys.argv[2:]))
