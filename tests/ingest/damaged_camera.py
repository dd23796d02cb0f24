"""A camera that answers RTSP as scripted, to damage what it says: a raw socket server."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

SDP = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:video\r\n"
SDP_WITH_SOUND = SDP + "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:audio\r\n"
Say = Callable[[bytes], None]


def rtp(payload: bytes, number: int, kind: int = 96, stamp: int = 0, channel: int = 0) -> bytes:
    """An RTP packet as it goes through the connection."""
    head = struct.pack(">BBHII", 0x80, kind, number & 0xFFFF, stamp & 0xFFFFFFFF, 7)
    packet = head + payload
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet


@dataclass(frozen=True)
class DamagedCamera:
    """`says` are whole answers by method; `plays` sends media after PLAY until it raises
    OSError.
    """

    sdp: str = SDP
    says: Mapping[str, Callable[[str], bytes]] = field(default_factory=dict)
    plays: Callable[[Say], None] = lambda say: None

    @contextmanager
    def running(self) -> Iterator[str]:
        """The camera's address while it runs."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=self._serve, args=(server,), daemon=True).start()
            yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/x"
            server.shutdown(socket.SHUT_RDWR)

    def _serve(self, server: socket.socket) -> None:
        with suppress(OSError):  # the test is over, or the reader has hung up
            connection, _ = server.accept()
            with connection:
                while request := connection.recv(65536).decode("latin-1"):
                    self._answer(connection, request)

    def _answer(self, connection: socket.socket, request: str) -> None:
        method = request.partition(" ")[0]
        number = request.partition("CSeq: ")[2].partition("\r\n")[0]
        if method in self.says:
            connection.sendall(self.says[method](number))
            return
        body = self.sdp if method == "DESCRIBE" else ""
        transport = request.partition("Transport: ")[2].partition("\r\n")[0]
        lines = ["RTSP/1.0 200 OK", f"CSeq: {number}", "Session: 1", f"Content-Length: {len(body)}"]
        if transport:
            lines.append(f"Transport: {transport}")
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        if method == "PLAY":
            self.plays(connection.sendall)
