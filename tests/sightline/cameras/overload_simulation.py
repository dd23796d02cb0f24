"""A worker under overload in simulated time: the real decode gates and shares of its checkpoints,
with synthetic packets, and costs of decoding and looks instead of the work itself.

Vehicles come at random times, also several at once, and the groups of pictures of the cameras begin
at random times. `Simulation.events` says which vehicles have an event, and how long after each had
left the view it was published.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
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
from ingest.frames.decoder import IDLE_S, TOO_LATE_NS, FrameReader
from sightline.cameras.decode_share import DecodeShare
from sightline.cameras.group_rests import GroupRests
from sightline.cameras.inference_scheduler import RateController
from sightline.cameras.turns import InView, TurnRequest, first_due
from tests.ingest.conftest import make_camera

START_NS = 1_700_000_000 * NS_PER_S
FPS, GOP = 25, 50
EVERY_S, LEAST_HEADWAY_S, IN_VIEW_S = 4.0, 0.8, (1.0, 2.0)
"""A vehicle comes every `EVERY_S` in the mean, and is in view for a time between these two."""
FRAME_EVERY_S, LOOK_EVERY_S, NEW_LOOKS = 0.1, 0.18, 4
"""A look is made at every frame until the last vehicle had so many, and then at this interval."""
FOUND_LOOKS, SETTLED_LOOKS, CERTAIN_PART = 3, 5, 0.75
"""So many looks find a vehicle, and so many read this part of the plates with certainty."""
MISSED_LOOKS, LOST_S, END_S = 2, 0.3, 0.75
"""As in `analytics/passings/passings.py` and `analytics/tracking/tracker.py`."""
DECODE_S = {True: 0.0042, False: 0.0013}
"""With a vehicle in view, and without, on one core."""
LOOK_S = {True: 0.033, False: 0.003}
PUBLISH_S = 0.015
WARM_UP_S = 40.0
_STREAM = StreamInfo("simulated", "h264", 1920, 1080, Fraction(1, 90_000), b"", 1)


@dataclass(eq=False, slots=True)
class Vehicle:
    """A vehicle, and what is known of it."""

    number: int
    enter_s: float
    leave_s: float
    is_certain: bool
    looks: int = 0
    seen_s: float = 0.0
    missed: int = 0
    published_s: float | None = None

    @property
    def is_found(self) -> bool:
        return self.looks >= FOUND_LOOKS

    @property
    def span_ns(self) -> tuple[int, int]:
        """When it was in view, in wall time."""
        return (
            START_NS + round(self.enter_s * NS_PER_S),
            START_NS + round(self.leave_s * NS_PER_S),
        )


def traffic(drawn: random.Random, until_s: float) -> list[Vehicle]:
    vehicles: list[Vehicle] = []
    enter_s = drawn.uniform(0, EVERY_S)
    while enter_s < until_s:
        leave_s, is_certain = enter_s + drawn.uniform(*IN_VIEW_S), drawn.random() < CERTAIN_PART
        vehicles.append(Vehicle(len(vehicles), enter_s, leave_s, is_certain))
        enter_s += LEAST_HEADWAY_S + drawn.expovariate(1 / (EVERY_S - LEAST_HEADWAY_S))
    return vehicles


class Checkpoint:
    """A camera, and what its analysis finds. It takes the places of its reader and analyser."""

    def __init__(
        self, number: int, class_: str, simulation: Simulation, until_s: float, has_standing: bool
    ) -> None:
        """With `has_standing`, a vehicle whose stay is published stands in view all the time."""
        self.camera_id = f"simulated-{number}"
        self._simulation = simulation
        self._has_standing = has_standing
        self._drawn = random.Random(number)
        self._first = self._drawn.randrange(GOP)
        self.vehicles = traffic(self._drawn, until_s)
        self.tap = Tap("decoder", 256, 16 << 20)
        self.losses = AnalysisLosses()
        camera = make_camera("rtsp://10.0.0.1/1", camera_id=self.camera_id).model_copy(
            update={"class_": class_, "checkpoint": ("plate",)}
        )
        self.share = simulation.shares.of(camera, self.losses)
        simulation.shares.workload.add(self.camera_id, self)
        self.gate = DecodeGate(camera.id, self.tap, self.share)
        self.queue: deque[Packet] = deque()
        self.decoded_packets = 0
        self.groups = 0
        self._skips_rest = False
        self._tracks: list[Vehicle] = []
        self._due_s = self._credit = self._looked_s = self._frame_s = 0.0
        self._idle_from_s: float | None = None
        self._idle_due_s = 0.0
        self._rests = GroupRests(cast(Analyser, self), cast(FrameReader, self), self.share)
        self.requested_s: float | None = None
        """Since when it waits for a turn with packets."""

    @property
    def in_view(self) -> InView:
        if self._rests.is_settled:
            return InView.SETTLED
        return InView.UNSETTLED if self._tracks or self._has_standing else InView.NOTHING

    @property
    def waiting_packets(self) -> int:
        return self.tap.waiting_packets + (0 if self._skips_rest else len(self.queue))

    @property
    def coming_packets(self) -> int:
        return 0 if self._skips_rest else self.gate.coming_packets

    @property
    def rest_ns(self) -> int:
        frame = round(self._frame_s * FPS) + self._first
        return (GOP - frame % GOP) * NS_PER_S // FPS

    def shown(self, at_s: float) -> list[Vehicle]:
        return [one for one in self.vehicles if one.enter_s <= at_s < one.leave_s]

    def receive(self, tick: int) -> None:
        number, at_s = tick + self._first, tick / FPS
        is_keyframe = number % GOP == 0
        noise = self._drawn.uniform(0.85, 1.15)
        size_bytes = 60_000 if is_keyframe else 24_000 if self.shown(at_s) else round(5_000 * noise)
        wall_ns, ticks = START_NS + round(at_s * NS_PER_S), number * 3600
        source = WallSource.RECEIVER
        data = bytes(size_bytes)
        self.gate.put(
            Packet(_STREAM, data, ticks, ticks, 3600, is_keyframe, wall_ns, source, wall_ns)
        )

    def skips(self, packet: Packet) -> bool:
        """Return whether a packet is in a rest of a group that is left out."""
        if packet.is_keyframe:
            self.groups, self._skips_rest = self.groups + 1, False
        if self._skips_rest:
            self.losses.add(packet.wall_ns, packet.wall_ns + NS_PER_S // FPS, PartlyCause.SETTLED)
        return self._skips_rest

    def skip_group(self) -> bool:
        self._skips_rest = True
        return True

    def settled(self) -> frozenset[str]:
        ids = {"standing"} if self._has_standing else set[str]()
        if not all(one.is_certain and one.looks >= SETTLED_LOOKS for one in self._tracks):
            return frozenset()
        return frozenset(ids | {str(one.number) for one in self._tracks})

    def publish_settled(self, ids: frozenset[str]) -> list[Passing]:
        for vehicle in self._tracks:
            if str(vehicle.number) in ids:
                self._publish(vehicle)
        return []

    def _publish(self, vehicle: Vehicle) -> None:
        self._simulation.now_s += PUBLISH_S
        if vehicle.published_s is None:
            vehicle.published_s = self._simulation.now_s

    def is_due(self, at_s: float, part: float) -> bool:
        """Return whether the picture of this time is a frame for the analysis."""
        if at_s < self._due_s:
            return False
        self._due_s = max(self._due_s + FRAME_EVERY_S, at_s)
        self._credit += part
        self._credit -= (takes := self._credit >= 1)
        return takes

    def analyse(self, at_s: float, wall_ns: int) -> None:
        had_tracks = bool(self._tracks)
        self._frame_s, self._idle_from_s = at_s, None
        is_new = any(one.looks < NEW_LOOKS and not one.missed for one in self._tracks)
        if is_new or at_s - self._looked_s >= LOOK_EVERY_S:
            self._look(at_s)
        self._pass_time(at_s)
        if self._tracks and not had_tracks and not self._has_standing:
            self.gate.on_appeared(wall_ns)
        self._rests.after_frame()
        self._report_view()

    def _look(self, at_s: float) -> None:
        shown, self._looked_s = self.shown(at_s), at_s
        self._simulation.now_s += LOOK_S[bool(shown)]
        for vehicle in shown:
            vehicle.looks, vehicle.seen_s, vehicle.missed = vehicle.looks + 1, at_s, 0
        self._tracks += [one for one in shown if one not in self._tracks]
        for vehicle in self._tracks:
            vehicle.missed += vehicle not in shown

    def _pass_time(self, at_s: float) -> None:
        for vehicle in list(self._tracks):
            is_ended = at_s - vehicle.seen_s >= END_S
            if is_ended:
                self._tracks.remove(vehicle)
            if is_ended or vehicle.missed >= MISSED_LOOKS:
                self._publish_lost(vehicle, at_s)

    def _publish_lost(self, vehicle: Vehicle, at_s: float) -> None:
        is_lost = at_s - vehicle.seen_s >= LOST_S
        if is_lost and vehicle.is_found and vehicle.published_s is None:
            self._publish(vehicle)

    def wait(self, at_s: float) -> None:
        """Let the thread of the camera wait for packets, until it notices that time has passed."""
        if self._idle_from_s is None:
            self._idle_from_s, self._idle_due_s = at_s, at_s + IDLE_S
        if at_s < self._idle_due_s:
            return
        self._idle_due_s = at_s + IDLE_S
        now_s = self._frame_s + at_s - self._idle_from_s
        until_ns = self.gate.undecided_from_ns
        if until_ns is None:
            self._pass_time(now_s)
        else:
            until_s = (until_ns - START_NS) / NS_PER_S
            self._pass_time(max(self._frame_s, min(now_s, until_s)))
            for vehicle in self._tracks:
                self._publish_lost(vehicle, now_s)
        self._report_view()

    def stop_waiting(self) -> None:
        self._idle_from_s = None

    def _report_view(self) -> None:
        self.gate.on_analysed(is_in_view=bool(self._tracks) or self._has_standing)


@dataclass(frozen=True, slots=True)
class Events:
    """What was found of the vehicles that passed in some time."""

    found_parts: list[float]
    """Of each camera."""
    delays_s: list[float]
    """From the end of each found passing to its event, sorted; 0 for an earlier one."""

    @property
    def mean_part(self) -> float:
        return sum(self.found_parts) / len(self.found_parts)

    @property
    def delay_p95_s(self) -> float:
        return self.delays_s[len(self.delays_s) * 95 // 100]


class Simulation:
    """A worker with one core."""

    def __init__(self, classes: str, until_s: float, standing: int = 0) -> None:
        """There is one camera for each letter of `classes`, with traffic until `until_s`. A vehicle
        stands in view of the first `standing` of them.
        """
        self.clock = ManualClock(START_NS)
        self._rate = RateController()
        self.shares = DecodeShare(self.clock)
        self.cameras = [
            Checkpoint(at, class_, self, until_s, at < standing)
            for at, class_ in enumerate(classes)
        ]
        self.now_s = self.busy_s = 0.0
        self._tick = 0

    def run(self, until_s: float, is_busy: bool = True) -> None:
        """Run until then. Without `is_busy` the cameras send nothing."""
        while self.now_s < until_s:
            self._receive(is_busy)
            began_s = self.now_s
            if self._work():
                self.busy_s += self.now_s - began_s
            else:
                self.now_s = self._tick / FPS

    def stall(self, seconds: float) -> None:
        """Let the worker do nothing, as while it loads its models."""
        self.now_s += seconds

    def events(self, from_s: float, to_s: float) -> Events:
        parts, delays_s = list[float](), list[float]()
        for camera in self.cameras:
            passed = [
                one for one in camera.vehicles if from_s <= one.enter_s and one.leave_s <= to_s
            ]
            found = [
                max(0.0, one.published_s - one.leave_s)
                for one in passed
                if one.published_s is not None
            ]
            parts.append(len(found) / len(passed))
            delays_s += found
        return Events(parts, sorted(delays_s))

    def _receive(self, is_busy: bool) -> None:
        while self._tick / FPS <= self.now_s:
            self.clock.advance(1 / FPS)
            for camera in self.cameras:
                if is_busy:
                    camera.receive(self._tick)
                if camera.waiting_packets:
                    camera.stop_waiting()
                else:
                    camera.wait(self._tick / FPS)
            self._tick += 1

    def _work(self) -> bool:
        """Do the turn of a camera that is due: decode up to its next frame, and analyse that."""
        cameras = dict[str, Checkpoint]()
        for camera in self.cameras:
            camera.queue.extend(camera.tap.take(0) if not camera.queue else ())
            self._skip(camera)
            if not camera.queue:
                camera.requested_s = None
                continue
            camera.requested_s = self.now_s if camera.requested_s is None else camera.requested_s
            cameras[camera.camera_id] = camera
        if not cameras:
            return False
        due = first_due(
            [TurnRequest(one, it.requested_s or 0.0, it.in_view) for one, it in cameras.items()]
        )
        camera = cameras[due.camera_id]
        while camera.queue and not self._decode(camera, camera.queue.popleft()):
            pass
        camera.requested_s = None
        return True

    def _skip(self, camera: Checkpoint) -> None:
        """Continue at the newest keyframe if the camera is too late, as `FrameReader` does."""
        now_ns = START_NS + round(self.now_s * NS_PER_S)
        keyframes = [at for at, packet in enumerate(camera.queue) if packet.is_keyframe]
        if keyframes and now_ns - camera.queue[0].received_ns > TOO_LATE_NS:
            for _ in range(keyframes[-1]):
                camera.queue.popleft()

    def _decode(self, camera: Checkpoint, packet: Packet) -> bool:
        """Decode a packet if it is not left out. Return whether it was a frame."""
        if camera.skips(packet):
            return False
        at_s = (packet.wall_ns - START_NS) / NS_PER_S
        self.now_s += DECODE_S[bool(camera.shown(at_s))]
        camera.decoded_packets += 1
        if not camera.is_due(at_s, self._rate.part):
            return False
        self._rate.feed(self.now_s - (packet.received_ns - START_NS) / NS_PER_S, self.now_s)
        camera.analyse(at_s, packet.wall_ns)
        return True
