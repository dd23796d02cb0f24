"""A worker under overload in simulated time: the real decode gates and shares of its checkpoints,
with synthetic packets, and costs of decoding and looks instead of the work itself.
"""

from __future__ import annotations

import random
from collections import deque
from fractions import Fraction
from typing import cast

from domain.clock import NS_PER_S, ManualClock
from domain.events.analyser import Analyser
from domain.events.event import Passing
from domain.media.fanout import Tap
from domain.media.packets import Packet, StreamInfo, WallSource
from domain.recordings.partly_analysed import PartlyCause
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_gate import DecodeGate
from ingest.frames.decoder import TOO_LATE_NS, FrameReader
from sightline.cameras.decode_share import DecodeShare
from sightline.cameras.group_rests import GroupRests
from sightline.cameras.inference_scheduler import FRESH_S, RateController
from tests.ingest.conftest import make_camera

START_NS = 1_700_000_000 * NS_PER_S
FPS, GOP = 25, 50
EVERY_S, ENTER_S, LEAVE_S = 4.0, 0.5, 2.0
"""A vehicle is in view from `ENTER_S` to `LEAVE_S` of every `EVERY_S`."""
LOOK_EVERY_S = 0.1
FOUND_LOOKS, SETTLED_LOOKS = 3, 5
"""So many looks find a vehicle, and so many read its plate with certainty."""
DECODE_S = {True: 0.0055, False: 0.0018}
"""With a vehicle in view, and without, on one core."""
LOOK_S = {True: 0.026, False: 0.003}
PUBLISH_S = 0.06
IN_VIEW_S = 0.4
"""For so long after the last look at it a vehicle counts as in view."""
WARM_UP_S = 60.0
_STREAM = StreamInfo("simulated", "h264", 1920, 1080, Fraction(1, 90_000), b"", 1)


