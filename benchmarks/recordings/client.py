"""A client that measures how fast the recordings of a camera are served."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode

import httpx

from benchmarks.recordings.recorded_day import RecordedDay
from benchmarks.site import CLOCK
from domain.clock import NS_PER_HOUR, NS_PER_S, rfc3339

CAMERA = "camera"
START_WITHIN_S = 120.0
RANGE_BYTES = READ_BYTES = 1 << 20
_MDAT_HEAD_BYTES = 16


def head_bytes(start: bytes) -> int:
    """Return the offset of the picture data of an MP4 file that begins with `start`: the end of
    `ftyp` and `moov`, and the 16 bytes before the content of `mdat`.
    """
    file_type = int.from_bytes(start[:4], "big")
    movie = int.from_bytes(start[file_type : file_type + 4], "big")
    if start[4:8] != b"ftyp" or start[file_type + 4 : file_type + 8] != b"moov":
        raise ValueError("the file does not begin with ftyp and moov")
    return file_type + movie + _MDAT_HEAD_BYTES


class Client:
    """One person's requests for ranges of the camera, each on a connection of its own."""

    def __init__(self, port: int, headers: dict[str, str], path: str) -> None:
        self._port, self._headers, self._path = port, headers, path

    def open(
        self, range_: str | None = None, method: str = "GET"
    ) -> tuple[HTTPConnection, HTTPResponse, float]:
        """Return a connection, the response, and the milliseconds to its headers.

        Raises RuntimeError if it is refused.
        """
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.connect()
        headers = self._headers | ({} if range_ is None else {"Range": range_})
        since_s = CLOCK.monotonic_s()
        connection.request(method, self._path, headers=headers)
        response = connection.getresponse()
        took_ms = (CLOCK.monotonic_s() - since_s) * 1000
        if response.status not in (200, 206):
            raise RuntimeError(f"{self._path}: {response.status} {response.read().decode()}")
        return connection, response, took_ms

    def first_bytes(self) -> dict[str, float]:
        """Return the milliseconds to the headers and to the first byte of picture data."""
        since_s = CLOCK.monotonic_s()
        connection, response, took_ms = self.open()
        with closing(connection):
            head = read_past_head(response)
            picture_ms = (CLOCK.monotonic_s() - since_s) * 1000
        return {"headers_ms": took_ms, "picture_ms": picture_ms, "head_mb": head / 1e6}

    def whole(self) -> dict[str, float]:
        """Return the seconds until all is read, and the bytes."""
        since_s = CLOCK.monotonic_s()
        connection, response, _ = self.open()
        with closing(connection):
            size = sum(iter(lambda: response.readinto(_BUFFER), 0))
        return {"whole_s": CLOCK.monotonic_s() - since_s, "bytes": size}

    def range_ms(self, first: int) -> float:
        """Return the milliseconds until a range of RANGE_BYTES is read."""
        since_s = CLOCK.monotonic_s()
        connection, response, _ = self.open(f"bytes={first}-{first + RANGE_BYTES - 1}")
        with closing(connection):
            response.read()
        return (CLOCK.monotonic_s() - since_s) * 1000


_BUFFER = bytearray(READ_BYTES)


def read_past_head(response: HTTPResponse) -> int:
    """Read until the first byte of picture data; return the offset of that byte."""
    read = response.read(64)
    head = head_bytes(read)
    left = head + 1 - len(read)
    while left > 0:
        left -= response.readinto(memoryview(_BUFFER)[: min(left, READ_BYTES)])
    return head


def path_of(day: RecordedDay, offset_s: int, seconds: int) -> str:
    """Return the path of the range that begins `offset_s` after the recordings."""
    from_ns = day.start_ns + offset_s * NS_PER_S
    query = {"from": rfc3339(from_ns), "to": rfc3339(from_ns + seconds * NS_PER_S)}
    return f"/v1/cameras/{CAMERA}/recording?{urlencode(query)}"


def whole_hour_ns() -> int:
    """Return the start of the present hour (UTC ns)."""
    return CLOCK.wall_ns() // NS_PER_HOUR * NS_PER_HOUR


def camera(camera_id: str, url: str) -> dict[str, object]:
    """Return the entry of a recorded camera in a registry."""
    return {
        "id": camera_id,
        "name": camera_id,
        "class": "A",
        "area": "a",
        "location": {"lon": 111.5, "lat": 32.5},
        "url": url,
        "upload": "none",
    }


def is_covered(answer: httpx.Response | None) -> bool:
    """Return whether an answer with the coverage of a range has recordings."""
    return answer is not None and answer.status_code == 200 and bool(answer.json()["recorded"])


def wait(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds. Raises RuntimeError after START_WITHIN_S."""
    until_s = CLOCK.monotonic_s() + START_WITHIN_S
    while not holds():
        if CLOCK.monotonic_s() > until_s:
            raise RuntimeError("the site of the benchmark does not serve its recordings")
        CLOCK.sleep(0.2)


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: to_tenth(value) for name, value in values.items()}


def to_tenth(value: float) -> float:
    """Return a number with one decimal place."""
    return round(value, 1)
