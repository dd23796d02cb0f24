"""One client's stream: takes what is due from the programme, stamps it, and sends it on time,
with the faults that the camera has.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from domain.clock import NS_PER_S
from simulator.camera import PacketLoss
from simulator.output import Output
from simulator.plan import FaultPlan
from simulator.programme import Programme, Slot
from simulator.rtp import goodbye, sender_report

REPORT_EVERY_S = 4.0


@dataclass(slots=True)
class Counters:
    """What became of a camera's RTP packets, over all its clients."""

    sent_units: int = 0
    """Access units of which at least something was sent."""
    sent_packets: int = 0
    sent_bytes: int = 0
    lost_packets: int = 0
    """By the camera's `loss` faults."""
    dropped_packets: int = 0
    """Because a client read too slowly."""
    plays: int = 0


@dataclass(frozen=True, slots=True)
class Epoch:
    """Where a stream's time begins: in the event loop's time, and UTC."""

    loop_s: float
    wall_ns: int


@dataclass(frozen=True, slots=True)
class Score:
    """What a player plays from."""

    programme: Programme
    plan: FaultPlan
    epoch: Epoch
    counters: Counters


class Player:
    """Sends from `first` on until the stream ends, a fault ends it, or `stop`.
    `on_end(abruptly)` is called once, unless stopped.
    """

    def __init__(
        self, score: Score, slots: Iterator[Slot], output: Output, on_end: Callable[[bool], None]
    ) -> None:
        self._score = score
        self._hz = score.programme.clock_hz
        self._slots = slots
        self._slot = next(slots, None)
        self._output = output
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._cut: asyncio.TimerHandle | None = None
        self._cut_s = math.inf
        self.ssrc, self._base, self.sequence = (
            secrets.randbits(32),
            secrets.randbits(32),
            secrets.randbits(16),
        )
        self._packets = 0
        self._bytes = 0
        self._next_report_s = 0.0
        self._wants_keyframe = True
        self._dropping = False
        self._chances: dict[PacketLoss, Random] = {}
        self._codec = self._slot.media.codec if self._slot else None

    @property
    def epoch(self) -> Epoch:
        return self._score.epoch

    @property
    def now_s(self) -> float:
        return self._loop.time() - self._score.epoch.loop_s

    @property
    def first_timestamp(self) -> int:
        """The RTP time of the first packet, for RTP-Info."""
        return (
            self._timestamp(self._slot.pts, self._slot.due / self._hz) if self._slot else self._base
        )

    def start(self) -> None:
        self._score.counters.plays += 1
        self._report()
        cut_s = self._score.plan.next_cut_s(self.now_s)
        if cut_s is not None:
            self._cut_s = cut_s
            self._cut = self._loop.call_at(self._score.epoch.loop_s + cut_s, self._end, True)
        self._tick()

    def stop(self) -> None:
        for timer in (self._timer, self._cut):
            if timer is not None:
                timer.cancel()

    def _tick(self) -> None:
        # Where the event loop is late, nothing of after a cut is sent before it.
        now_s = min(self.now_s, self._cut_s)
        while self._slot is not None and self._is_due(self._slot, now_s):
            if self._slot.media.codec is not self._codec:
                self._end(False)
                return
            self._play(self._slot)
            self._slot = next(self._slots, None)
        if now_s >= self._next_report_s and not self._score.plan.stalled(now_s):
            self._report()
        self._schedule()

    def _is_due(self, slot: Slot, now_s: float) -> bool:
        """Return whether to send a picture: one of the moment of a cut is not sent any more."""
        due_s = slot.due / self._hz
        return due_s <= now_s and due_s < self._cut_s

    def _schedule(self) -> None:
        end = self._score.programme.end
        if self._slot is not None:
            self._at(self._slot.due, self._tick)
        elif end is not None:
            self._at(end, lambda: self._end(False))

    def _at(self, ticks: int, action: Callable[[], None]) -> None:
        self._timer = self._loop.call_at(self._score.epoch.loop_s + ticks / self._hz, action)

    def _play(self, slot: Slot) -> None:
        at_s = slot.due / self._hz
        if self._score.plan.stalled(at_s):
            self._wants_keyframe, self._dropping = True, False
        elif self._output.is_full():
            self._wants_keyframe = self._dropping = True
        elif slot.unit.is_keyframe:
            self._wants_keyframe = self._dropping = False
        if not self._wants_keyframe:
            self._send(slot, at_s)
        elif self._dropping:
            # Numbered all the same, so that the client can tell that packets are missing.
            self._score.counters.dropped_packets += len(slot.unit.offsets)
            self.sequence += len(slot.unit.offsets)

    def _send(self, slot: Slot, at_s: float) -> None:
        unit = slot.unit
        lost = self._lost(len(unit.offsets), self._score.plan.loss(at_s))
        packets = unit.stamped(
            self._output.channel, self.sequence, self._timestamp(slot.pts, at_s), self.ssrc
        )
        self._output.send(unit, packets, lost)
        self.sequence += len(unit.offsets)
        self._packets += len(unit.offsets)
        self._bytes += len(packets) - 16 * len(unit.offsets)
        counters = self._score.counters
        counters.sent_units += len(lost) < len(unit.offsets)
        counters.lost_packets += len(lost)
        counters.sent_packets += len(unit.offsets) - len(lost)
        counters.sent_bytes += len(packets)

    def _lost(self, count: int, loss: PacketLoss | None) -> list[int]:
        if loss is None:
            return []
        chance = self._chances.setdefault(loss, Random(loss.seed))
        return [index for index in range(count) if chance.randrange(loss.one_in) == 0]

    def _timestamp(self, ticks: int, at_s: float) -> int:
        return self._base + ticks + round(self._score.plan.jumped_s(at_s) * self._hz) & 0xFFFFFFFF

    def _sender_report(self) -> bytes:
        now_s = self.now_s
        wall_ns = self._score.epoch.wall_ns + round(now_s * NS_PER_S)
        return sender_report(
            self.ssrc,
            wall_ns,
            self._timestamp(round(now_s * self._hz), now_s),
            self._packets,
            self._bytes,
        )

    def _report(self) -> None:
        self._output.send_rtcp(self._sender_report())
        self._next_report_s = self.now_s + REPORT_EVERY_S

    def _end(self, abruptly: bool) -> None:
        self.stop()
        if not abruptly:
            self._output.send_rtcp(self._sender_report() + goodbye(self.ssrc))
        self._on_end(abruptly)
