"""Slow clients of streams are disconnected and counted, and do not delay others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from api.limits.send_limits import LeastRate, Sending, SendRate
from api.requests.streams import HeldStream
from domain.clock import ManualClock
from domain.metrics import SLOW_READERS
from domain.settings import Settings
from tests.api.limits.export_route import PATH, app_with_export, headers_of, requested
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from tests.api.conftest import Site

CHUNK = b"x" * (256 << 10)
SIZE_BYTES = 400 * len(CHUNK)
LEAST = LeastRate(32_000, 30)


class Export:
    """A large source that is open while it is sent."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed = threading.Semaphore(0)
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(SIZE_BYTES // len(CHUNK)):
            self.given += 1
            yield CHUNK

    def close(self) -> None:
        self.closed.release()


class Served:
    """An app with a streaming route and a clock that the test advances."""

    def __init__(self, site: Site, most: int = 48) -> None:
        self.site, self.export, self.clock = site, Export(), ManualClock()
        export = self.export

        def read_export() -> HeldStream:
            export.opened += 1
            return HeldStream(
                export, export.close, 200, {"Content-Length": str(SIZE_BYTES)}, "video/mp4"
            )

        self.app = app_with_export(site, read_export)
        self.sending = Sending(self.clock, LEAST, most)
        self.app.state.sending = self.sending
        self.headers = headers_of(site)

    @contextmanager
    def reader(self, url: str) -> Iterator[socket.socket]:
        """Connect and send the request; the caller reads the response."""
        with requested(self.site, url) as reader:
            self.site.eventually(lambda: self.sending.open > 0)
            yield reader


def test_a_client_that_stops_is_disconnected_counted_and_released(site: Site) -> None:
    served, before = Served(site), SLOW_READERS._value.get()
    with site.serve(served.app) as url, served.reader(url) as reader:

        def is_disconnected() -> bool:
            served.clock.advance(5)
            return served.export.closed.acquire(blocking=False)

        site.eventually(is_disconnected)
        site.eventually(lambda: served.sending.open == 0)
        assert SLOW_READERS._value.get() == before + 1
        assert served.export.given < SIZE_BYTES // len(CHUNK)
        reader.settimeout(PATIENCE_S)
        got = 0
        while part := reader.recv(1 << 20):
            got += len(part)
        assert got < SIZE_BYTES, "the connection ends, so no part is taken for the whole"


def test_a_client_that_reads_gets_all(site: Site) -> None:
    served, before = Served(site), SLOW_READERS._value.get()
    with site.serve(served.app) as url, httpx.Client(trust_env=False, timeout=PATIENCE_S) as http:
        answer = http.get(f"{url}{PATH}", headers=served.headers)
    assert len(answer.content) == SIZE_BYTES
    assert served.export.closed.acquire(timeout=PATIENCE_S)
    assert SLOW_READERS._value.get() == before


def test_a_client_that_disconnects_is_released(site: Site) -> None:
    served, before = Served(site), SLOW_READERS._value.get()
    with site.serve(served.app) as url:
        with served.reader(url):
            pass
        assert served.export.closed.acquire(timeout=PATIENCE_S)
        site.eventually(lambda: served.sending.open == 0)
    assert SLOW_READERS._value.get() == before


def test_too_many_streams_are_refused_and_released(site: Site) -> None:
    served = Served(site, most=1)
    with site.serve(served.app) as url, served.reader(url):
        refused = httpx.get(
            f"{url}{PATH}", headers=served.headers, trust_env=False, timeout=PATIENCE_S
        )
        assert (refused.status_code, refused.json()["type"]) == (
            503,
            "urn:sightline:problem:unavailable",
        )
        assert "Retry-After" in refused.headers
        assert served.export.closed.acquire(timeout=PATIENCE_S)
        assert (served.export.opened, served.sending.open) == (2, 1)


def _paced(clock: ManualClock, pace: SendRate, chunks: int, seconds: float) -> bool:
    """Return whether a client that needs `seconds` for each chunk counts as too slow."""
    for _ in range(chunks):
        with pace.sending(len(CHUNK)):
            clock.advance(seconds)
            if pace.is_too_slow():
                return True
    return False


@pytest.mark.parametrize(
    ("seconds", "is_too_slow"),
    [(0.0, False), (1.0, False), (7.0, False), (12.0, True), (100.0, True)],
)
def test_a_client_is_measured_over_a_window(seconds: float, is_too_slow: bool) -> None:
    clock = ManualClock()
    assert _paced(clock, SendRate(clock, LEAST), 50, seconds) is is_too_slow


def test_a_slow_source_does_not_count_against_the_client() -> None:
    clock = ManualClock()
    pace = SendRate(clock, LEAST)
    for _ in range(20):
        clock.advance(60)
        assert not _paced(clock, pace, 1, 1.0)


def test_a_fast_client_may_not_stop_for_longer_than_a_window() -> None:
    clock = ManualClock()
    pace = SendRate(clock, LEAST)
    assert not _paced(clock, pace, 1000, 0.1)
    with pace.sending(len(CHUNK)):
        clock.advance(31)
        pace.is_too_slow()
        clock.advance(31)
        assert pace.is_too_slow()


def test_the_rate_comes_from_the_settings_and_0_means_unlimited() -> None:
    assert LeastRate.from_settings(
        Settings(send_least_kb_s=64, send_slow_s=10), slack=2
    ) == LeastRate(64_000, 20)
    clock = ManualClock()
    assert not _paced(clock, SendRate(clock, LeastRate(0, 30)), 5, 1000)
