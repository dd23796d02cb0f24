"""The protocol over a plain socket: requests in each state, and a client that does not read."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from simulator import SimCamera, Simulator
from simulator.connection import ClientConnection
from simulator.output import UdpPorts
from tests.waiting import PATIENCE_S, wait_for

MakeVideo = Callable[..., Path]
ANSWERS = 5_000
"""More bytes than the sockets of a connection buffer."""


class Client:
    """An RTSP client that skips packets between responses."""

    def __init__(self, sim: Simulator, path: str = "gate") -> None:
        self.socket = socket.create_connection(("127.0.0.1", sim.port), timeout=PATIENCE_S)
        self._file = self.socket.makefile("rb")
        self._url = sim.url(path)
        self.session = ""

    def ask(
        self, method: str, *headers: str, track: str = "", body: bytes = b""
    ) -> tuple[int, str]:
        lines = [f"{method} {self._url}{track} RTSP/1.0", "CSeq: 5", *headers]
        if self.session:
            lines.append(f"Session: {self.session}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        return self.answer()

    def answer(self) -> tuple[int, str]:
        while (first := self._file.read(1)) == b"$":
            self.packet(first)
        text = (first + b"".join(iter(self._file.readline, b"\r\n"))).decode()
        length = re.search(r"Content-Length: (\d+)", text)
        text += self._file.read(int(length[1])).decode() if length else ""
        session = re.search(r"Session: (\w+)", text)
        self.session = session[1] if session else self.session
        return int(text.split(" ")[1]), text

    def packet(self, first: bytes = b"") -> tuple[int, bytes]:
        """Return the channel and content of the next interleaved packet."""
        assert (first or self._file.read(1)) == b"$"
        channel, high, low = self._file.read(3)
        return channel, self._file.read(high << 8 | low)

    def ended(self) -> bool:
        while data := self._file.read(65_536):
            assert data
        return True

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@contextmanager
def _client(camera: SimCamera) -> Iterator[tuple[Client, Simulator]]:
    with Simulator([camera]) as sim:
        client = Client(sim)
        try:
            yield client, sim
        finally:
            client.close()


TCP = "Transport: RTP/AVP/TCP;unicast;interleaved=6-7"


def test_a_whole_conversation(make_video: MakeVideo) -> None:
    with _client(SimCamera("gate", make_video(), mode="on_play")) as (client, _):
        assert "DESCRIBE, SETUP, PLAY" in client.ask("OPTIONS")[1]
        status, description = client.ask("DESCRIBE", "Accept: application/sdp")
        assert status == 200
        assert re.search(r"profile-level-id=[0-9a-f]{6};sprop-parameter-sets=\S+,\S+", description)
        status, setup = client.ask("SETUP", TCP, track="/track1")
        assert (status, "interleaved=6-7" in setup, "timeout=60" in setup) == (200, True, True)
        status, play = client.ask("PLAY", "Range: npt=0-")
        info = re.search(r"RTP-Info: url=\S+/gate/track1;seq=(\d+);rtptime=(\d+)", play)
        assert info
        channel, report = client.packet()
        assert (channel, report[1]) == (7, 200)
        channel, packet = client.packet()
        assert (channel, packet[1] & 0x7F) == (6, 96)
        assert (int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[4:8], "big")) == (
            int(info[1]),
            int(info[2]),
        )
        client.socket.sendall(b"$\x07\x00\x04abcd")
        assert client.ask("GET_PARAMETER", "Content-Length: 4", body=b"abcd")[0] == 200
        assert client.ask("PLAY")[0] == 455
        assert client.ask("PAUSE")[0] == 200
        assert client.ask("PAUSE")[0] == 455
        assert client.ask("PLAY")[0] == 200
        assert client.ask("TEARDOWN")[0] == 200
        assert client.ended()


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("PLAY", (), 454),
        ("TEARDOWN", ("Session: 123",), 454),
        ("SETUP", ("Transport: RTP/AVP;multicast",), 461),
        ("SETUP", (), 461),
        ("RECORD", (), 501),
    ],
)
def test_what_cannot_be_done_is_reported(
    make_video: MakeVideo, method: str, headers: tuple[str, ...], status: int
) -> None:
    with _client(SimCamera("gate", make_video())) as (client, _):
        assert client.ask(method, *headers)[0] == status


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\0\r\n\r\n", b"x" * 100_000])
def test_garbage_ends_the_connection_and_not_the_server(
    make_video: MakeVideo, garbage: bytes
) -> None:
    with _client(SimCamera("gate", make_video())) as (client, sim):
        client.socket.sendall(garbage)
        with suppress(ConnectionResetError):  # which answers what was sent and never read
            assert client.ended()
        again = Client(sim)
        assert again.ask("OPTIONS")[0] == 200
        again.close()


def test_a_slow_reader_loses_packets_which_are_counted_and_missing_in_the_numbers(
    make_video: MakeVideo,
) -> None:
    file = make_video(size_px=(640, 480), bit_rate=60_000_000)
    with _client(SimCamera("gate", file)) as (client, sim):
        client.ask("SETUP", TCP)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.ask("PLAY")
        wait_for("dropped packets", lambda: sim.counters("gate").dropped_packets)
        numbers: list[int] = []
        while not _has_gap(numbers):
            channel, packet = client.packet()
            numbers += [int.from_bytes(packet[2:4], "big")] if channel == 6 else []


def _has_gap(numbers: list[int]) -> bool:
    return len(numbers) > 1 and (numbers[-1] - numbers[-2]) & 0xFFFF != 1


def test_a_connection_is_over_only_when_its_last_answer_is_sent() -> None:
    """A transport that is left open outlives the event loop, and its socket is never closed."""
    asyncio.run(_leave_answers_unread())


async def _leave_answers_unread() -> None:
    served = asyncio.Queue[tuple[ClientConnection, asyncio.StreamWriter]]()
    stopped = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = ClientConnection(reader, writer, {}, ports, "nonce")
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        served.put_nowait((connection, writer))
        await connection.run()
        stopped.set()

    ports = await UdpPorts.bind("127.0.0.1")
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(server.sockets[0].getsockname())
    reader, writer = await asyncio.open_connection(sock=client, limit=4_096)
    request = b"OPTIONS rtsp://127.0.0.1/gate RTSP/1.0\r\nCSeq: 5\r\n\r\n"
    writer.write(request * ANSWERS + request.replace(b"OPTIONS", b"TEARDOWN"))
    _, answering = await served.get()
    async with asyncio.timeout(PATIENCE_S):
        while not answering.transport.is_closing():
            await asyncio.sleep(0)
        assert answering.transport.get_write_buffer_size() > 0
        assert not stopped.is_set()
        while await reader.read(1 << 20):
            pass
        await stopped.wait()
    assert answering.get_extra_info("socket").fileno() == -1
    writer.close()
    server.close()
    ports.close()
