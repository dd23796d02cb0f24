"""Moves a checkpoint's frames to its analyser, in turns with the other checkpoints of the worker,
and its passings to the spool.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from domain.cpu_time import CpuTime
from domain.errors import StoreError
from domain.events.analyser import Analyser
from domain.events.event import Passing
from domain.log import FloodGate
from domain.media.live_detections import MAX_BOXES, DetectionFeed, LiveDetections
from domain.media.packets import Frame
from domain.metrics import ANALYSIS_CPU_S, EVENTS_LOST, FRAMES_ANALYSED
from domain.recordings.partly_analysed import PartlyCause
from domain.recordings.triggers import uses_triggers_from
from domain.registry import Camera
from domain.unread_reasons import Unread
from ingest.frames.decode_control import DecodeControl
from ingest.frames.decoder import FrameReader
from sightline.cameras.decode_share import CameraShare
from sightline.cameras.decode_turns import CameraDecodeTurn
from sightline.cameras.group_rests import GroupRests
from sightline.cameras.turns import InView
from sightline.cameras.worker_context import WorkerContext

_log = logging.getLogger(__name__)

_SPOOL = ANALYSIS_CPU_S.labels("spool")
DRAFT_EVERY_S = 0.5
MOST_WAITING = 200
"""So many passings of a camera, of some 100 kB each, wait in memory while the disk refuses them."""


@dataclass(frozen=True, slots=True)
class CheckpointFrames:
    """The frames of a checkpoint, and what decides which of its packets are decoded."""

    reader: FrameReader
    control: DecodeControl
    turn: CameraDecodeTurn
    share: CameraShare


class CheckpointLoop:
    """Analyses one camera in the thread that calls `run`.

    It requests frames from the reader, and reports to the control what they show; the order is in
    `ingest/frames/decode_control.py`. Passings still in view are stored as drafts, so that they
    are not lost if this process dies.
    """

    def __init__(
        self,
        camera: Camera,
        analyser: Analyser,
        frames: CheckpointFrames,
        detections: DetectionFeed,
        tools: WorkerContext,
    ) -> None:
        """`detections` gets what each frame shows, while a viewer requests it."""
        self._camera_id = camera.id
        self._triggers = uses_triggers_from(camera, "checkpoint")
        self._analyser = analyser
        self._tools = tools
        self._reader = frames.reader
        self._control = frames.control
        self._turn = frames.turn
        self._rests = GroupRests(analyser, frames.reader, frames.share)
        self._detections = detections
        self._analysed = FRAMES_ANALYSED.labels(camera.id)
        self._drafted: set[str] = set()
        self._drafts_due_s = 0.0
        self._stood_ns: int | None = None
        """The time of the last frame, if a vehicle stood in view in it."""
        self._waiting: dict[str, Passing] = {}
        """The passings that the disk refused, by event id, until it accepts them."""
        self._drafts_refused = False
        self.has_analysed = False
        """Whether a frame was analysed. Any thread may read it."""
        self._warn = FloodGate(_log.error, tools.clock, every_s=10.0)

    @property
    def has_unstored(self) -> bool:
        """Whether the disk refuses passings, or drafts of them. Any thread may read it."""
        return bool(self._waiting) or self._drafts_refused

    def run(self) -> None:
        """Analyse until the reader's tap is closed, then store what is still in view."""
        self._store_earlier_drafts()
        for frame in self._reader:
            self._reader.rate.part = self._tools.scheduler.part
            self._store(self._analyse(frame) if frame else self._pass_time())
            self._control.on_analysed(is_in_view=self._analyser.in_view())
            self._turn.in_view = self._in_view()
            if self._tools.clock.monotonic_s() >= self._drafts_due_s:
                self._drafts_due_s = self._tools.clock.monotonic_s() + DRAFT_EVERY_S
                self._store([])
                self._store_drafts()
        self._store(self._analyser.close())

    def _analyse(self, frame: Frame) -> list[Passing]:
        was_in_view = self._analyser.in_view()
        in_view = self._turn.in_view
        with self._tools.scheduler.turn(self._camera_id, in_view, self._reader.arrived_ns):
            passings = self._analyser.analyse(frame)
        self._analysed.inc()
        self.has_analysed = True
        if self._detections.is_watched:
            self._show(frame.wall_ns)
        self._note_standing(frame.wall_ns)
        if self._analyser.in_view() and not was_in_view:
            self._control.on_appeared(frame.wall_ns)
        return passings + self._rests.after_frame()

    def _in_view(self) -> InView:
        """Return what the last frame showed."""
        if self._rests.is_settled:
            return InView.SETTLED
        return InView.UNSETTLED if self._analyser.in_view() else InView.NOTHING

    def _show(self, wall_ns: int) -> None:
        """Send the detections of a frame to those who watch the camera live."""
        found = sorted(self._analyser.detections(wall_ns), key=lambda one: -one.confidence)
        if found:
            items = tuple(found[:MAX_BOXES])
            self._detections.put(LiveDetections(wall_ns=wall_ns, items=items))

    def _pass_time(self) -> list[Passing]:
        """Return the passings that ended because no frame arrived.

        While the gate holds packets that may be decoded, their vehicles have not left the view.
        """
        until_ns = self._control.undecided_from_ns
        return self._analyser.idle(self._tools.clock.wall_ns(), until_ns)

    def _note_standing(self, wall_ns: int) -> None:
        """Report the time since the last frame if a vehicle stood in view in both of them."""
        stands = self._analyser.stands()
        if stands and self._stood_ns is not None:
            self._reader.losses.add(self._stood_ns, wall_ns, PartlyCause.STANDING_VEHICLE)
        self._stood_ns = wall_ns if stands else None

    def unread(self) -> tuple[Unread, ...]:
        return self._analyser.unread()

    def _store_earlier_drafts(self) -> None:
        """Store the passings that were in view when an earlier process ended.

        Their vehicles or persons have left the view, as far as anyone can know.
        """
        left = self._tools.spool.drafts(self._camera_id)
        for passing in left:
            _log.warning(
                "%s: event %s was in view when its worker ended; its last draft is stored",
                self._camera_id,
                passing.event.id,
            )
        self._analyser.resume(left)
        self._store(left)

    def _store(self, passings: list[Passing]) -> None:
        """Put these passings into the spool, and those that the disk refused before.

        It raises nothing if the disk refuses again.
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
            self._tools.on_spooled()

    def _trigger(self, passings: list[Passing]) -> None:
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

    def _store_drafts(self) -> None:
        drafts = self._analyser.drafts()
        self._trigger(drafts)
        now = {passing.event.id for passing in drafts}
        try:
            with CpuTime(_SPOOL):
                for passing in drafts:
                    self._tools.spool.put_draft(passing)
                for event_id in self._drafted - now - self._waiting.keys():
                    self._tools.spool.drop_draft(event_id)
        except StoreError as error:
            self._drafts_refused = True
            self._warn(
                "drafts",
                f"{self._camera_id}: drafts of passings cannot be written and would be lost "
                f"if this process ended: {error}",
            )
        else:
            self._drafts_refused = False
        self._drafted = now | self._waiting.keys()
