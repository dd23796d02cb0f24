"""Detects that the analysis thread of a checkpoint hangs, in a decoder, a model or on the disk.

Python cannot end a thread, and only the end of the process ends a native call that hangs. That
would interrupt the recording of all cameras of the worker, so it is left to a person. Meanwhile
the time of the camera is reported as not analysed.

A worker that is behind does not hang: its threads wait for their turns, or their packets advance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from domain.clock import Clock
from ingest.frames.decoder import FrameReader
from sightline.cameras.turns import HANGS_AFTER_S

MOST_BETWEEN_CHECKS_S = 2.0
"""A longer time between two checks counts as this, because the whole process may have stood still.
"""
_log = logging.getLogger(__name__)


class HangDetection:
    """Checks one camera. One thread calls `check` about once a second; any thread may read.

    The analysis hangs if no packet advances for `HANGS_AFTER_S` although packets wait, and the
    camera does not wait for its turn. So the coverage has it within the time after which it counts
    as final.
    """

    def __init__(
        self,
        camera_id: str,
        reader: FrameReader,
        is_waiting_for_turn: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._camera_id = camera_id
        self._reader = reader
        self._is_waiting_for_turn = is_waiting_for_turn
        self._clock = clock
        self._progress = reader.progress
        self._progress_ns = clock.wall_ns()
        self._checked_s = clock.monotonic_s()
        self._without_s = 0.0
        """How long nothing advanced."""
        self.since_ns: int | None = None
        """Since when (UTC) the analysis hangs; None if it does not."""

    def check(self, camera_ns: int) -> None:
        """Check the thread. While it hangs, everything before `camera_ns`, the present time by the
        clock of the camera, is reported as not analysed.
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
            self._hang()
            self._reader.give_up(camera_ns)

    def _hang(self) -> None:
        if self.since_ns is None:
            self.since_ns = self._progress_ns
            _log.error(
                "%s: the analysis has not responded for %.0f s, so passings are missed; if it does "
                "not continue, restart the node when a short gap in its recordings is acceptable",
                self._camera_id,
                self._without_s,
            )

    def _continue(self) -> None:
        self._without_s, self._progress_ns = 0.0, self._clock.wall_ns()
        if self.since_ns is not None:
            self.since_ns = None
            _log.warning("%s: the analysis continues", self._camera_id)
