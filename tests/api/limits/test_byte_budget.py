"""Clients that read slowly hold no more than the budget and the least of each response."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from api.cameras.read_ahead import read_ahead
from api.limits.byte_budget import ByteBudget
from api.limits.rate_limits import PersonLimits
from api.limits.send_limits import LeastRate, Sending
from api.requests.streams import TOGETHER_BYTES, HeldStream
from domain.clock import ManualClock
from storage.recordings.file_reader import CHUNK_BYTES
from tests.api.limits.export_route import app_with_export, requested

if TYPE_CHECKING:
    from tests.api.conftest import Site

READERS = 40
CHUNKS = 256
BUDGET_BYTES = 4 << 20
RECEIVE_BYTES = 64 << 10
LEAST_CHUNKS = 4
"""One that is sent, one in the batch, one that waits, and one that is read."""


class Source:
    """Chunks that are counted as long as anything refers to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.live = self.most_live = self.given = 0

    def chunks(self) -> Generator[memoryview]:
        for _ in range(CHUNKS):
            chunk = memoryview(bytes(CHUNK_BYTES))
            weakref.finalize(chunk, self._drop)
            with self._lock:
                self.live += 1
                self.most_live = max(self.most_live, self.live)
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

    app = app_with_export(site, read_export)
    app.state.person_limits = PersonLimits(ManualClock(), 0, max_streams=READERS)
    app.state.sending = Sending(ManualClock(), LeastRate(), READERS, budget)
    with site.serve(app) as url, ExitStack() as readers:
        for _ in range(READERS):
            readers.enter_context(requested(site, url, RECEIVE_BYTES))
        # The buffers of the kernel take some megabytes of each; then the budget is used.
        site.eventually(lambda: source.live >= READERS and budget.left_bytes < CHUNK_BYTES)
        assert app.state.sending.open == READERS
        # If it is not still yet, the test sees less, and does not fail.
        site.eventually(lambda: is_still(site, source))
    assert source.most_live <= BUDGET_BYTES // CHUNK_BYTES + READERS * LEAST_CHUNKS
    site.eventually(lambda: app.state.sending.open == 0)
    assert budget.left_bytes == BUDGET_BYTES
    gc.collect()  # an exception that ends a response refers to its last chunk
    assert source.live == 0


def is_still(site: Site, source: Source) -> bool:
    """Return whether nothing was read for a while."""
    before = source.given
    site.context.clock.sleep(0.3)
    return source.given == before
