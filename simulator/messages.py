"""RTSP requests and answers as values (RFC 2326); nothing here touches a socket."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
    503: "Service Unavailable",
}
TRACK, SOUND_TRACK = "track1", "track2"


class MalformedRequest(ValueError):  # answered 400; never leaves the simulator
    pass


@dataclass(frozen=True, slots=True)
class SimulatorRequest:
    method: str
    url: str
    headers: dict[str, str]
    """By lower-case name."""

    @property
    def path(self) -> str:
        """The camera's path: without slashes at its ends, query, and track."""
        path = urlsplit(self.url).path.strip("/")
        return path.removesuffix(self.track).rstrip("/")

    @property
    def track(self) -> str:
        """The track that the address names; empty for all of them."""
        last = urlsplit(self.url).path.strip("/").rpartition("/")[2]
        return last if last in (TRACK, SOUND_TRACK) else ""

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")


def parse_request(text: bytes) -> SimulatorRequest:
    lines = text.decode("utf-8", "replace").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("RTSP/1."):
        raise MalformedRequest(f"not an RTSP request: {lines[0][:80]!r}")
    headers = {
        name.strip().lower(): value.strip()
        for name, colon, value in (line.partition(":") for line in lines[1:])
        if colon
    }
    return SimulatorRequest(parts[0].upper(), parts[1], headers)


@dataclass(frozen=True, slots=True)
class SimulatorAnswer:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def encoded(self, cseq: str) -> bytes:
        headers = [("CSeq", cseq or "0"), ("Server", "Sightline simulator"), *self.headers]
        if self.body:
            headers.append(("Content-Length", str(len(self.body.encode()))))
        lines = [
            f"RTSP/1.0 {self.status} {REASONS[self.status]}",
            *[f"{name}: {value}" for name, value in headers],
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


@dataclass(frozen=True, slots=True)
class Transport:
    """How a client wants its packets: `channels` of the RTSP connection (RTP, RTCP), or UDP
    `ports` of its own.
    """

    channels: tuple[int, int] | None = None
    ports: tuple[int, int] | None = field(default=None)


_CHANNELS = re.compile(r"interleaved=(\d{1,3})-(\d{1,3})")
_PORTS = re.compile(r"client_port=(\d{1,5})-(\d{1,5})")


def parse_transport(header: str) -> Transport | None:
    """The first transport of a Transport header that can be had; None where there is none."""
    for offer in header.split(","):
        if "multicast" in offer:
            continue
        if offer.strip().upper().startswith("RTP/AVP/TCP"):
            channels = _pair(_CHANNELS, offer, 255) or (0, 1)
            return Transport(channels=channels)
        if ports := _pair(_PORTS, offer, 65535):
            return Transport(ports=ports)
    return None


def _pair(pattern: re.Pattern[str], text: str, most: int) -> tuple[int, int] | None:
    match = pattern.search(text)
    pair = (int(match[1]), int(match[2])) if match else None
    return pair if pair and max(pair) <= most else None
