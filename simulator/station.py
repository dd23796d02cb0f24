"""A simulated camera at run time: what it shows now, who may come in, and where a new client
starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, dropwhile
from pathlib import Path

from domain.clock import NS_PER_S, Clock
from simulator.camera import CodecChange, SimCamera
from simulator.media import PreparedMedia, silence
from simulator.output import Output
from simulator.plan import FaultPlan
from simulator.player import Counters, Epoch, Player, Score
from simulator.programme import Programme, ProgrammeItem, Slot
from simulator.rtp import Codec
from simulator.sound import tone


class Station:
    """Made on the event loop; a `live` camera's time begins here."""

    def __init__(self, camera: SimCamera, medias: dict[Path, PreparedMedia], clock: Clock) -> None:
        self.camera = camera
        self.plan = FaultPlan(camera)
        self.counters = Counters()
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._programme = _programme(camera, medias)
        self.sound = None if camera.sound is None else tone(Codec(camera.sound))
        """What it sends with its video."""
        self._silence = Programme((ProgrammeItem(0, silence(), True),))
        self._made = self._now()
        self._epoch = self._made if camera.mode == "live" else None

    @property
    def now_s(self) -> float:
        """Seconds of the camera's stream; until it has begun, 0. In `on_play` mode this is
        since the simulator's start.
        """
        if self.camera.mode == "on_play":
            return self._loop.time() - self._made.loop_s
        return self._loop.time() - self._epoch.loop_s if self._epoch else 0.0

    @property
    def is_over(self) -> bool:
        end = self._programme.end
        return (
            self.camera.mode != "on_play"
            and end is not None
            and self.now_s * self._programme.clock_hz >= end
        )

    @property
    def media(self) -> PreparedMedia:
        """What a session description tells of now."""
        programme = self._shown()
        at_s = 0.0 if self.camera.mode == "on_play" else self.now_s
        return programme.media_at(round(at_s * programme.clock_hz))

    def player(
        self, output: Output, on_end: Callable[[bool], None], since_s: float | None = None
    ) -> Player:
        """A new client's stream. `since_s` is where an `on_play` client that paused goes on."""
        now = self._now()
        epoch = self._epoch_of_play(now, since_s or 0.0)
        programme = self._shown()
        slots = self._join(programme, round((now.loop_s - epoch.loop_s) * programme.clock_hz))
        return Player(Score(programme, self.plan, epoch, self.counters), slots, output, on_end)

    def sound_player(self, output: Output, on_end: Callable[[bool], None], epoch: Epoch) -> Player:
        """A new client's sound, on the clock of its video. It has no faults and is not counted."""
        assert self.sound is not None
        programme = Programme((ProgrammeItem(0, self.sound, True),))
        now_s = self._loop.time() - epoch.loop_s
        slots = programme.slots(max(0, round(now_s * programme.clock_hz)))
        plan = FaultPlan(replace(self.camera, faults=()))
        return Player(Score(programme, plan, epoch, Counters()), slots, output, on_end)

    def _epoch_of_play(self, now: Epoch, since_s: float) -> Epoch:
        if self.camera.mode == "on_play":
            return Epoch(now.loop_s - since_s, now.wall_ns - round(since_s * NS_PER_S))
        self._epoch = self._epoch or now
        return self._epoch

    def _join(self, programme: Programme, now: int) -> Iterator[Slot]:
        slots = programme.slots(now, from_keyframe=self.camera.join == "held")
        first = next(slots, None)
        if first is None:
            return iter(())
        return dropwhile(lambda slot: not slot.unit.is_keyframe, chain((first,), slots))

    def _shown(self) -> Programme:
        return self._silence if self.plan.has_no_video(self.now_s) else self._programme

    def _now(self) -> Epoch:
        return Epoch(self._loop.time(), self._clock.wall_ns())


def _programme(camera: SimCamera, medias: dict[Path, PreparedMedia]) -> Programme:
    first = medias[camera.file]
    changes = [fault for fault in camera.faults if isinstance(fault, CodecChange)]
    pieces = [
        ProgrammeItem(round(change.at_s * first.clock_hz), medias[change.file], camera.loop)
        for change in changes
    ]
    return Programme(
        (ProgrammeItem(-round(camera.phase_s * first.clock_hz), first, camera.loop), *pieces)
    )
