"""Chromium as a player: it opens a page, which posts its result.

Tests are skipped without Debian's package.
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

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
_WITHIN_S = 60


def result_in_chromium(page: str, folder: Path) -> Any:
    """Return the result that a page posts."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Debian package absent: chromium")
    (folder / "page.html").write_text(page, "utf-8")
    said: queue.Queue[bytes] = queue.Queue()
    with _served(folder, said) as address, (folder / "chromium.log").open("wb") as log:
        command = [
            chromium,
            *_OPTIONS,
            f"--user-data-dir={folder / 'profile'}",
            f"{address}/page.html",
        ]
        browser = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            return json.loads(said.get(timeout=_WITHIN_S))
        finally:
            browser.terminate()
            browser.wait(20)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, said: queue.Queue[bytes], **named: Any) -> None:
        self._said = said
        super().__init__(*args, **named)

    def do_POST(self) -> None:
        self._said.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Write no log."""


@contextmanager
def _served(folder: Path, said: queue.Queue[bytes]) -> Iterator[str]:
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Handler, said=said, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
