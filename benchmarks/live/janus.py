"""The WebRTC server Janus with one stream of the streaming plugin, for a comparison.

`apt-get install janus` installs it. It is started with a configuration of its own, as the user of
the benchmark, and receives the stream as RTP on loopback.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import httpx
from av.bitstream import BitStreamFilterContext

from api.webrtc.protocols.packetiser import payloads
from api.webrtc.protocols.srtp import RTP_HEADER, RTP_MARKER, RTP_VERSION
from benchmarks.live.film import FPS
from benchmarks.site import CLOCK
from sightline.processes.ports import free_ports

_PAYLOAD_TYPE, _SSRC, _TICKS = 96, 0x51E17, 90_000 // FPS
_START_WITHIN_S = 30.0
_OTHER_TRANSPORTS = ("websockets", "pfunix", "rabbitmq", "mqtt", "nanomsg")
_SERVER = """
general: {{ session_timeout = 0, debug_level = 4 }}
nat: {{ ice_enforce_list = "{address}" }}
transports: {{ disable = "{transports}" }}
"""
_HTTP = """
general: {{ json = "plain", base_path = "/janus", http = true, port = {port}, ip = "127.0.0.1" }}
admin: {{ admin_http = false }}
"""
_STREAMING = """
camera: {{
  type = "rtp", id = 1, audio = false, video = true
  videoport = {port}, videopt = {payload_type}, videocodec = "h264"
  videofmtp = "profile-level-id=42e01f;packetization-mode=1"
}}
"""


def missing_for_janus() -> str:
    """Return why Janus cannot run; empty if nothing is missing."""
    if shutil.which("janus"):
        return ""
    return "Janus is absent; as root, `apt-get install janus` installs it"


@dataclass
class Janus:
    """A running server. `pid` is its only process."""

    pid: int
    url: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20, trust_env=False))

    def watch(self) -> tuple[str, str]:
        """Return the URL of a new viewer's handle, and the offer of the server."""
        session = f"{self.url}/{self._ask(self.url, janus='create')['data']['id']}"
        attached = self._ask(session, janus="attach", plugin="janus.plugin.streaming")
        handle = f"{session}/{attached['data']['id']}"
        self._ask(handle, janus="message", body={"request": "watch", "id": 1})
        while True:
            event = self.http.get(session).raise_for_status().json()
            if event.get("jsep"):
                return handle, str(event["jsep"]["sdp"])

    def start(self, handle: str, answer: str) -> None:
        """Give the server the answer of a viewer."""
        jsep = {"type": "answer", "sdp": answer}
        self._ask(handle, janus="message", body={"request": "start"}, jsep=jsep)

    def end(self, handle: str) -> None:
        """End the session of a viewer."""
        self._ask(handle.rpartition("/")[0], janus="destroy")

    def answers(self) -> bool:
        try:
            return self.http.get(f"{self.url}/info").is_success
        except httpx.TransportError:
            return False

    def _ask(self, url: str, **message: object) -> dict[str, Any]:
        body = {"transaction": secrets.token_hex(6), **message}
        answer: dict[str, Any] = self.http.post(url, json=body).raise_for_status().json()
        if answer["janus"] == "error":
            raise RuntimeError(f"Janus refuses {message['janus']}: {answer['error']['reason']}")
        return answer


@contextmanager
def janus(folder: Path, address: str, film: Path) -> Iterator[Janus]:
    """Run Janus, which has `address` as its only candidate, and feed it the film."""
    folder.mkdir()
    http_port, rtp_port = free_ports(2)
    transports = ",".join(f"libjanus_{name}.so" for name in _OTHER_TRANSPORTS)
    for name, text in (
        ("janus.jcfg", _SERVER.format(address=address, transports=transports)),
        ("janus.transport.http.jcfg", _HTTP.format(port=http_port)),
        (
            "janus.plugin.streaming.jcfg",
            _STREAMING.format(port=rtp_port, payload_type=_PAYLOAD_TYPE),
        ),
    ):
        (folder / name).write_text(text, "utf-8")
    command = ("janus", "-F", str(folder), "-C", str(folder / "janus.jcfg"))
    with (folder / "janus.log").open("wb") as log, feeding(film, rtp_port):
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            server = Janus(process.pid, f"http://127.0.0.1:{http_port}/janus")
            _wait(server, folder / "janus.log")
            yield server
        finally:
            process.terminate()
            process.wait(20)


def _wait(server: Janus, log: Path) -> None:
    deadline_s = CLOCK.monotonic_s() + _START_WITHIN_S
    while not server.answers():
        if CLOCK.monotonic_s() > deadline_s:
            raise RuntimeError(f"Janus does not answer: {log.read_text('utf-8')[-2000:]}")
        CLOCK.sleep(0.2)


@contextmanager
def feeding(film: Path, port: int) -> Iterator[None]:
    """Send the film as RTP to a port of loopback, again and again, with its own speed."""
    stop = threading.Event()
    pictures = [payloads(units) for units in film_units(film)]
    thread = threading.Thread(target=_feed, args=(pictures, port, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def film_units(film: Path) -> list[list[bytes]]:
    """Return the NAL units of each picture, with parameter sets before each keyframe."""
    with av.open(str(film)) as container:
        (video,) = container.streams.video
        annex_b = BitStreamFilterContext("h264_mp4toannexb", video)
        packets = [
            bytes(one) for packet in container.demux(video) for one in annex_b.filter(packet)
        ]
    return [units_of(packet) for packet in packets]


def units_of(annex_b: bytes) -> list[bytes]:
    """Divide a picture at its start codes."""
    pieces = annex_b.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [piece for piece in pieces if piece]


def _feed(pictures: list[list[bytes]], port: int, stop: threading.Event) -> None:
    sequence, number, began_s = 0, 0, CLOCK.monotonic_s()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outlet:
        while not stop.is_set():
            parts = pictures[number % len(pictures)]
            stamp = number * _TICKS & 0xFFFFFFFF
            for at, part in enumerate(parts, 1):
                kind = _PAYLOAD_TYPE | (RTP_MARKER if at == len(parts) else 0)
                header = RTP_HEADER.pack(RTP_VERSION, kind, sequence & 0xFFFF, stamp, _SSRC)
                outlet.sendto(header + part, ("127.0.0.1", port))
                sequence += 1
            number += 1
            stop.wait(max(0.0, began_s + number / FPS - CLOCK.monotonic_s()))
