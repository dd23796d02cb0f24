"""A download of a recording goes on after each process was killed, and never has a wrong byte."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import pytest

from domain.clock import NS_PER_HOUR, NS_PER_S, rfc3339
from domain.media.packets import Packet
from domain.paths.segment_name import SegmentName
from ingest.recording.segments import Segments
from sightline.processes.store_clients import open_stores
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.virtual.layouts import RecordingIndex
from storage.recordings.virtual.stored_index import StoredIndex
from tests.e2e.conftest import CLOCK, REASON, Site, camera
from tests.recorded import PLAIN, packets_of
from tests.waiting import PATIENCE_S, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
SEGMENT_S = 12
SEGMENTS = 5
STORED = 2
"""The number of the segment that is in the object store; the others are on the node. It is so far
from the start that the API does not read it ahead while a client reads the first megabyte.
"""
PADDING = b"\0\0\0\1\x0c" + b"\xff" * 24_000 + b"\x80"
"""A filler NAL unit, which makes a picture so large that buffers hold a small part of a file."""
READ_BYTES = 1 << 20
START_NS = (CLOCK.wall_ns() - NS_PER_HOUR) // NS_PER_S * NS_PER_S


def record_segments(site: Site) -> list[Path]:
    """Record segments with hashes, 7 MB each, as a recorder does."""
    index = RecordingIndex(site.layout.recording_index)
    for number in range(SEGMENTS):
        segments = Segments(
            "gate",
            site.layout.recordings_of("gate"),
            lambda: 1,
            SEGMENT_S + 1,
            pytest.fail,
            lambda *_: None,
            index=index,
        )
        start_ns = START_NS + number * SEGMENT_S * NS_PER_S
        packets = [_padded(packet) for packet in packets_of(PLAIN, start_ns)]
        for first in range(0, len(packets), PLAIN.fps):
            segments.write(packets[first : first + PLAIN.fps])
        segments.close()
    return sorted(site.layout.recordings_of("gate").rglob("*.mp4"))


def _padded(packet: Packet) -> Packet:
    return replace(packet, data=bytes(packet.data) + PADDING)


def move_to_store(site: Site, path: Path) -> None:
    """Move a segment to the object store, with the recording index of its hour."""
    name = SegmentName.parse(path.name)
    assert name is not None
    with open_stores(site.layout) as stores:
        StoredSegments(stores.objects, CLOCK).put(name, path)
        hour_ns = name.start_ns // NS_PER_HOUR * NS_PER_HOUR
        data = RecordingIndex(site.layout.recording_index).data("gate", hour_ns)
        StoredIndex(stores.objects, CLOCK).put("gate", hour_ns, "node-1", data)
    path.unlink()


@dataclass
class Download:
    """A download that is read slowly, so that most of it waits on the server."""

    site: Site
    etag: str = ""
    gaps: str = ""
    size_bytes: int = 0
    received: bytearray = field(default_factory=bytearray)

    @property
    def is_complete(self) -> bool:
        return 0 < self.size_bytes == len(self.received)

    def begin(self) -> HTTPResponse:
        """Request the whole, and read the first megabyte."""
        response = self._request({})
        assert response.status == 200, response.read()
        self.etag = response.headers["ETag"]
        self.gaps = response.headers["Sightline-Gaps"]
        self.size_bytes = int(response.headers["Content-Length"])
        self.received = bytearray(response.read(READ_BYTES))
        return response

    def begin_same(self, etag: str) -> HTTPResponse | None:
        """Begin; return None while a source does not respond, and the answer is another file."""
        response = self.begin()
        if self.etag == etag:
            return response
        response.close()
        return None

    def read_on(self, response: HTTPResponse) -> None:
        """Read to the end of a response, or until it breaks off."""
        try:
            while chunk := response.read1(READ_BYTES):
                self.received += chunk
        except (OSError, HTTPException):
            return
        finally:
            response.close()

    def resume(self) -> bool:
        """Request what is missing; return whether all is received.

        While a source does not respond, the answer is an error or another file.
        """
        wanted = {"Range": f"bytes={len(self.received)}-", "If-Range": self.etag}
        try:
            response = self._request(wanted)
        except (OSError, HTTPException):
            return False
        if response.status != 206:
            response.close()
            return False
        self.read_on(response)
        return self.is_complete

    def _request(self, headers: dict[str, str]) -> HTTPResponse:
        query = {
            "from": rfc3339(START_NS),
            "to": rfc3339(START_NS + SEGMENTS * SEGMENT_S * NS_PER_S),
        }
        path = f"/v1/cameras/gate/recording?{urlencode(query)}"
        token = {"Authorization": f"Bearer {self.site.token()}", **REASON, "Connection": "close"}
        connection = HTTPConnection("127.0.0.1", self.site.port, timeout=PATIENCE_S)
        with closing(connection):  # a response keeps the socket until it is closed
            connection.connect()
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
            connection.request("GET", path, headers=token | headers)
            return connection.getresponse()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """An instance with recordings on its node and in its object store, and no camera."""
    made = make_site([camera("gate", "rtsp://127.0.0.1:9/gate")])
    paths = record_segments(made)
    made.start()
    move_to_store(made, paths[STORED])
    return made


def completed(site: Site) -> Download | None:
    """Return a new download, or None if it broke off at a fragment that is damaged."""
    download = Download(site)
    download.read_on(download.begin())
    return download if download.is_complete else None


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def causes(site: Site) -> list[str]:
    """Return the causes of the gaps in the coverage of the recordings."""
    span = {"from": rfc3339(START_NS), "to": rfc3339(START_NS + SEGMENTS * SEGMENT_S * NS_PER_S)}
    return [gap["cause"] for gap in site.get("/v1/cameras/gate/coverage", **span).json()["gaps"]]


def test_a_download_is_resumed_after_a_kill_and_has_no_wrong_byte(site: Site) -> None:
    whole = Download(site)
    whole.read_on(whole.begin())
    assert (whole.is_complete, whole.gaps) == (True, "none")
    for victim in ("sightline.api_process", "weed", "sightline.live_process"):
        download = Download(site)
        response = wait_for("all sources", partial(download.begin_same, whole.etag))
        with site.unsupervised():
            site.kill(victim)
            download.read_on(response)
        # The API reads the files of its own machine without the live process.
        assert download.is_complete is (victim == "sightline.live_process")
        if not download.is_complete:
            wait_for(f"download after a kill of {victim}", download.resume)
        assert download.received == whole.received

    interrupted = Download(site)
    response = wait_for("all sources", partial(interrupted.begin_same, whole.etag))
    site.kill_whole()
    interrupted.read_on(response)
    assert not interrupted.is_complete, "the node was killed in the middle"
    site.start()
    wait_for("download after a restart of the whole node", interrupted.resume)
    assert interrupted.received == whole.received

    unread = Download(site)
    response = wait_for("all sources", partial(unread.begin_same, whole.etag))
    log = site.layout.logs / "api.log"
    logged = len(log.read_text())
    assert site.stop() == 0
    assert "ERROR" not in log.read_text()[logged:]
    unread.read_on(response)
    assert not unread.is_complete, "it was cut off"
    site.start()
    wait_for("download after a stop", unread.resume)
    assert unread.received == whole.received

    wait_for("all sources", partial(Download(site).begin_same, whole.etag)).close()
    third, last = sorted(site.layout.recordings_of("gate").rglob("*.mp4"))[-2:]
    damaged = Download(site)
    response = damaged.begin()
    flip_a_byte(third)
    damaged.read_on(response)
    assert not damaged.is_complete
    assert whole.received.startswith(damaged.received)
    after = wait_for("a download without the damage", partial(completed, site))
    assert after.etag != whole.etag
    assert after.gaps.count("/") == 1
    assert causes(site) == ["damaged"]

    shortened = Download(site)
    response = shortened.begin()
    assert shortened.etag == after.etag
    last.unlink()
    shortened.read_on(response)
    assert not shortened.is_complete
    assert after.received.startswith(shortened.received)
    without = wait_for("a download without the deleted segment", partial(completed, site))
    assert without.gaps.count("/") == 2
    assert causes(site)[0] == "damaged"
    assert len(causes(site)) == 2
