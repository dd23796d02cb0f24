"""A checkpoint's frames to its analyser, in turns with the other checkpoints of the worker; its
passings to the spool.
"""

from __future__ import annotations

import logging

from domain.cpu_time import CpuTime
from domain.errors import StoreError
from domain.events.analyser import Analyser
from domain.events.event import Passing
from domain.log import FloodGate
from domain.media.packets import Frame
from domain.metrics import ANALYSIS_CPU_S, EVENTS_LOST
from domain.recordings.triggers import listens
from domain.registry import Camera
from domain.unread_reasons import Unread
from ingest.frames.decode_gate import DecodeGate
from sightline.cameras.worker_context import WorkerContext

_log = logging.getLogger(__name__)

_SPOOL = ANALYSIS_CPU_S.labels("spool")
DRAFT_EVERY_S = 0.5
MOST_WAITING = 200
"""Passings of a camera held in memory while the disk refuses them, some 100 kB each."""


class CheckpointLoop:
    """One camera's. Those still in view are kept as drafts, in case this process dies."""

    def __init__(
        self, camera: Camera, analyser: Analyser, doze: DecodeGate, tools: WorkerContext
    ) -> None:
        self._camera_id = camera.id
        self._triggers = listens(camera, "checkpoint")
        self._analyser = analyser
        self._tools = tools
        self._doze = doze
        self._reader = doze.reader
        self._drafted: set[str] = set()
        self._drafts_due_s = 0.0
        self._waiting: dict[str, Passing] = {}
        """Passings that the disk refused, by event id: they are spooled as soon as it lets them."""
        self._warn = FloodGate(_log.error, tools.clock, every_s=10.0)

    def run(self) -> None:
        self._take_up_drafts()
        for frame in self._reader:
            self._reader.part = self._tools.looks.part
            self._keep(
                self._look(frame) if frame else self._analyser.idle(self._tools.clock.wall_ns())
            )
            self._doze.may_rest = not self._analyser.in_view()
            if self._tools.clock.monotonic_s() >= self._drafts_due_s:
                self._drafts_due_s = self._tools.clock.monotonic_s() + DRAFT_EVERY_S
                self._keep([])
                self._draft()
        self._keep(self._analyser.close())
        self._tools.looks.forget(self._camera_id)

    def _look(self, frame: Frame) -> list[Passing]:
        was_in_view = self._analyser.in_view()
        with self._tools.looks.turn(self._camera_id, was_in_view, self._reader.arrived_ns):
            passings = self._analyser.look(frame)
        if self._analyser.in_view() and not was_in_view:
            self._doze.found(frame.wall_ns)
        return passings

    def unread(self) -> tuple[Unread, ...]:
        return self._analyser.unread()

    def pace(self, fps: float) -> None:
        """Looks a second from now on; 0: none."""
        self._reader.pace(fps)

    def _take_up_drafts(self) -> None:
        """What a process before this one had in view has left it, as far as anyone can tell: it
        is an event now.
        """
        left = self._tools.spool.drafts(self._camera_id)
        for passing in left:
            _log.warning(
                "%s: event %s was in view when its worker ended; its last draft is stored",
                self._camera_id,
                passing.event.id,
            )
        self._analyser.resume(left)
        self._keep(left)

    def _keep(self, passings: list[Passing]) -> None:
        """To the spool: these, and those that it refused before. Never raises for a disk that
        refuses.
        """
        self._waiting |= {passing.event.id: passing for passing in passings}
        self._trigger(passings)
        spooled = [
            event_id for event_id, passing in self._waiting.items() if self._is_spooled(passing)
        ]
        for event_id in spooled:
            del self._waiting[event_id]
            self._drafted.discard(event_id)
        while len(self._waiting) > MOST_WAITING:
            lost = self._waiting.pop(next(iter(self._waiting)))
            EVENTS_LOST.labels(self._camera_id).inc()
            _log.critical(
                "%s: event %s is lost because the disk refused writes for too long",
                self._camera_id,
                lost.event.id,
            )
        if spooled:
            self._tools.kept()

    def _trigger(self, passings: list[Passing]) -> None:
        """What passes, and what is still in view, is recorded to be kept."""
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

    def _draft(self) -> None:
        drafts = self._analyser.drafts()
        self._trigger(drafts)
        now = {passing.event.id for passing in drafts}
        try:
            with CpuTime(_SPOOL):
                for passing in drafts:
                    self._tools.spool.put_draft(passing)
                for gone in self._drafted - now - self._waiting.keys():
                    self._tools.spool.drop_draft(gone)
        except StoreError as error:
            self._warn(
                "drafts",
                f"{self._camera_id}: drafts of passings cannot be written and would be lost "
                f"if this process ended: {error}",
            )
        self._drafted = now | self._waiting.keys()
