"""Clients that read slowly hold no more than the budget and the least of each response."""

from __future__ import annotations

import gc
import socket
import threading
import weakref
from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from api.app import make_app
from api.cameras.read_ahead import read_ahead
from api.limits.byte_budget import ByteBudget
from api.limits.rate_limits import PersonLimits
from api.limits.send_limits import LeastRate, Sending
from api.requests.declarations import Declaration, Scope
from api.requests.streams import TOGETHER_BYTES, HeldStream
from api.routes import ROUTES
from domain.clock import ManualClock
from domain.people import Right, Role
from storage.recordings.file_reader import CHUNK_BYTES

if TYPE_CHECKING:
    from tests.api.conftest import Site

READERS = 40
CHUNKS = 256
BUDGET_BYTES = 4 << 20
LEAST_CHUNKS = 4
"""One that is sent, one in the batch, one that waits, and one that is read."""


class Source:
    """Chunks that are counted as long as anything refers to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.live = self.given = 0

    def chunks(self) -> Generator[memoryview]:
        for _ in range(CHUNKS):
            chunk = memoryview(bytes(CHUNK_BYTES))
            weakref.finalize(chunk, self._drop)
            with self._lock:
                self.live += 1
                self.given += 1
            yield chunk
            del chunk

    def _drop(self) -> None:
        with self._lock:
            self.live -= 1


def test_many_slow_readers_hold_the_budget_and_the_least(site: Site) -> None:
    budget, source = ByteBudget(BUDGET_BYTES), Source()

    def read_export() -> HeldStream:
        chunks = read_ahead(source.chunks(), budget)
        headers = {"Content-Length": str(CHUNKS * CHUNK_BYTES)}
        return HeldStream(chunks, chunks.close, 200, headers, "video/mp4", TOGETHER_BYTES)

    declared = Declaration(
        "GET",
        "/v1/export",
        read_export,
        Right.EVENTS_READ,
        Scope.SITE,
        audit="test.export",
        is_evidence_access=True,
    )
    app = make_app(site.context, (*ROUTES, declared))
    app.state.person_limits = PersonLimits(ManualClock(), 0, max_streams=READERS)
    app.state.sending = Sending(ManualClock(), LeastRate(), READERS, budget)
    with site.serve(app) as url, ExitStack() as readers:
        for _ in range(READERS):
            readers.enter_context(reader(site, url))
        # The buffers of the kernel take some megabytes of each.
        site.eventually(lambda: app.state.sending.open == READERS and is_still(site, source))
        most_chunks = BUDGET_BYTES // CHUNK_BYTES + READERS * LEAST_CHUNKS
        assert READERS <= source.live <= most_chunks
        assert budget.left_bytes < CHUNK_BYTES, "the budget is used where it is left"
    site.eventually(lambda: app.state.sending.open == 0)
    assert budget.left_bytes == BUDGET_BYTES
    gc.collect()  # an exception that ends a response refers to its last chunk
    assert source.live == 0


def is_still(site: Site, source: Source) -> bool:
    """Return whether nothing was read for a while."""
    before = source.given
    site.context.clock.sleep(0.3)
    return source.given == before


def reader(site: Site, url: str) -> socket.socket:
    """Send a request and read nothing of its response."""
    place = urlsplit(url)
    assert place.port is not None
    connected = socket.create_connection(("127.0.0.1", place.port))
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    headers = {
        "Host": place.netloc,
        "Authorization": f"Bearer {site.tokens[Role.OPERATOR]}",
        "X-Reason": "test",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connected.sendall(f"GET /v1/export HTTP/1.1\r\n{lines}\r\n".encode())
    return connected
