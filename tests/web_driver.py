"""Chromium, driven by the W3C WebDriver protocol as a person would use it: keys and clicks."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sightline.processes.ports import free_ports
from tests.waiting import PATIENCE_S, wait_for

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_ARGUMENTS = (
    "--headless=new",
    # Root may run the tests; the browser opens nothing but pages of the tests.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
    # A page of another program, such as that of the OpenID provider, may name files elsewhere.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}


class WebDriverError(AssertionError):
    """The browser could not do what the test requested."""


class Browser:
    """A headless Chromium with one page."""

    def __init__(self, driver: str) -> None:
        self._http = httpx.Client(base_url=driver, trust_env=False, timeout=PATIENCE_S)
        chrome = {
            "goog:chromeOptions": {"args": list(_ARGUMENTS)},
            "goog:loggingPrefs": {"browser": "ALL"},
            # The sites of the tests have certificates of their own authorities.
            "acceptInsecureCerts": True,
        }
        capabilities: dict[str, object] = {"capabilities": {"alwaysMatch": chrome}}
        self._session = f"/session/{self._post('/session', capabilities)['sessionId']}"

    def open(self, url: str) -> None:
        self._post(f"{self._session}/url", {"url": url})

    def resize(self, width_px: int, height_px: int) -> None:
        """Give the page a size; its window is larger."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width_px,
            height=height_px,
            deviceScaleFactor=1,
            mobile=False,
        )

    def own_size(self) -> None:
        """Give the page the size of its window again."""
        self.devtools("Emulation.clearDeviceMetricsOverride")

    def back(self) -> None:
        """Go back by the button of the browser."""
        self._post(f"{self._session}/back", {})

    def open_tab(self, url: str) -> str:
        """Open a page in another tab, and use that one from now on; return its handle."""
        handle: str = self._post(f"{self._session}/window/new", {"type": "tab"})["handle"]
        self.use_tab(handle)
        self.open(url)
        return handle

    def tab(self) -> str:
        """Return the handle of the tab in use."""
        found: str = self._http.get(f"{self._session}/window").json()["value"]
        return found

    def use_tab(self, handle: str) -> None:
        self._post(f"{self._session}/window", {"handle": handle})

    def close_tab(self) -> None:
        """Close the tab in use; another one must be used afterwards."""
        self._http.delete(f"{self._session}/window")

    def allow(self, permission: str) -> None:
        """Grant a permission, such as `notifications`, to the site of the page."""
        self._post(
            f"{self._session}/permissions",
            {"descriptor": {"name": permission}, "state": "granted"},
        )

    def run(self, script: str, *arguments: object) -> Any:
        return self._post(f"{self._session}/execute/sync", {"script": script, "args": arguments})

    def run_async(self, script: str, *arguments: object) -> Any:
        """Run a script that calls its last argument with the result."""
        return self._post(f"{self._session}/execute/async", {"script": script, "args": arguments})

    def devtools(self, command: str, **parameters: object) -> Any:
        """Run a command of the Chrome DevTools Protocol."""
        body: dict[str, object] = {"cmd": command, "params": parameters}
        return self._post(f"{self._session}/goog/cdp/execute", body)

    def set_offline(self, is_offline: bool) -> None:
        """Take the network from the browser, or give it back."""
        self.devtools("Network.enable")
        self.devtools(
            "Network.emulateNetworkConditions",
            offline=is_offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    def text(self, selector: str = "body") -> str:
        """Return the visible text of an element, or an empty text while it is absent."""
        found: str = self.run(
            "return document.querySelector(arguments[0])?.innerText ?? ''", selector
        )
        return found

    def texts(self, selector: str) -> list[str]:
        found: list[str] = self.run(
            "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)",
            selector,
        )
        return found

    def click(self, selector: str) -> None:
        """Click on an element as soon as it can be clicked."""
        self._act(selector, "click", {})

    def fill(self, selector: str, text: str) -> None:
        """Type a text into a field in place of what it holds."""
        self._act(selector, "clear", {})
        self._act(selector, "value", {"text": text})

    def press(self, key: str) -> None:
        """Press a key, a character or one of `KEYS`, wherever the focus is."""
        value = KEYS.get(key, key)
        steps = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": steps}
        self._post(f"{self._session}/actions", {"actions": [keyboard]})

    def point_at(self, selector: str, across: float, down: float, *, click: bool = False) -> None:
        """Move the pointer to a place of an element, given as parts of its width and height."""
        left, width, top, height = self.run(
            "const element = document.querySelector(arguments[0]);"
            "element.scrollIntoView({block: 'nearest'});"
            "const box = element.getBoundingClientRect();"
            "return [box.left, box.width, box.top, box.height]",
            selector,
        )
        x, y = round(left + across * width), round(top + down * height)
        steps: list[dict[str, object]] = [{"type": "pointerMove", "x": x, "y": y, "duration": 0}]
        if click:
            steps += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._post(
            f"{self._session}/actions",
            {"actions": [{"type": "pointer", "id": "mouse", "actions": steps}]},
        )

    def drag(self, selector: str, start: float, end: float) -> None:
        """Drag over an element, between two parts of its width."""
        left, width, middle = self.run(
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [box.left, box.width, box.top + box.height / 2]",
            selector,
        )
        places = [round(left + part * width) for part in (start, end)]
        moves = [
            {"type": "pointerMove", "x": place, "y": round(middle), "duration": 0}
            for place in places
        ]
        button: list[dict[str, object]] = [
            {"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")
        ]
        steps = [moves[0], button[0], moves[1], button[1]]
        self._post(
            f"{self._session}/actions",
            {"actions": [{"type": "pointer", "id": "mouse", "actions": steps}]},
        )

    def until(self, what: str, holds: Callable[[], object]) -> None:
        """Wait until something holds. A failure shows what the page has."""
        try:
            wait_for(what, lambda: bool(holds()) or None, timeout_s=PATIENCE_S / 4)
        except pytest.fail.Exception:
            pytest.fail(f"no {what}; the page has:\n{self.text()}\n{self.console_errors()}")

    def screenshot(self, path: Path) -> None:
        path.write_bytes(
            base64.b64decode(self._http.get(f"{self._session}/screenshot").json()["value"])
        )

    def shoot(self, name: str) -> None:
        """Save a screenshot to the folder in SIGHTLINE_SCREENSHOTS, if that is set."""
        folder = os.environ.get("SIGHTLINE_SCREENSHOTS")
        if folder:
            self.screenshot(Path(folder) / f"{name}.png")

    def console_errors(self) -> list[str]:
        """Return the errors in the console of the browser since the last call."""
        return [
            entry["message"]
            for entry in self._post(f"{self._session}/se/log", {"type": "browser"})
            if entry["level"] == "SEVERE"
        ]

    def close(self) -> None:
        self._http.delete(self._session)
        self._http.close()

    def _act(self, selector: str, action: str, body: dict[str, object]) -> None:
        def acted() -> bool | None:
            try:
                found = self._post(
                    f"{self._session}/element", {"using": "css selector", "value": selector}
                )
                self._post(f"{self._session}/element/{found[_ELEMENT]}/{action}", body)
            except WebDriverError as error:
                last.append(str(error))
                return None
            return True

        last: list[str] = []
        try:
            wait_for(f"element {selector}", acted, timeout_s=PATIENCE_S / 4)
        except pytest.fail.Exception:
            pytest.fail(f"{action} {selector}: {last[-1][:300]}\nthe page has:\n{self.text()}")

    def _post(self, path: str, body: dict[str, object]) -> Any:
        answer = self._http.post(path, json=body).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise WebDriverError(f"{answer['error']}: {answer.get('message', '')}")
        return answer


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium. The test is skipped without Debian's package."""
    binary = shutil.which("chromedriver")
    if binary is None or shutil.which("chromium") is None:
        pytest.skip("Debian package absent: chromium-driver")
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [binary, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        driver = f"http://127.0.0.1:{port}"
        wait_for("chromedriver", lambda: _answers(driver) or None)
        browser = Browser(driver)
        yield browser
        browser.close()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/status", trust_env=False, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
