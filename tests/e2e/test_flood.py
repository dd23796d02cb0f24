"""A flood of requests without a token stops neither the recording nor the search of a person."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from benchmarks.cameras import Picture, make_stream, served
from benchmarks.capacity import HELD_BACK
from benchmarks.recorders import kept
from sightline.processes.status_file import read_statuses
from tests.e2e.conftest import CLOCK, Site, camera
from tests.waiting import PATIENCE_S, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
CAMERAS = 4
FLOOD_S = 10
PATH = "/v1/events?plate=*"


def _flood(port: int) -> subprocess.Popen[str]:
    """Start one thread of `wrk`, or of our own generator, with many connections."""
    wrk = shutil.which("wrk")
    url = f"http://127.0.0.1:{port}{PATH}"
    command = (
        [wrk, "-t1", "-c64", f"-d{FLOOD_S}s", url]
        if wrk is not None
        else [
            sys.executable,
            "-m",
            "tests.security.flood",
            "127.0.0.1",
            str(port),
            PATH,
            str(FLOOD_S),
        ]
    )
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _answered(output: str) -> int:
    """Return the number of answers that the generator counted."""
    found = re.search(r"(\d+) requests in", output) or re.search(r"^(\d+)$", output, re.MULTILINE)
    assert found is not None, output
    return int(found[1])


def test_a_flood_without_a_token(tmp_path: Path, make_site: Callable[..., Site]) -> None:
    """No packet is lost and every search is answered; no time is measured."""
    stream = make_stream(tmp_path / "stream.mp4", Picture(180, 0.2))
    with served("simulator", stream, CAMERAS, tmp_path) as source:
        site = make_site([camera(f"cam-{n}", url) for n, url in enumerate(source.urls)])
        site.start()
        wait_for("recording", lambda: _is_recording(site))
        token = site.token()
        flood = _flood(site.port)
        person = httpx.HTTPTransport(local_address="127.0.0.2")
        searches = []
        with httpx.Client(transport=person, timeout=PATIENCE_S) as http:
            headers = {"Authorization": f"Bearer {token}", "X-Reason": "a test"}
            url = f"http://127.0.0.1:{site.port}/v1/events?limit=5"
            while flood.poll() is None:
                searches.append(http.get(url, headers=headers).status_code)
                CLOCK.sleep(0.1)
        assert flood.stdout is not None
        answered = _answered(flood.stdout.read())
        flood.stdout.close()
        sent = source.fall_silent()
        assert sent is not None
        wait_for("end of the streams", lambda: not _is_recording(site))
        assert site.stop() == 0
        files = [kept(site.layout.recordings_of(f"cam-{n}")) for n in range(CAMERAS)]
    assert answered > 500, "the flood was one"
    assert len(searches) > 3
    assert set(searches) == {200}
    for held, counters in zip(files, sent, strict=True):
        assert counters.dropped_packets == 0
        assert held.missing == 0
        assert counters.sent_units - held.pictures <= HELD_BACK


def _is_recording(site: Site) -> bool:
    statuses = read_statuses(site.layout)
    return len(statuses) == CAMERAS and all(one.state.is_live for one in statuses)
