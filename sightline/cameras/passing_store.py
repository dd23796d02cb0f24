"""Puts the passings of a checkpoint into the spool, and keeps those that the disk refuses.

It outlives an analysis that fails: the next one stores what the disk refused before.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from domain.cpu_time import CpuTime
from domain.errors import StoreError
from domain.events.event import Passing
from domain.log import FloodGate
from domain.metrics import ANALYSIS_CPU_S, EVENTS_LOST
from domain.recordings.partly_analysed import SHORTEST_PASSING_NS, PartlyCause
from domain.recordings.triggers import uses_triggers_from
from domain.registry import Camera
from ingest.frames.analysis_losses import AnalysisLosses
from sightline.cameras.worker_context import WorkerContext

MOST_WAITING = 200
"""So many passings of a camera, of some 100 kB each, wait in memory while the disk refuses them."""
_SPOOL = ANALYSIS_CPU_S.labels("spool")
_log = logging.getLogger(__name__)


class PassingStore:
    """The passings of one camera. One thread at a time calls it, except where others are named."""

    def __init__(self, camera: Camera, losses: AnalysisLosses, tools: WorkerContext) -> None:
        """`losses` receives the times of passings that are lost."""
        self._camera_id = camera.id
        self._triggers = uses_triggers_from(camera, "checkpoint")
        self._losses = losses
        self._tools = tools
        self._waiting: dict[str, Passing] = {}
        """The passings that the disk refused, by event id, until it accepts them."""
        self._refused_drafts: dict[str, Passing] = {}
        """The last drafts if the disk refused one of them, by event id."""
        self._drafted: set[str] = set()
        self._warn = FloodGate(_log.error, tools.clock, every_s=10.0)

    @property
    def has_unstored(self) -> bool:
        """Whether the disk refuses passings, or drafts of them. Any thread may read it."""
        return bool(self._waiting or self._refused_drafts)

    def put_earlier_drafts(self) -> list[Passing]:
        """Store the passings that were in view when an earlier process or analysis ended, and
        return them.

        Their vehicles or persons have left the view, as far as anyone can know.
        """
        drafts = {one.event.id: one for one in self._tools.spool.drafts(self._camera_id)}
        left = [*(drafts | self._refused_drafts).values()]
        for passing in left:
            _log.warning(
                "%s: event %s was in view when its analysis ended; its last draft is stored",
                self._camera_id,
                passing.event.id,
            )
        self.put(left)
        self.forget_drafts()
        return left

    def put(self, passings: Sequence[Passing]) -> None:
        """Put these passings into the spool, and those that the disk refused before.

        It raises nothing if the disk refuses again.
        """
        for passing in passings:
            self._waiting[passing.event.id] = passing
            self._refused_drafts.pop(passing.event.id, None)
        self._trigger(passings)
        spooled = [
            event_id for event_id, passing in self._waiting.items() if self._is_spooled(passing)
        ]
        for event_id in spooled:
            del self._waiting[event_id]
            self._drafted.discard(event_id)
        while len(self._waiting) > MOST_WAITING:
            self._lose(next(iter(self._waiting)))
        if spooled:
            self._tools.on_spooled()

    def put_drafts(self, drafts: Sequence[Passing]) -> None:
        """Store the passings still in view, so that they are not lost if this process dies. It
        raises nothing if the disk refuses.
        """
        self._trigger(drafts)
        now = {passing.event.id: passing for passing in drafts}
        try:
            with CpuTime(_SPOOL):
                for passing in drafts:
                    self._tools.spool.put_draft(passing)
                for event_id in self._drafted - now.keys() - self._waiting.keys():
                    self._tools.spool.drop_draft(event_id)
        except StoreError as error:
            self._refused_drafts = now
            self._warn(
                "drafts",
                f"{self._camera_id}: drafts of passings cannot be written and would be lost "
                f"if this process ended: {error}",
            )
        else:
            self._refused_drafts = {}
        self._drafted = now.keys() | self._waiting.keys()

    def forget_drafts(self) -> None:
        """Forget the drafts: the analysis has ended with a passing of each, or none begins."""
        self._drafted, self._refused_drafts = set(), {}

    def end(self) -> None:
        """Store what still waits. What the disk refuses now is lost, because the camera ends
        here.
        """
        self.put([*self._refused_drafts.values()])
        for event_id in [*self._waiting]:
            self._lose(event_id)

    def _lose(self, event_id: str) -> None:
        event = self._waiting.pop(event_id).event
        EVENTS_LOST.labels(self._camera_id).inc()
        until_ns = max(event.ended_at, event.started_at + SHORTEST_PASSING_NS)
        self._losses.add(event.started_at, until_ns, PartlyCause.ANALYSIS_STOPPED)
        _log.critical(
            "%s: event %s is lost because the disk refused writes for too long",
            self._camera_id,
            event_id,
        )

    def _trigger(self, passings: Sequence[Passing]) -> None:
        """Have the recording of these passings kept, whether they ended or are still in view."""
        for passing in passings if self._triggers else ():
            event = passing.event
            self._tools.triggers.fire(
                self._camera_id, "checkpoint", event.started_at, event.ended_at, event.id
            )

    def _is_spooled(self, passing: Passing) -> bool:
        try:
            with CpuTime(_SPOOL):
                self._tools.spool.put(passing)
        except StoreError as error:
            self._warn("spool", f"{self._camera_id}: events are kept in memory: {error}")
            return False
        return True
