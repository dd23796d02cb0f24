"""Moves a checkpoint's frames to its analyser, in turns with the other checkpoints of the worker,
and its passings to their store.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.events.analyser import Analyser
from domain.events.event import Passing
from domain.media.live_detections import MAX_BOXES, DetectionFeed, LiveDetections
from domain.media.packets import Frame
from domain.metrics import FRAMES_ANALYSED
from domain.recordings.partly_analysed import PartlyCause
from domain.registry import Camera
from domain.unread_reasons import Unread
from ingest.frames.decode_control import DecodeControl
from ingest.frames.decoder import FrameReader
from sightline.cameras.decode_share import CameraShare
from sightline.cameras.decode_turns import CameraDecodeTurn
from sightline.cameras.group_rests import GroupRests
from sightline.cameras.passing_store import PassingStore
from sightline.cameras.turns import InView
from sightline.cameras.worker_context import WorkerContext

DRAFT_EVERY_S = 0.5


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
        store: PassingStore,
        tools: WorkerContext,
    ) -> None:
        """`detections` gets what each frame shows, while a viewer requests it."""
        self._camera_id = camera.id
        self._analyser = analyser
        self._tools = tools
        self._reader = frames.reader
        self._control = frames.control
        self._turn = frames.turn
        self._rests = GroupRests(analyser, frames.reader, frames.share)
        self._detections = detections
        self._store = store
        self._analysed = FRAMES_ANALYSED.labels(camera.id)
        self._drafts_due_s = 0.0
        self._stood_ns: int | None = None
        """The time of the last frame, if a vehicle stood in view in it."""
        self.has_analysed = False
        """Whether a frame was analysed. Any thread may read it."""

    def run(self) -> None:
        """Analyse until the reader's tap is closed, then store what is still in view."""
        self._analyser.resume(self._store.put_earlier_drafts())
        for frame in self._reader:
            self._reader.rate.part = self._tools.scheduler.part
            self._store.put(self._analyse(frame) if frame else self._pass_time())
            self._control.on_analysed(is_in_view=self._analyser.in_view())
            self._turn.in_view = self._in_view()
            if self._tools.clock.monotonic_s() >= self._drafts_due_s:
                self._drafts_due_s = self._tools.clock.monotonic_s() + DRAFT_EVERY_S
                self._store.put([])
                self._store.put_drafts(self._analyser.drafts())
        self._store.put(self._analyser.close())
        self._store.forget_drafts()

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
