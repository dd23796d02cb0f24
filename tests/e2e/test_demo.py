"""`make run` on a new machine: from an empty folder to events of vehicles and faces on the page."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from sightline.processes.ports import free_ports
from tests.api.console.pages import loaded_pictures
from tests.api.live.live_client import Viewer, viewing
from tests.waiting import PATIENCE_S, wait_for
from tests.web_driver import open_browser

ROOT = Path(__file__).parents[2]
_SEARCH = re.compile(r"(/v1/\w+) --data-urlencode 'plate=([^']+)'")
"""The searches of the README, which a stranger types as they stand."""
VEHICLES = "junzhou-east-gate"
"""A checkpoint of the demo."""
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_a_stranger_sees_events(tmp_path: Path, models_folder: Path) -> None:
    (port,) = free_ports(1)
    command = (
        sys.executable,
        "-m",
        "sightline",
        "demo",
        "--data",
        str(tmp_path / "demo"),
        "--port",
        str(port),
    )
    with (tmp_path / "demo.log").open("wb") as log:
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert demo.stdout is not None
    try:
        address = demo.stdout.readline().removeprefix("console: ").strip()
        assert address.startswith(f"http://127.0.0.1:{port}/#token="), (
            tmp_path / "demo.log"
        ).read_text()
        token = address.partition("token=")[2]
        kinds = wait_for("vehicles and faces with clips", partial(_kinds_with_clips, port, token))
        assert kinds == {"vehicle", "face"}
        searches = _SEARCH.findall((ROOT / "README.md").read_text("utf-8"))
        assert len(searches) == 2
        for path, plate in searches:
            wait_for(f"{plate} at {path}", partial(_finds, port, token, path, plate))
        _watch_vehicles(port, token)
        _see_pictures(address)
    finally:
        demo.terminate()
        code = demo.wait(PATIENCE_S)
        demo.stdout.close()
    assert code == 0
    assert "no person can sign in" not in (tmp_path / "demo.log").read_text()


def _kinds_with_clips(port: int, token: str) -> set[str] | None:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = httpx.get(
            f"http://127.0.0.1:{port}/v1/events",
            params={"limit": 100},
            headers=headers,
            trust_env=False,
            timeout=PATIENCE_S,
        )
    except httpx.TransportError:
        return None
    items: list[dict[str, Any]] = answer.json()["items"] if answer.status_code == 200 else []
    kinds = {event["kind"] for event in items if event["clip_ready"]}
    return kinds if len(kinds) == 2 else None


def _finds(port: int, token: str, path: str, plate: str) -> bool:
    answer = httpx.get(
        f"http://127.0.0.1:{port}{path}",
        params={"plate": plate},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=PATIENCE_S,
    )
    found = answer.raise_for_status().json()
    return bool(found["items"] if "items" in found else found["sightings"])


def _watch_vehicles(port: int, token: str) -> None:
    """Watch a checkpoint live until the box of a plate that is read belongs to a sent picture."""
    headers = {"Authorization": f"Bearer {token}"}
    address = f"ws://127.0.0.1:{port}/v1/cameras/{VEHICLES}/live?detections=1"
    with viewing(address, headers) as viewer:
        viewer.read_until(_boxes_in_step)
        for left, top, right, bottom in _boxes_in_step(viewer):
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1


def _boxes_in_step(viewer: Viewer) -> list[list[float]]:
    """Return the boxes of plates that were read, whose pictures have arrived."""
    times_ms = {round(1000 * one.media_s) for one in viewer.fragments}
    return [
        item["box"]
        for message in viewer.of_type("detections")
        if times_ms & {round(1000 * message["media_s"]) + off for off in (-1, 0, 1)}
        for item in message["items"]
        if item["plate"]
    ]


def _see_pictures(address: str) -> None:
    """Open the console, if Chromium and its driver are installed, and wait for a picture of an
    event.
    """
    if shutil.which("chromedriver") is None:
        return
    with open_browser() as browser:
        browser.open(address)
        wait_for("a picture of an event", lambda: bool(loaded_pictures(browser)) or None)
        browser.shoot("demo")