class Checkpoint:
    """A camera, and what its analysis finds. It takes the places of its reader and analyser."""

    def __init__(self, number: int, class_: str, shares: DecodeShare, has_standing: bool) -> None:
        """With `has_standing`, a vehicle whose stay is published stands in view all the time."""
        self.class_ = class_
        self._has_standing = has_standing
        self.phase_s = round(5.3 * number * FPS) / FPS
        self.tap = Tap("decoder", 256, 16 << 20)
        self.losses = AnalysisLosses()
        camera = make_camera("rtsp://10.0.0.1/1", camera_id=f"simulated-{number}").model_copy(
            update={"class_": class_, "checkpoint": ("plate",)}
        )
        self.share = shares.of(camera, self.losses)
        self.gate = DecodeGate(camera.id, self.tap, self.share)
        self.queue: deque[Packet] = deque()
        self.looks: dict[int, int] = {}
        self.in_view = False
        self.decoded = 0
        self._random = random.Random(number)
        self._due_s = self._credit = 0.0
        self._seen_s = -EVERY_S
        self.groups = 0
        self._skips_rest = False
        self._rests = GroupRests(cast(Analyser, self), cast(FrameReader, self), self.share)

    def moves(self, at_s: float) -> bool:
        return ENTER_S <= (at_s + self.phase_s) % EVERY_S < LEAVE_S

    def passing(self, at_s: float) -> int:
        return int((at_s + self.phase_s) // EVERY_S)

    def receive(self, at_s: float) -> None:
        number = round((at_s + self.phase_s) * FPS)
        is_keyframe = number % GOP == 0
        noise = self._random.uniform(0.85, 1.15)
        size_bytes = 60_000 if is_keyframe else 24_000 if self.moves(at_s) else round(5_000 * noise)
        wall_ns = START_NS + round(at_s * NS_PER_S)
        data, ticks = bytes(size_bytes), number * 3600
        source = WallSource.RECEIVER
        self.gate.put(
            Packet(_STREAM, data, ticks, ticks, 3600, is_keyframe, wall_ns, source, wall_ns)
        )

    def is_due(self, at_s: float, part: float) -> bool:
        if at_s < self._due_s:
            return False
        self._due_s = max(self._due_s + LOOK_EVERY_S, at_s)
        self._credit += part
        self._credit -= (takes := self._credit >= 1)
        return takes

    def skips(self, packet: Packet) -> bool:
        """Return whether a packet is in a rest of a group that is left out."""
        if packet.is_keyframe:
            self.groups, self._skips_rest = self.groups + 1, False
        if self._skips_rest:
            self.losses.add(packet.wall_ns, packet.wall_ns + NS_PER_S // FPS, PartlyCause.OVERLOAD)
        return self._skips_rest

    def skip_group(self) -> bool:
        self._skips_rest = True
        return True

    def settled(self) -> frozenset[str]:
        ids = {"standing"} if self._has_standing else set[str]()
        if self.in_view:
            passing = self.passing(self._seen_s)
            if self.looks[passing] < SETTLED_LOOKS:
                return frozenset()
            ids.add(str(passing))
        return frozenset(ids)

    def publish_settled(self, ids: frozenset[str]) -> list[Passing]:
        return []

    def look(self, at_s: float, wall_ns: int) -> float:
        """Analyse a frame, and return what that costs in seconds."""
        was_in_view, moves = self.in_view, self.moves(at_s)
        if moves:
            passing = self.passing(at_s)
            self.looks[passing] = self.looks.get(passing, 0) + 1
            self._seen_s, self.in_view = at_s, True
        elif at_s - self._seen_s > IN_VIEW_S:
            self.in_view = False
        if self.in_view and not was_in_view and not self._has_standing:
            self.gate.on_appeared(wall_ns)
        self._rests.after_frame()
        self._report_view()
        return LOOK_S[moves] + PUBLISH_S * (was_in_view and not self.in_view)

    def pass_time(self, at_s: float) -> None:
        """End what is in view if no packets arrive."""
        if at_s - self._seen_s > 1.2:
            self.in_view = False
        self._report_view()

    def _report_view(self) -> None:
        self.gate.on_analysed(is_in_view=self.in_view or self._has_standing)


class Simulation:
    """A worker with one core."""

    def __init__(self, classes: str, standing: int = 0) -> None:
        """There is one camera for each letter of `classes`. A vehicle stands in view of the first
        `standing` of them.
        """
        self.clock = ManualClock(START_NS)
        self._rate = RateController()
        shares = DecodeShare(self._behind_s, self.clock)
        self.cameras = [
            Checkpoint(at, class_, shares, at < standing) for at, class_ in enumerate(classes)
        ]
        self._now_s = self._next_s = 0.0
        self._turn = 0
        self.delays_s: list[float] = []

    def run(self, until_s: float, is_busy: bool = True) -> None:
        """Run until then. Without `is_busy` the cameras send nothing."""
        while self._now_s < until_s:
            self._receive(is_busy)
            if not self._work():
                for camera in self.cameras:
                    camera.pass_time(self._now_s)
                self._now_s = self._next_s

    def found(self, from_s: float, to_s: float) -> list[float]:
        """Return the part of the passings that each camera found."""
        parts = []
        for camera in self.cameras:
            shown = range(camera.passing(from_s) + 1, camera.passing(to_s))
            looks = [camera.looks.get(passing, 0) for passing in shown]
            parts.append(sum(one >= FOUND_LOOKS for one in looks) / len(looks))
        return parts

    def _behind_s(self) -> float:
        is_fresh = self._now_s - self._rate.updated_s < FRESH_S
        return self._rate.behind_s if is_fresh else 0.0

    def _receive(self, is_busy: bool) -> None:
        while self._next_s <= self._now_s:
            self.clock.advance(1 / FPS)
            for camera in self.cameras if is_busy else ():
                camera.receive(self._next_s)
            self._next_s += 1 / FPS

    def _work(self) -> bool:
        """Decode the next packet of the next camera that has one, and look at it if it is due."""
        for offset in range(len(self.cameras)):
            camera = self.cameras[(self._turn + offset) % len(self.cameras)]
            camera.queue.extend(camera.tap.take(0) if not camera.queue else ())
            self._skip(camera)
            if camera.queue:
                self._turn += offset + 1
                self._decode(camera, camera.queue.popleft())
                return True
        return False

    def _skip(self, camera: Checkpoint) -> None:
        """Continue at the newest keyframe if the camera is too late, as `FrameReader` does."""
        now_ns = START_NS + round(self._now_s * NS_PER_S)
        keyframes = [at for at, packet in enumerate(camera.queue) if packet.is_keyframe]
        if keyframes and now_ns - camera.queue[0].received_ns > TOO_LATE_NS:
            for _ in range(keyframes[-1]):
                camera.queue.popleft()

    def _decode(self, camera: Checkpoint, packet: Packet) -> None:
        if camera.skips(packet):
            return
        at_s = (packet.wall_ns - START_NS) / NS_PER_S
        self._now_s += DECODE_S[camera.moves(at_s)]
        camera.decoded += 1
        if camera.is_due(at_s, self._rate.part):
            behind_s = self._now_s - (packet.received_ns - START_NS) / NS_PER_S
            self._rate.feed(behind_s, self._now_s)
            self.delays_s.append(self._now_s - at_s)
            self._now_s += camera.look(at_s, packet.wall_ns)
