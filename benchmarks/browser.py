"""Runs Chromium without a window. It opens a page, which posts its result."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-web-security",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
)
"""Web security is off, because the page and the API have different origins.

The debugging port keeps the browser running until it is terminated.
"""


def is_available() -> bool:
    return shutil.which("chromium") is not None


def result_of_page(
    page: str,
    folder: Path,
    within_s: float,
    host: str = "127.0.0.1",
    inside: Sequence[str] = (),
    actions: Mapping[str, Callable[[], None]] | None = None,
) -> Any:
    """Return what a page posts to `result`, as JSON. `folder` holds the page and its files. `host`
    is the address from which the browser loads it, and `inside` begins a command in the network
    namespace of the browser. The page runs one of the `actions` by a POST to its name.

    Raises queue.Empty after `within_s`, and OSError if there is no Chromium.
    """
    (folder / "page.html").write_text(page, "utf-8")
    results: queue.Queue[bytes] = queue.Queue()
    with (
        _served(folder, results, host, actions or {}) as address,
        (folder / "chromium.log").open("wb") as log,
    ):
        profile = f"--user-data-dir={folder / 'profile'}"
        command = [*inside, "chromium", *_OPTIONS, profile, f"{address}/page.html"]
        browser = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            return json.loads(results.get(timeout=within_s))
        finally:
            browser.terminate()
            browser.wait(20)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(
        self,
        *args: Any,
        results: queue.Queue[bytes],
        actions: Mapping[str, Callable[[], None]],
        **named: Any,
    ) -> None:
        self._results = results
        self._actions = actions
        super().__init__(*args, **named)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path.strip("/")
        if name in self._actions:
            self._actions[name]()
        else:
            self._results.put(body)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Write no log."""


@contextmanager
def _served(
    folder: Path,
    results: queue.Queue[bytes],
    host: str,
    actions: Mapping[str, Callable[[], None]],
) -> Iterator[str]:
    handler = partial(_Handler, results=results, actions=actions, directory=str(folder))
    server = ThreadingHTTPServer((host, 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
