"""The plain page in a browser: events, search, a clip, no token in the URL, no injection."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import httpx
import numpy as np
import pytest

from api.access.api_context import SiteRegistry
from domain.camera_states import CameraState, CameraStatus
from domain.clock import NS_PER_S
from domain.events.event import Event, ObjectDigest, Sidecar
from domain.paths.data_layout import Layout
from domain.paths.object_keys import CLIP, CROP, SIDECAR, SNAPSHOT, event_object
from domain.people import Role
from domain.plates import PlateColor
from sightline.processes.ports import free_ports
from storage.recordings.clips import cut
from storage.recordings.ledger import Ledger
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

START_NS = 1_764_000_000 * NS_PER_S
HOSTILE = "<img src=x onerror=alert(1)>东口"


class Browser:
    """A headless Chromium, driven by the W3C WebDriver protocol."""

    def __init__(self, driver: str) -> None:
        self._http = httpx.Client(base_url=driver, trust_env=False, timeout=PATIENCE_S)
        # Without its sandbox, since root may run the tests; it opens nothing but the page.
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1280,900",
        ]
        chrome = {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        capabilities: dict[str, object] = {"capabilities": {"alwaysMatch": chrome}}
        self._session = f"/session/{self._post('/session', capabilities)['sessionId']}"

    def open(self, url: str) -> None:
        self._post(f"{self._session}/url", {"url": url})

    def run(self, script: str) -> Any:
        return self._post(f"{self._session}/execute/sync", {"script": script, "args": []})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(
            base64.b64decode(self._http.get(f"{self._session}/screenshot").json()["value"])
        )

    def console_errors(self) -> list[str]:
        return [
            entry["message"]
            for entry in self._post(f"{self._session}/se/log", {"type": "browser"})
            if entry["level"] == "SEVERE"
        ]

    def close(self) -> None:
        self._http.delete(self._session)
        self._http.close()

    def _post(self, path: str, body: dict[str, object]) -> Any:
        answer = self._http.post(path, json=body).json()["value"]
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    binary = shutil.which("chromedriver")
    if binary is None or shutil.which("chromium") is None:
        pytest.skip("Debian package absent: chromium-driver")
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [binary, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        from_driver = f"http://127.0.0.1:{port}"
        _until(lambda: _answers(from_driver))
        opened = Browser(from_driver)
        yield opened
        opened.close()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/status", trust_env=False, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def _until(holds: Callable[[], bool]) -> None:
    from tests.api.conftest import Site

    Site.eventually(holds)


@pytest.fixture
def street(
    open_site: OpenSite, make_event: MakeEvent, record: Callable[[Layout, str, int, float], Path]
) -> Site:
    """Fill a site with two vehicles and a face with pictures and clips, and three cameras.

    The cameras have three states, and one has a hostile name.
    """
    site = open_site(registry=_hostile_registry)
    events = [
        make_event(1, direction="away", lane=2, crossed=(-1,)),
        _green(make_event(4, "west-gate", "粤BD12345")),
        make_event(7, "west-gate", None),
    ]
    record(site.layout, "east-gate", START_NS, 6)
    for event in events:
        _keep(site, event)
    seen = {
        "last_packet_wall_ns": START_NS,
        "codec": "h264",
        "width_px": 1920,
        "height_px": 1080,
        "fps": 25.0,
        "bitrate_bps": 4_100_000,
    }
    site.context.states.publish(
        [
            CameraStatus("east-gate", CameraState.LIVE, START_NS, **seen),  # type: ignore[arg-type]
            CameraStatus("school", CameraState.WRONG_PASSWORD, START_NS, "401 Unauthorized"),
        ]
    )
    return site


def _green(event: Event) -> Event:
    assert event.plate is not None
    return event.model_copy(
        update={"plate": event.plate.model_copy(update={"color": PlateColor.GREEN})}
    )


def _hostile_registry() -> SiteRegistry:
    from tests.api.site_data import REGISTRY

    cameras = tuple(
        camera.model_copy(update={"name": HOSTILE}) if camera.id == "west-gate" else camera
        for camera in REGISTRY.cameras
    )
    return SiteRegistry(REGISTRY.model_copy(update={"cameras": cameras}))


def _keep(site: Site, event: Event) -> None:
    clip = site.layout.root / "clip.mp4"
    made = cut(
        Ledger(site.layout.recordings).segments("east-gate", START_NS, START_NS + 6 * NS_PER_S),
        START_NS,
        START_NS + 6 * NS_PER_S,
        clip,
    )
    key = event_object(event.camera, event.id, CLIP)
    ready = event.model_copy(update={"clip_ready": True})
    digests = {CLIP: ObjectDigest(key=key, size_bytes=made.size_bytes, sha256=made.sha256)}
    for name, width_px, height_px in ((SNAPSHOT, 640, 360), (CROP, 160, 52)):
        at, data = event_object(event.camera, event.id, name), _jpeg(width_px, height_px)
        site.context.objects.put(at, data, "image/jpeg")
        digests[name] = ObjectDigest(
            key=at, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
        )
    sidecar = Sidecar(event=ready, objects=digests)
    site.context.objects.put_file(key, clip, "video/mp4")
    site.context.objects.put(
        event_object(event.camera, event.id, SIDECAR),
        sidecar.model_dump_json(by_alias=True).encode(),
        "application/json",
    )
    site.context.index.put(ready)


def _jpeg(width_px: int, height_px: int) -> bytes:
    ramp = np.linspace(40, 200, width_px, dtype=np.uint8)
    picture = np.repeat(ramp[None, :, None], height_px, 0).repeat(3, 2)
    cv2.rectangle(
        picture, (width_px // 4, height_px // 4), (width_px // 2, height_px // 2), (200, 90, 20), -1
    )
    return cv2.imencode(".jpg", picture)[1].tobytes()


def test_the_page_lists_searches_and_plays(browser: Browser, street: Site) -> None:
    browser.open(f"{street.url}/#token={street.tokens[Role.OPERATOR]}")
    _until(lambda: not browser.run("return document.getElementById('gate').hidden"))
    assert browser.run("return location.href") == f"{street.url}/", (
        "the token is gone from the address"
    )
    browser.run(
        "if (document.documentElement.lang === 'en') document.getElementById('language').click()"
    )
    browser.run(
        "document.getElementById('reason').value = '查找被盗车辆';"
        "document.querySelector('#sign-in button').click()"
    )
    pictures = (
        "return [...document.querySelectorAll('.card img')].filter((one) => "
        "one.naturalWidth > 0).length"
    )
    _until(lambda: browser.run(pictures) == 6)
    assert browser.run(
        "return [...document.querySelectorAll('.card .plate')].map((one) => one.textContent)"
    ) == [
        "人脸",
        "粤B·D12345",
        "鄂F·88888",
    ]
    assert browser.run("return document.querySelector('.card .camera').textContent") == HOSTILE
    assert browser.run("return document.querySelectorAll('#cameras li').length") == 3
    assert "密码错误" in browser.run("return document.querySelector('.state-bad').textContent")
    _shoot(browser, "events")

    browser.run(
        "document.getElementById('plate').value = '鄂f8888?'; document.querySelector('#search "
        ".main').click()"
    )
    _until(lambda: browser.run("return document.querySelectorAll('.card').length") == 1)
    browser.run("document.querySelector('.card').click()")
    _until(
        lambda: (
            browser.run(
                "const video = document.getElementById('video'); return video.readyState >= 2 && "
                "video.videoWidth"
            )
            == 64
        )
    )
    assert browser.run("return document.getElementById('player-title').textContent").endswith(
        " · 驶离 · 车道 2 · 越线 1（右→左）"
    )
    _shoot(browser, "clip")
    browser.run(
        "document.getElementById('close').click(); document.getElementById('plate').value = '京*'"
    )
    browser.run("document.querySelector('#search .main').click()")
    _until(lambda: not browser.run("return document.getElementById('empty').hidden"))
    browser.run("document.getElementById('language').click()")
    _until(
        lambda: (
            "Nothing matches" in browser.run("return document.getElementById('empty').textContent")
        )
    )
    _shoot(browser, "empty")
    assert any('"reason":"查找被盗车辆"' in line for line in street.audit_lines())
    assert browser.console_errors() == []


def test_the_page_gets_events_and_clips_from_the_feed(
    browser: Browser, street: Site, make_event: MakeEvent
) -> None:
    browser.open(f"{street.url}/#token={street.tokens[Role.OPERATOR]}")
    _until(lambda: not browser.run("return document.getElementById('gate').hidden"))
    browser.run(
        "document.getElementById('reason').value = 'watch'; document.querySelector('#sign-in "
        "button').click()"
    )
    cards = "return [...document.querySelectorAll('.card .plate')].map((one) => one.textContent)"
    _until(lambda: len(browser.run(cards)) == 3)
    looks = [line for line in street.audit_lines() if '"events.search"' in line]
    assert len(looks) == 1
    new = make_event(5, plate="鄂C12345")
    street.context.feed.add_all([new])
    _until(lambda: "鄂C·12345" in browser.run(cards))
    play = "return document.querySelectorAll('.card .play')[1].textContent"
    soon = browser.run(play)
    street.context.feed.add_all([new.model_copy(update={"clip_ready": True})])
    _until(lambda: browser.run(play) != soon)
    assert browser.run(cards)[1] == "鄂C·12345", "in its place by time"
    assert [line for line in street.audit_lines() if '"events.search"' in line] == looks


def test_a_wrong_token_is_requested_again(browser: Browser, street: Site) -> None:
    browser.open(f"{street.url}/healthz")
    browser.open(f"{street.url}/#token=sl_wrong")
    _until(lambda: not browser.run("return document.getElementById('gate-error').hidden"))
    assert browser.run("return sessionStorage.getItem('token')") is None
    _shoot(browser, "gate")


def test_the_policy_allows_only_what_the_page_has(site: Site) -> None:
    answer = site.http.get(f"{site.url}/")
    policy = answer.headers["Content-Security-Policy"]
    script = answer.text.partition("<script>")[2].partition("</script>")[0]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for forbidden in (
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "http://",
        "https://",
        " onclick",
        " style=",
    ):
        assert forbidden not in answer.text.replace("<!doctype html>", ""), forbidden


def _shoot(browser: Browser, name: str) -> None:
    """Save a screenshot to the folder in SIGHTLINE_SCREENSHOTS, if that is set."""
    folder = os.environ.get("SIGHTLINE_SCREENSHOTS")
    if folder:
        browser.screenshot(Path(folder) / f"{name}.png")
