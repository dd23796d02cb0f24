"""`make run` on a new machine: from an empty folder to events of vehicles and faces on the page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import httpx
import pytest

from sightline.processes.ports import free_ports
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
_SEARCH = re.compile(r"(/v1/\w+) --data-urlencode 'plate=([^']+)'")
"""The searches of the README, which a stranger types as they stand."""
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
        _photograph(address, tmp_path / "console.png")
    finally:
        demo.terminate()
        code = demo.wait(60)
        demo.stdout.close()
    assert code == 0


def _kinds_with_clips(port: int, token: str) -> set[str] | None:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = httpx.get(
            f"http://127.0.0.1:{port}/v1/events",
            params={"limit": 100},
            headers=headers,
            trust_env=False,
            timeout=10,
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
        timeout=10,
    )
    found = answer.raise_for_status().json()
    return bool(found["items"] if "items" in found else found["sightings"])


def _photograph(address: str, file: Path) -> None:
    """Take a screenshot of the page, if Chromium is installed.

    SIGHTLINE_SCREENSHOTS names a folder for the README.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        return
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
    ]
    profile = f"--user-data-dir={file.parent / 'profile'}"
    view = ["--window-size=1280,900", "--virtual-time-budget=15000", f"--screenshot={file}"]
    subprocess.run(
        [chromium, *options, profile, *view, address], check=True, capture_output=True, timeout=180
    )
    picture = cv2.imread(str(file))
    assert picture is not None
    assert picture.std() > 30, "an empty page is nearly one colour"
    if folder := os.environ.get("SIGHTLINE_SCREENSHOTS"):
        shutil.copy(file, Path(folder) / "console.png")
