"""A person who watches a camera by WebRTC while faults are injected. The player opens the camera
again by itself when nothing arrives, as the console does.
"""

from __future__ import annotations

import subprocess
import threading
from types import TracebackType

import httpx

from benchmarks.live.receivers import WebRtcReceivers, webrtc_receivers
from benchmarks.site import CLOCK, BenchSite

_ADDRESS = "127.0.0.1"
_CHECK_S, _RETRY_S = 0.25, 1.0
_FIRST_WITHIN_S, _STALLED_S = 10.0, 3.0
"""The camera is opened again after this time without a first packet, or without a further one."""
_REQUEST_WITHIN_S = 30.0
_FAILURES = (httpx.HTTPError, OSError, RuntimeError, subprocess.TimeoutExpired)


class Viewer:
    """Watches while its context lasts, in a thread."""

    def __init__(self, site: BenchSite, camera: str) -> None:
        self.viewings = 0
        """How often the camera was opened and video received."""
        self.failure = ""
        """Why the camera could not be opened the last time."""
        self._whep = f"{site.url}/v1/cameras/{camera}/whep"
        self._site = site
        self._newest_s = float("-inf")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="viewer", daemon=True)

    def __enter__(self) -> Viewer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def receives(self) -> bool:
        """Return whether video arrives now."""
        return CLOCK.monotonic_s() - self._newest_s < 4 * _CHECK_S

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._view()
            # The site is away at times, and is tried again.
            except _FAILURES as error:
                self.failure = str(error)
            CLOCK.wait(self._stop, _RETRY_S)

    def _view(self) -> None:
        """Watch until nothing arrives any more."""
        with (
            httpx.Client(timeout=_REQUEST_WITHIN_S, trust_env=False) as http,
            webrtc_receivers(_ADDRESS) as receivers,
        ):
            headers = {**self._site.headers, "Content-Type": "application/sdp"}
            answer = http.post(self._whep, content=receivers.offer(), headers=headers)
            answer.raise_for_status()
            receivers.connect(answer.text)
            self._receive(receivers)
            session = self._site.url + answer.headers["Location"]
            http.delete(session, headers=self._site.headers)

    def _receive(self, receivers: WebRtcReceivers) -> None:
        packets, since_s, within_s = 0, CLOCK.monotonic_s(), _FIRST_WITHIN_S
        while not self._stop.is_set() and CLOCK.monotonic_s() - since_s < within_s:
            received = receivers.received().packets
            if received > packets:
                self.viewings += packets == 0
                packets, within_s = received, _STALLED_S
                since_s = self._newest_s = CLOCK.monotonic_s()
            CLOCK.wait(self._stop, _CHECK_S)
