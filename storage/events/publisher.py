"""Keeps the events of a worker's cameras: from the spool to the index and the object store, however
often these are away.

Two lanes, so that neither store waits for the other: one enters events in the index, at once and
again when their clips are ready; one puts pictures, clips and sidecars into the object store and
writes the journal. An entry leaves the spool when both are done with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

from domain.clock import Clock
from domain.cpu_time import CpuTime
from domain.errors import IndexUnavailable, ObjectsUnavailable, StoreError
from domain.events.event import Event
from domain.metrics import ANALYSIS_CPU_S, PUBLISH_RETRIES
from domain.settings import Settings
from storage.clients.s3 import ObjectStore
from storage.events.feed import Feed
from storage.events.journal import Journal
from storage.events.publish_steps import PublishSteps, Work
from storage.events.retry_loop import RetryLoop
from storage.events.spool import Spool, SpoolEntry
from storage.index.event_index import EventIndex
from storage.recordings.ledger import Ledger

_INDEX_BATCH = 200
_JOIN_S = 2.0
_KEEP = ANALYSIS_CPU_S.labels("keep")


class EventPublisher:
    def __init__(
        self,
        spool: Spool,
        index: EventIndex,
        feed: Feed,
        objects: ObjectStore,
        journal: Journal,
        ledger: Ledger,
        settings: Settings,
        clock: Clock,
        camera_ids: Callable[[], Sequence[str]],
        recorded_until: Callable[[str], int | None],
    ) -> None:
        """`camera_ids`: whose events to keep, asked at every pass. `recorded_until` answers with
        the wall time (UTC ns) up to which a camera is recorded, None where nothing records it.
        """
        self._spool = spool
        self._index = index
        self._feed = feed
        self._keeping = PublishSteps(objects, journal, ledger, settings, clock, recorded_until)
        self._camera_ids = camera_ids
        self._work: dict[SpoolEntry, Work] = {}
        self._lock = threading.Lock()
        lanes = (("index", self._index_pass), ("objects", self._object_pass))
        self._lanes = tuple(RetryLoop(name, partial(_counted, work), clock) for name, work in lanes)

    def run(self, stop: threading.Event) -> None:
        """Keep events until `stop`. Never gives up on one."""
        index_lane, object_lane = self._lanes
        # A daemon: at `stop` it may be in the middle of an upload to a store that does not answer.
        thread = threading.Thread(
            target=object_lane.run, args=(stop,), name="keeper-objects", daemon=True
        )
        thread.start()
        index_lane.run(stop)
        thread.join(_JOIN_S)

    def run_once(self) -> int:
        """One pass of each lane, also beside `run`; how many events are still in the spool.
        What failed is left to a later pass.
        """
        index_lane, object_lane = self._lanes
        index_lane.run_once()
        object_lane.run_once()
        index_lane.run_once()  # what the objects' lane has just finished
        return len(self._take_stock())

    def wake(self) -> None:
        """There is something new in the spool."""
        for lane in self._lanes:
            lane.wake()

    def pending_count(self) -> int:
        """How many events wait, as of the last pass."""
        return len(self._work)

    def _index_pass(self) -> bool:
        """Enter the newest that are not in the index, and those that are ready. True where
        there is more to do at once.
        """
        works = self._take_stock()
        new = [work for work in works if not work.indexed][-_INDEX_BATCH:]
        self._put([work.event for work in new])
        for work in new:
            work.indexed = True
        ready = [
            (work, work.sidecar.event)
            for work in works
            if work.sidecar is not None and not work.finished
        ][:_INDEX_BATCH]
        self._put([event for _, event in ready])
        for work, _ in ready:
            work.finished = True
        self._settle()
        return len(new) == _INDEX_BATCH or len(ready) == _INDEX_BATCH

    def _put(self, events: list[Event]) -> None:
        """In the index first: whoever hears of an event finds it. One step, so that what failed
        in between is fed once more.
        """
        try:
            self._index.put_all(events)
            known = self._index.corrections([event.id for event in events])
            self._feed.add_all(
                [event.model_copy(update={"corrected": known.get(event.id)}) for event in events]
            )
        except IndexUnavailable:
            PUBLISH_RETRIES.labels("index").inc()
            raise

    def _object_pass(self) -> bool:
        """Take every event as far as it goes. Raises, after all were tried, where one failed;
        at once where the store is away.
        """
        failed: StoreError | None = None
        for work in self._take_stock():
            try:
                self._advance(work)
            except ObjectsUnavailable:
                raise
            except StoreError as error:
                failed = error
        self._settle()
        if failed is not None:
            raise failed
        return False

    def _advance(self, work: Work) -> None:
        had_sidecar = work.sidecar is not None
        try:
            self._keeping.advance(work)
        except Exception as error:
            PUBLISH_RETRIES.labels(work.step).inc()
            if isinstance(error, ObjectsUnavailable):
                raise
            # Whatever it is, it is this event's: the others go on.
            raise StoreError(f"event {work.event.id}, {work.step}: {error!r}") from error
        if work.sidecar is not None and not had_sidecar:
            self._lanes[0].wake()

    def _take_stock(self) -> list[Work]:
        """The work there is, by event id: what came is added, what went is forgotten."""
        # listed under it too: an older list of the other lane must not make this one forget what is
        # new
        with self._lock:
            entries = self._spool.pending(self._camera_ids())
            known = self._work
            self._work = {}
            for entry in entries:
                work = known.get(entry) or self._begin(entry)
                if work is not None:
                    self._work[entry] = work
            return list(self._work.values())

    def _begin(self, entry: SpoolEntry) -> Work | None:
        event = self._spool.event(entry)
        return None if event is None else Work(entry, event)

    def _settle(self) -> None:
        """Let go of what is kept everywhere. The journal line is the last thing written, so
        nothing leaves before it.
        """
        with self._lock:
            done = [entry for entry, work in self._work.items() if work.finished and work.journaled]
            for entry in done:
                self._spool.remove(entry)
                del self._work[entry]


def _counted(work: Callable[[], bool]) -> bool:
    with CpuTime(_KEEP):
        return work()
