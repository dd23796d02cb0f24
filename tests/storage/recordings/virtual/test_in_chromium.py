"""Chromium seeks in a virtual file of a day, and shows the right pictures."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks.browser import is_available, result_of_page
from domain.clock import NS_PER_S, S_PER_DAY
from storage.mp4.segment_layout import read_layout
from storage.recordings.cut_plan import plan
from storage.recordings.file_reader import FilePart
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual.reader import read_bytes
from storage.recordings.virtual.timeline import LaidOutPiece
from storage.recordings.virtual.virtual_file import VirtualFile, make_virtual_file
from tests.recorded import START_NS, Material, packets_of, record
from tests.storage.recordings.virtual.recording_pool import Pool, delayed

FPS = 5
SEGMENT_S = 10
DIFFERENT = 36
"""Segments with pictures of their own, which are repeated over the day."""
FRAMES = DIFFERENT * SEGMENT_S * FPS
MOMENTS = 10
WITHIN_S = 120
PAGE = """<!doctype html><video muted crossorigin="anonymous"></video><script>
const video = document.querySelector("video");
const canvas = document.createElement("canvas");
canvas.width = 128;
canvas.height = 96;
const paper = canvas.getContext("2d", {willReadFrequently: true});
const number = () => {
  paper.drawImage(video, 0, 0);
  const row = paper.getImageData(0, 48, 128, 1).data;
  return [...Array(12).keys()].reduce((sum, bit) => sum + (row[4 * (10 * bit + 5)] > 128 ? 1 << bit : 0), 0);
};
const event = name => new Promise((resolve, reject) => {
  video.addEventListener(name, resolve, {once: true});
  video.addEventListener("error", () => reject(video.error.message), {once: true});
});
const shown_at = async seconds => {
  const frame = new Promise(resolve => video.requestVideoFrameCallback(resolve));
  const moved = event("seeked");
  video.currentTime = seconds;
  await moved;
  await frame;
  return number();
};
const work = async () => {
  const ready = event("loadeddata");
  video.src = "%(address)s";
  await ready;
  const shown = [];
  for (const moment of %(moments)s) shown.push(await shown_at(moment));
  return {shown, duration_s: video.duration};
};
work().catch(error => ({error: String(error)})).then(result => fetch("result", {method: "POST", body: JSON.stringify(result)}));
</script>"""  # noqa: E501


class Verified:
    """No fragment has a hash here."""

    def is_verified(self, segment: int, fragment: int) -> bool:
        return True

    def check(self, segment: int, fragment: int, found: bytes, sha256: bytes) -> None:
        raise AssertionError(f"fragment {fragment} of segment {segment} has no hash")


class Handler(BaseHTTPRequestHandler):
    """Sends the bytes of a virtual file from the start of the requested range on."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, file: VirtualFile) -> None:
        self._file = file
        super().__init__(*args)

    def do_GET(self) -> None:
        size = self._file.size_bytes
        first = int(self.headers.get("Range", "bytes=0-")[6:].partition("-")[0])
        self.send_response(206)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - first))
        self.end_headers()
        try:
            for chunk in read_bytes(self._file, first, size - first, self._open, Verified()):
                self.wfile.write(chunk)
        except ConnectionError:  # the player continues at another place
            self.close_connection = True

    def _open(self, number: int, offset: int, length_bytes: int) -> FilePart:
        return FilePart(self._file.segments[number].segment.path, offset, length_bytes)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Write no log."""


@contextmanager
def served(file: VirtualFile) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, file=file))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/day.mp4"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> VirtualFile:
    """24 hours at 5 pictures a second; picture n shows the number n, modulo FRAMES."""
    folder = tmp_path_factory.mktemp("day")
    material = Material(gop=5 * FPS, length=FRAMES + 1, fps=FPS)
    record(packets_of(material), folder, segment_s=SEGMENT_S)
    found = Ledger(folder).segments("cam-1", 0, 2 * START_NS)[:DIFFERENT]
    layouts = {}
    for segment in found:
        with segment.path.open("rb") as file:
            layouts[segment.path] = read_layout(file)
    length_ns = SEGMENT_S * NS_PER_S
    starts_ns = range(START_NS, START_NS + S_PER_DAY * NS_PER_S, length_ns)
    segments = [
        Segment(found[number % DIFFERENT].path, "cam-1", start_ns, start_ns + length_ns, 1)
        for number, start_ns in enumerate(starts_ns)
    ]
    span = (START_NS, START_NS + S_PER_DAY * NS_PER_S)
    pieces = [LaidOutPiece(piece, layouts[piece.segment.path]) for piece in plan(segments, *span)]
    return make_virtual_file(pieces, *span)


def test_chromium_shows_the_right_picture_at_any_moment_of_a_day(
    day: VirtualFile, tmp_path: Path
) -> None:
    if not is_available():
        pytest.skip("Debian package absent: chromium")
    places = random.Random(1)
    frames = [places.randrange(S_PER_DAY * FPS) for _ in range(MOMENTS)]
    moments = [(frame + 0.5) / FPS for frame in frames]
    with served(day) as address:
        page = PAGE % {"address": address, "moments": moments}
        said = result_of_page(page, tmp_path, WITHIN_S)
    assert "error" not in said, said
    assert said["duration_s"] == pytest.approx(S_PER_DAY, abs=0.01)
    assert said["shown"] == [frame % FRAMES for frame in frames]


def test_chromium_shows_the_right_pictures_around_a_gap_of_many_hours(
    pool: Pool, tmp_path: Path
) -> None:
    if not is_available():
        pytest.skip("Debian package absent: chromium")
    first, second = [one for one in pool.segments if "plain" in one.path.parts][:2]
    after = delayed(second, 20)
    file = pool.file([first, after], START_NS, START_NS + S_PER_DAY * NS_PER_S)
    gap_s = (after.start_ns - START_NS) / NS_PER_S
    moments = [0.5, 1.98, 3600, gap_s - 1, gap_s + 0.02, gap_s + 1.5]
    with served(file) as address:
        page = PAGE % {"address": address, "moments": moments}
        said = result_of_page(page, tmp_path, WITHIN_S)
    assert "error" not in said, said
    assert said["shown"] == [12, 49, 49, 49, 50, 87]
