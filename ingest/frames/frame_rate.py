"""Chooses which of a checkpoint's decoded pictures are given to analytics.

They are given at an even rate. Of a camera that is late, fewer are given: two a second still find
what passes, and all cameras of an overloaded machine slow down alike.
"""

from __future__ import annotations

from domain import metrics
from domain.clock import NS_PER_MS, NS_PER_S
from domain.recordings.partly_analysed import PartlyCause
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_control import Burst

LATE_NS = 3_500 * NS_PER_MS
"""A frame this much older than the newest packet is late: analytics gets fewer frames.

The decode gate leaves out whole groups of pictures before that. This is for cameras whose groups
are too long for it.
"""
CAUGHT_UP_NS = NS_PER_S
"""Frames up to so long after a burst are late because of the burst, and are analysed."""
LATE_STEP_NS = 500 * NS_PER_MS
"""Late frames are given at this interval."""
LONGEST_BURST_NS = 60 * NS_PER_S
"""A frame that is older than this before a burst comes from a camera whose clock was set back."""


class Decimator:
    """Chooses an even part of a sequence. `takes` is called for each item, with that part."""

    def __init__(self, credit: float = 0.0) -> None:
        """`credit` is the part of an item by which the first one is taken earlier."""
        self._credit = credit

    def takes(self, part: float) -> bool:
        self._credit += part
        if self._credit < 1.0 - 1e-9:
            return False
        self._credit -= 1.0
        return True


class FrameRate:
    """The rate of one camera. The analysis thread calls it, except where other threads are
    named.
    """

    def __init__(self, fps: float, camera_id: str, losses: AnalysisLosses) -> None:
        """`losses` receives the times between late frames."""
        self._losses = losses
        self._step_ns = 0
        self.set(fps)
        self.part = 1.0
        """The part of the frames due that is given, evenly spread."""
        self.last_given_ns = 0
        """The time of the last frame that was given."""
        self._due_ns = 0
        self._part_of_due = Decimator()
        self._late, self._backlog = (
            metrics.FRAMES_SKIPPED.labels(camera_id, reason) for reason in ("late", "backlog")
        )

    def set(self, fps: float) -> None:
        """Give so many frames a second from now on. Any thread may call it."""
        self._step_ns = round(NS_PER_S / fps) if fps else 0

    @property
    def is_zero(self) -> bool:
        """Whether no frames are given."""
        return not self._step_ns

    def start_session(self) -> None:
        """Give the next frame, whatever the time of the one before."""
        self._due_ns = 0

    def is_due(self, wall_ns: int, newest_ns: int, burst: Burst) -> bool:
        """Return whether the frame of `wall_ns` is given, while the newest packet is of
        `newest_ns`.
        """
        if wall_ns < burst.from_ns and burst.from_ns - wall_ns < LONGEST_BURST_NS:
            return False
        if wall_ns < self._due_ns and self._due_ns - wall_ns < 2 * self._step_ns:
            return False
        # The step counts from the time that was due, and not from the frame. The mean rate is then
        # right even if it does not divide the camera's rate.
        self._due_ns = (
            self._due_ns + self._step_ns
            if wall_ns - self._due_ns < self._step_ns
            else wall_ns + self._step_ns
        )
        is_late = newest_ns - wall_ns > LATE_NS and wall_ns > burst.to_ns + CAUGHT_UP_NS
        if is_late and 0 <= wall_ns - self.last_given_ns < LATE_STEP_NS:
            self._late.inc()
            self._losses.add(self.last_given_ns, wall_ns, PartlyCause.OVERLOAD)
            return False
        if not is_late and not self._part_of_due.takes(self.part):
            self._backlog.inc()
            return False
        self.last_given_ns = wall_ns
        return True
