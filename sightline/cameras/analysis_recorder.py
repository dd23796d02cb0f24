"""Logs the ranges in which a checkpoint was analysed only partly, some seconds after each.

A process that is killed has not logged its last seconds. It has left a mark until when the log is
complete, and the next process reports the time from there to the end of the recording, as far as
the log has no cause of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from domain.clock import NS_PER_S, Clock
from domain.errors import StoreError
from domain.log import FloodGate
from domain.recordings.analysis_metrics import PARTLY_ANALYSED_S
from domain.recordings.missed_passings import NEAR_NS, MissedPassings, times_of
from domain.recordings.overlay_intervals import overlay
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from storage.recordings.gaps.log import GapLog

WRITE_EVERY_S = 5.0
MOST_WAITING = 1_000
_log = logging.getLogger(__name__)


class AnalysisRecorder:
    """One thread calls `start`, then `update` every second, and `close` at the end."""

    def __init__(
        self,
        camera_id: str,
        gaps: GapLog,
        take: Callable[[], list[PartlyAnalysed]],
        done_until_ns: Callable[[], int | None],
        clock: Clock,
    ) -> None:
        """`take` returns the times that were not analysed since its last call. `done_until_ns`
        returns until when the next such call will return all of them, by the camera's clock; None
        before the analysis has begun.
        """
        self._camera_id = camera_id
        self._gaps = gaps
        self._take = take
        self._done_until_ns = done_until_ns
        self._clock = clock
        self._missed = MissedPassings()
        self._waiting: list[PartlyAnalysed] = []
        self._due_s = 0.0
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def start(self, until_ns: int) -> None:
        """Continue after an earlier process, which ran the camera until `until_ns`."""
        try:
            since_ns = self._gaps.analysed_until_ns(self._camera_id)
        except OSError as error:
            self._warn_of_damage(error)
            return
        if since_ns is None or since_ns >= until_ns:
            return
        logged = times_of(self._logged(since_ns - NEAR_NS, until_ns + NEAR_NS))
        layers: list[tuple[int, int, PartlyCause | None]] = [
            (since_ns, until_ns, PartlyCause.RESTART),
            *((one.start_ns, one.end_ns, None) for one in logged),
        ]
        self._add(
            [
                PartlyAnalysed(start_ns, end_ns, cause)
                for start_ns, end_ns, cause in overlay(layers)
                if cause is not None
            ]
        )

    def _logged(self, from_ns: int, to_ns: int) -> tuple[PartlyAnalysed, ...]:
        """Return the logged ranges; none if they cannot be read, so that all the time counts as
        not analysed.
        """
        try:
            return self._gaps.partly_analysed(self._camera_id, from_ns, to_ns)
        except OSError as error:
            self._warn_of_damage(error)
            return ()

    def _warn_of_damage(self, error: OSError) -> None:
        _log.error(
            "%s: a gap log cannot be read, so what an earlier process analysed is not known; "
            "examine the disk, and restore the file or delete it: %s",
            self._camera_id,
            error,
        )

    def update(self) -> None:
        """Log the ranges that are due. The next call retries what the disk refused."""
        done_ns = self._done_until_ns()
        self._add(self._take())
        if self._waiting and self._clock.monotonic_s() >= self._due_s:
            self._due_s = self._clock.monotonic_s() + WRITE_EVERY_S
            self._write()
        self._mark(done_ns)

    def close(self) -> None:
        """Log everything that is left."""
        done_ns = self._done_until_ns()
        self._add(self._take())
        if self._waiting:
            self._write()
        self._mark(done_ns)

    def _add(self, not_analysed: list[PartlyAnalysed]) -> None:
        for one in self._missed.add(not_analysed):
            seconds = max(0, one.end_ns - one.start_ns) / NS_PER_S
            PARTLY_ANALYSED_S.labels(self._camera_id, one.cause).inc(seconds)
            self._waiting.append(one)

    def _write(self) -> None:
        try:
            self._gaps.add_partly_analysed(self._camera_id, self._waiting)
        except StoreError as error:
            self._warn_of_disk(error)
            del self._waiting[:-MOST_WAITING]
            return
        self._waiting.clear()

    def _mark(self, done_ns: int | None) -> None:
        """Record that the log is complete until `done_ns`, unless ranges still wait."""
        if self._waiting or done_ns is None:
            return
        try:
            self._gaps.mark_analysed(self._camera_id, done_ns)
        except StoreError as error:
            self._warn_of_disk(error)

    def _warn_of_disk(self, error: StoreError) -> None:
        self._warn(
            "partly",
            f"{self._camera_id}: ranges that were analysed partly are kept in memory: {error}",
        )
