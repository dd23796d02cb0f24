"""Publishes the events of a worker's cameras from the spool to the index and the object store,
however often these are unreachable.

Two loops run, so that neither store waits for the other. One writes events to the index,
immediately and again when their clips are ready. The other uploads pictures, clips and sidecars,
and writes the journal. An entry leaves the spool when both are done with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from domain.clock import Clock
from domain.cpu_time import CpuTime
from domain.errors import IndexUnavailable, ObjectsUnavailable, StoreError
from domain.events.event import Event
from domain.metrics import ANALYSIS_CPU_S, PUBLISH_RETRIES
from domain.settings import Settings
from storage.events.event_clips import EventClips
from storage.events.publish_steps import PublishedCameras, PublishSteps, PublishTargets, Work
from storage.events.retry_loop import RetryLoop
from storage.events.spool import Spool, SpoolEntry

_INDEX_BATCH = 200
_JOIN_S = 2.0
_KEEP = ANALYSIS_CPU_S.labels("keep")


class EventPublisher:
    def __init__(
        self,
        spool: Spool,
        targets: PublishTargets,
        clips: EventClips,
        cameras: PublishedCameras,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._spool = spool
        self._index = targets.index
        self._feed = targets.feed
        self._steps = PublishSteps(targets, clips, cameras, settings, clock)
        self._camera_ids = cameras.ids
        self._work: dict[SpoolEntry, Work] = {}
        self._lock = threading.Lock()
        loops = (("index", self._index_pass), ("objects", self._object_pass))
        self._loops = tuple(RetryLoop(name, partial(_counted, work), clock) for name, work in loops)

    def run(self, stop: threading.Event) -> None:
        """Publish events until `stop`. An event is retried until it succeeds."""
        index_loop, object_loop = self._loops
        # It is a daemon thread: at `stop`, an upload may wait for a store that does not answer.
        thread = threading.Thread(
            target=object_loop.run, args=(stop,), name="publish-objects", daemon=True
        )
        thread.start()
        index_loop.run(stop)
        thread.join(_JOIN_S)

    def run_once(self) -> int:
        """Do one pass of each loop, also concurrently with `run`. Returns how many events are still
        in the spool; a later pass repeats what failed.
        """
        index_loop, object_loop = self._loops
        index_loop.run_once()
        object_loop.run_once()
        index_loop.run_once()  # what the object loop has just finished
        return len(self._current_work())

    def wake(self) -> None:
        """Start a pass now, because the spool has a new entry."""
        for loop in self._loops:
            loop.wake()

    def pending_count(self) -> int:
        """Return how many events waited after the last pass."""
        return len(self._work)

    def _index_pass(self) -> bool:
        """Index the newest events that are not in the index, and those that are ready. Returns True
        if another pass is needed immediately.
        """
        works = self._current_work()
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
        self._remove_published()
        return len(new) == _INDEX_BATCH or len(ready) == _INDEX_BATCH

    def _put(self, events: list[Event]) -> None:
        """Write events to the index, and then to the feed, so that a reader of the feed finds them.
        This is one step: after a failure in between, they are added to the feed again.
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
        """Advance every event as far as possible. An error is raised after all events were tried;
        an unreachable store raises immediately.
        """
        failed: StoreError | None = None
        for work in self._current_work():
            try:
                self._advance(work)
            except ObjectsUnavailable:
                raise
            except StoreError as error:
                failed = error
        self._remove_published()
        if failed is not None:
            raise failed
        return False

    def _advance(self, work: Work) -> None:
        had_sidecar = work.sidecar is not None
        try:
            self._steps.advance(work)
        except Exception as error:
            PUBLISH_RETRIES.labels(work.step).inc()
            if isinstance(error, ObjectsUnavailable):
                raise
            # Any error concerns only this event; the others continue.
            raise StoreError(
                "event {event}, {step}: {error}",
                event=work.event.id,
                step=work.step,
                error=repr(error),
            ) from error
        if work.sidecar is not None and not had_sidecar:
            self._loops[0].wake()

    def _current_work(self) -> list[Work]:
        """Return the work by event id: new entries are added, and removed ones are dropped."""
        # The entries are listed under the lock, so that an older list of the other loop does not
        # drop a new entry.
        with self._lock:
            entries = self._spool.pending(self._camera_ids())
            known = self._work
            self._work = {}
            for entry in entries:
                work = known.get(entry) or self._new_work(entry)
                if work is not None:
                    self._work[entry] = work
            return list(self._work.values())

    def _new_work(self, entry: SpoolEntry) -> Work | None:
        event = self._spool.event(entry)
        return None if event is None else Work(entry, event)

    def _remove_published(self) -> None:
        """Remove completely published entries from the spool. The journal line is written last, so
        none is removed before it.
        """
        with self._lock:
            done = [entry for entry, work in self._work.items() if work.finished and work.journaled]
            for entry in done:
                self._spool.remove(entry)
                del self._work[entry]


def _counted(work: Callable[[], bool]) -> bool:
    with CpuTime(_KEEP):
        return work()
