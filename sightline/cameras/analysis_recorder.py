"""Logs the ranges in which a checkpoint was analysed only partly, some seconds after each."""

from __future__ import annotations

import logging
from collections.abc import Callable

from domain.clock import NS_PER_S, Clock
from domain.errors import StoreError
from domain.log import FloodGate
from domain.metrics import PARTLY_ANALYSED_S
from domain.recordings.missed_passings import MissedPassings
from domain.recordings.partly_analysed import PartlyAnalysed
from storage.recordings.gaps.log import GapLog

WRITE_EVERY_S = 5.0
MOST_WAITING = 1_000
_log = logging.getLogger(__name__)


class AnalysisRecorder:
    """One thread calls `update` every second, and `close` at the end."""

    def __init__(
        self,
        camera_id: str,
        gaps: GapLog,
        take: Callable[[], list[PartlyAnalysed]],
        clock: Clock,
    ) -> None:
        """`take` returns the times that were not analysed since its last call."""
        self._camera_id = camera_id
        self._gaps = gaps
        self._take = take
        self._clock = clock
        self._missed = MissedPassings()
        self._waiting: list[PartlyAnalysed] = []
        self._due_s = 0.0
        self._warn = FloodGate(_log.warning, clock, every_s=10.0)

    def update(self) -> None:
        """Log the ranges that are due. The next call retries what the disk refused."""
        self._collect()
        if self._waiting and self._clock.monotonic_s() >= self._due_s:
            self._due_s = self._clock.monotonic_s() + WRITE_EVERY_S
            self._write()

    def close(self) -> None:
        """Log everything that is left."""
        self._collect()
        if self._waiting:
            self._write()

    def _collect(self) -> None:
        for one in self._missed.add(self._take()):
            seconds = (one.end_ns - one.start_ns) / NS_PER_S
            PARTLY_ANALYSED_S.labels(self._camera_id, one.cause).inc(seconds)
            self._waiting.append(one)

    def _write(self) -> None:
        try:
            self._gaps.add_partly_analysed(self._camera_id, self._waiting)
        except StoreError as error:
            self._warn(
                "partly",
                f"{self._camera_id}: ranges that were analysed partly are kept in memory: {error}",
            )
            del self._waiting[:-MOST_WAITING]
            return
        self._waiting.clear()
