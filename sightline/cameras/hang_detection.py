"""Detects that the analysis thread of a checkpoint hangs, in a decoder, a model or on the disk.

Python cannot end a thread, and only the end of the process ends a native call that hangs. That
would interrupt the recording of all cameras of the worker, so it is left to a person. Meanwhile
the time of the camera is reported as not analysed.

A worker that is behind does not hang: its threads wait for their turns, or their packets advance.
A thread that loads its models hangs only after a minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from domain.clock import Clock
from domain.recordings.partly_analysed import PartlyCause
from ingest.frames.decoder import FrameReader
from sightline.cameras.turns import HANGS_AFTER_S

MOST_BETWEEN_CHECKS_S = 2.0
"""A longer time between two checks counts as this, because the whole process may have stood still.
"""
STANDS_AFTER_S = 2.0
"""A thread that advances no packet for so long takes no time of the worker. Decoding and analysing
one packet takes up to some tenths of a second.
"""
LOADING_HANGS_AFTER_S = 60.0
"""Models are loaded within seconds. On a slow or busy machine they may take longer than
`HANGS_AFTER_S`.
"""
_log = logging.getLogger(__name__)


class HangDetection:
    """Checks one camera. One thread calls `check` about once a second; any thread may read.

    The analysis stands still if no packet advances although packets wait, and the camera does not
    wait for its turn. After `HANGS_AFTER_S` its time is reported as not analysed, so that the
    coverage has it within the time after which it counts as final. It hangs from then on, or after
    `LOADING_HANGS_AFTER_S` if it loads its models.
    """

    def __init__(
        self,
        camera_id: str,
        reader: FrameReader,
        is_loading: Callable[[], bool],
        is_waiting_for_turn: Callable[[], bool],
        clock: Clock,
    ) -> None:
        """`is_loading` returns whether the thread loads its models."""
        self._camera_id = camera_id
        self._reader = reader
        self._is_loading = is_loading
        self._is_waiting_for_turn = is_waiting_for_turn
        self._clock = clock
        self._progress = reader.progress
        self._progress_ns = clock.wall_ns()
        self._checked_s = clock.monotonic_s()
        self._without_s = 0.0
        """How long nothing advanced."""
        self.since_ns: int | None = None
        """Since when (UTC) the analysis hangs; None if it does not."""
        self.loading_since_ns: int | None = None
        """Since when (UTC) packets wait until the models are loaded; None if none do, or not for
        long.
        """

    @property
    def is_standing(self) -> bool:
        """Whether the thread has stood still for longer than the work on a packet takes."""
        return self._without_s >= STANDS_AFTER_S

    def check(self, camera_ns: int) -> None:
        """Check the thread. After `HANGS_AFTER_S`, everything before `camera_ns`, the present time
        by the clock of the camera, is reported as not analysed.
        """
        now_s = self._clock.monotonic_s()
        passed_s = min(now_s - self._checked_s, MOST_BETWEEN_CHECKS_S)
        self._checked_s = now_s
        progress, reader = self._reader.progress, self._reader
        if progress != self._progress or not (reader.waiting_packets or reader.is_given_up):
            self._progress = progress
            self._continue()
            return
        if not self._is_waiting_for_turn():
            self._without_s += passed_s
        if self._without_s >= HANGS_AFTER_S:
            self._miss(camera_ns)

    def _miss(self, camera_ns: int) -> None:
        is_loading = self._is_loading()
        self.loading_since_ns = self._progress_ns if is_loading else None
        if not is_loading or self._without_s >= LOADING_HANGS_AFTER_S:
            self._hang()
        self.give_up(camera_ns)

    def give_up(self, camera_ns: int) -> None:
        """Report everything before `camera_ns` that waits as not analysed, and drop it."""
        cause = PartlyCause.RESTART if self._is_loading() else PartlyCause.ANALYSIS_STOPPED
        self._reader.give_up(camera_ns, cause)

    def _hang(self) -> None:
        if self.since_ns is None:
            self.since_ns = self._progress_ns
            _log.error(
                "%s: %s for %.0f s, so passings are missed; if it does not continue, restart the "
                "node when a short gap in its recordings is acceptable",
                self._camera_id,
                "the analysis has not responded"
                if self.loading_since_ns is None
                else "the models have been loading",
                self._without_s,
            )

    def _continue(self) -> None:
        self._without_s, self._progress_ns = 0.0, self._clock.wall_ns()
        self.loading_since_ns = None
        if self.since_ns is not None:
            self.since_ns = None
            _log.warning("%s: the analysis continues", self._camera_id)
