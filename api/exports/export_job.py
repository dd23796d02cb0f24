"""Reads and hashes the recordings of exports in the background, in each process of the API.

One process reads an export at a time: it holds a claim in Redis, which expires if it dies. What was
read is written to the record from time to time, so that a later process continues there.
"""

from __future__ import annotations

import logging
import threading

from api.access.api_context import ApiContext
from api.cameras.recording_files import RecordingFiles
from api.exports.recording_reader import KeptClaim, Listener, RangeReading
from domain.clock import NS_PER_S
from domain.errors import BadInput, DataLoss, NotFound, StoreError
from domain.messages.message import NO_MESSAGE, Message
from domain.recordings.recording_metrics import EXPORTS_MADE
from storage.clients.locks import Lock
from storage.exports.records import ExportRecord, ExportState

POLL_S = 1.0
RESTORE_EVERY_S = 300.0
"""The interval of reading from the object store which exports wait, in case Redis lost them."""
RETRY_AFTER_S = 10.0
"""The pause after a source or a store did not respond."""
SETTLED_NS = 15 * NS_PER_S
"""A range is read this long after its end, when its last segment no longer changes."""
WRITE_EVERY_S = 60.0
_log = logging.getLogger(__name__)


def _ignore(_: float) -> None:
    return None


class ExportJob:
    """Makes exports, one after the other, the oldest first. One thread runs it."""

    def __init__(
        self, context: ApiContext, files: RecordingFiles, listener: Listener = _ignore
    ) -> None:
        """`listener` receives the part of an export that was read, from 0 to 1."""
        self._context = context
        self._listener = listener
        self._files = files
        self._clock = context.clock
        self._restored_s = float("-inf")
        self._not_before_s: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Make exports until `stop` is set. A failure is logged, and retried."""
        while not self._clock.wait(stop, POLL_S):
            try:
                self.run_once(stop)
            except StoreError as error:
                _log.warning("exports are made later: %s", error)

    def run_once(self, stop: threading.Event) -> None:
        """Make every export that waits, except those that another process makes.

        Raises StoreError if Redis or the object store does not respond.
        """
        progress, now_s = self._context.export_progress, self._clock.monotonic_s()
        if now_s - self._restored_s >= RESTORE_EVERY_S:
            waiting = [
                one.id
                for one in self._context.exports.recent().records
                if one.state is ExportState.WAITING
            ]
            progress.add(waiting)
            self._restored_s = now_s
        ids = progress.waiting()
        self._not_before_s = {one: self._not_before_s.get(one, now_s) for one in ids}
        for export_id in ids:
            if stop.is_set():
                return
            if self._not_before_s[export_id] > self._clock.monotonic_s():
                continue
            try:
                self.make(export_id, stop)
            except StoreError as error:
                _log.warning("the export %s is read later: %s", export_id, error)
                self._not_before_s[export_id] = self._clock.monotonic_s() + RETRY_AFTER_S

    def make(self, export_id: str, stop: threading.Event) -> None:
        """Make one export, unless another process makes it. Raises StoreError, to be retried."""
        claim = self._context.export_progress.claim(export_id)
        if not claim.acquire():
            return
        try:
            self._make(export_id, claim, stop)
        finally:
            claim.release()

    def _make(self, export_id: str, claim: Lock, stop: threading.Event) -> None:
        context, now_ns = self._context, self._clock.wall_ns()
        try:
            record = context.exports.get(export_id)
        except (NotFound, DataLoss) as error:
            _log.error("an export cannot be made: %s", error)
            context.export_progress.remove(export_id)
            return
        if record.state is not ExportState.WAITING or now_ns >= record.expires_at:
            context.export_progress.remove(export_id)
            return
        if now_ns < max(one.to for one in record.ranges) + SETTLED_NS:
            return
        kept = KeptClaim(context, record, claim, stop, self._listener)
        reading = _Reading(context, self._files, record, kept)
        try:
            is_done = reading.read_all()
        except (BadInput, NotFound) as error:
            reading.finish(ExportState.FAILED, error.message)
            is_done = True
        if is_done:
            context.export_progress.remove(export_id)


class _Reading:
    """Reads the ranges of one export that were not read yet."""

    def __init__(
        self,
        context: ApiContext,
        files: RecordingFiles,
        record: ExportRecord,
        claim: KeptClaim,
    ) -> None:
        self._context = context
        self._files = files
        self._record = record
        self._results = list(record.results)
        self._claim = claim

    def read_all(self) -> bool:
        """Read all ranges. Return False if the process stops, or has lost the claim.

        Raises BadInput or NotFound if the export cannot be made, and what the sources raise.
        """
        written_s, clock = self._context.clock.monotonic_s(), self._context.clock
        for requested in self._record.ranges[len(self._results) :]:
            reading = RangeReading(self._context, self._files, self._record, requested, self._claim)
            result = reading.read()
            if result is None:
                self._write(ExportState.WAITING)
                return False
            self._results.append(result)
            self._claim.range_done(requested)
            if clock.monotonic_s() - written_s >= WRITE_EVERY_S:
                self._write(ExportState.WAITING)
                written_s = clock.monotonic_s()
        if any(result.members for result in self._results):
            self.finish(ExportState.READY)
        else:
            nothing = Message("nothing is recorded in any of its ranges")
            self.finish(ExportState.FAILED, nothing)
        return True

    def finish(self, state: ExportState, why: Message = NO_MESSAGE) -> None:
        """Write the final state."""
        self._write(state, why)
        EXPORTS_MADE.labels(state).inc()

    def _write(self, state: ExportState, why: Message = NO_MESSAGE) -> None:
        """Write what was read, unless the export was deleted or another process has read more."""
        results = tuple(self._results)
        is_final = state is not ExportState.WAITING

        def changed(current: ExportRecord) -> ExportRecord:
            has_less = len(current.results) < len(results)
            if current.state is not ExportState.WAITING or not (is_final or has_less):
                return current
            finished_at = self._context.clock.wall_ns() if is_final else None
            update = {"results": results, "finished_at": finished_at}
            return current.in_state(state, why).model_copy(update=update)

        self._context.exports.change(self._record.id, changed)
