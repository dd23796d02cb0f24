"""Estimates how long a worker needs for the packets of its checkpoints that it has to decode.

The time that a packet takes is measured while packets wait: it includes the analysis of the frames,
and what other programs take of the processor. So the estimate follows at once if packets arrive,
and within seconds if the cost of a packet changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from domain.clock import Clock
from ingest.frames.decode_gate import DecodeGate
from ingest.frames.decoder import FrameReader

SAMPLE_EVERY_S = 0.05
MEASURED_S, MEASURED_PACKETS = 1.0, 10
"""The time of a packet is updated after so long with packets waiting, if so many were decoded.
With fewer, something else took the time, such as the loading of models.
"""
LONGEST_SAMPLE_S = 1.0
"""A longer time between two samples says that the pull thread waited, and is not counted."""
SILENT_S = 2.0
"""If a camera sent nothing for so long, the rest of its group is not expected."""
FIRST_PACKET_S, MOST_PACKET_S = 0.008, 0.1
"""The time of a packet before it is measured, and the most that it may be."""
_WEIGHT = 0.3


class CheckpointWork(Protocol):
    """The packets of one checkpoint. Any thread may read them."""

    @property
    def waiting_packets(self) -> int:
        """The packets that wait to be decoded or left out, and the one in work."""

    @property
    def decoded_packets(self) -> int:
        """The packets that were decoded since the start."""

    @property
    def coming_packets(self) -> int:
        """The packets of the current group of pictures that will arrive and are to be decoded."""


@dataclass(frozen=True, slots=True)
class DecoderWork(CheckpointWork):
    """The packets of the reader of a checkpoint, and of its gate."""

    reader: FrameReader
    gate: DecodeGate
    is_standing: Callable[[], bool]
    """Whether its thread stands still. It takes no time of the worker then."""

    @property
    def waiting_packets(self) -> int:
        return 0 if self._stands else self.reader.waiting_packets

    @property
    def decoded_packets(self) -> int:
        return self.reader.decoded_packets

    @property
    def coming_packets(self) -> int:
        is_decoding = self.reader.is_decoding and not self._stands
        return self.gate.coming_packets if is_decoding else 0

    @property
    def _stands(self) -> bool:
        return self.reader.is_given_up or self.is_standing()


class Workload:
    """The work of all checkpoints of a worker.

    The pull thread calls `sample`; any thread calls the other methods.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._works: dict[str, CheckpointWork] = {}
        self.packet_s = FIRST_PACKET_S
        """The time that the worker needs for a packet."""
        self._sampled_s: float | None = None
        self._waited = False
        """Whether packets waited at the last sample."""
        self._decoded = 0
        self._measured_s, self._measured_packets = 0.0, 0
        self._waiting_s = 0.0
        self._expected: dict[str, tuple[int, float]] = {}
        """The coming packets of each checkpoint at the last sample, and since when they are so
        many.
        """

    def add(self, camera_id: str, work: CheckpointWork) -> None:
        with self._lock:
            self._works = {**self._works, camera_id: work}
            self._sampled_s = None

    def forget(self, camera_id: str, work: CheckpointWork) -> None:
        """Forget this work of the camera. A later one stays, because the analysis of the camera may
        have hung in an earlier run.
        """
        with self._lock:
            if self._works.get(camera_id) is work:
                self._works = {one: of for one, of in self._works.items() if one != camera_id}
            self._sampled_s = None

    def waiting_s(self) -> float:
        """Return how long the worker needs for the packets that wait now."""
        return sum(work.waiting_packets for work in self._works.values()) * self.packet_s

    def coming_s(self) -> float:
        """Return how long the worker needs for the rest of the groups that it decodes now."""
        now_s = self._clock.monotonic_s()
        coming = sum(self._coming_of(name, work, now_s) for name, work in self._works.items())
        return coming * self.packet_s

    def _coming_of(self, camera_id: str, work: CheckpointWork, now_s: float) -> int:
        """Return the coming packets, or 0 if the camera sends nothing."""
        coming = work.coming_packets
        expected, since_s = self._expected.get(camera_id, (0, now_s))
        return 0 if coming == expected and now_s - since_s >= SILENT_S else coming

    def sample(self) -> float:
        """Measure, if the last sample is old enough, and return `waiting_s` as of the last one."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            if self._sampled_s is None or now_s - self._sampled_s >= SAMPLE_EVERY_S:
                self._sample(now_s)
        return self._waiting_s

    def _sample(self, now_s: float) -> None:
        decoded = sum(work.decoded_packets for work in self._works.values())
        self._waiting_s = self.waiting_s()
        self._expected = {name: self._seen(name, now_s) for name in self._works}
        if self._sampled_s is not None and self._waited and self._waiting_s:
            passed_s = now_s - self._sampled_s
            if passed_s < LONGEST_SAMPLE_S:
                self._measured_s += passed_s
                self._measured_packets += decoded - self._decoded
        self._sampled_s, self._waited = now_s, self._waiting_s > 0
        self._decoded = decoded
        if self._measured_s >= MEASURED_S:
            if self._measured_packets >= MEASURED_PACKETS:
                packet_s = min(MOST_PACKET_S, self._measured_s / self._measured_packets)
                self.packet_s += _WEIGHT * (packet_s - self.packet_s)
            self._measured_s, self._measured_packets = 0.0, 0

    def _seen(self, camera_id: str, now_s: float) -> tuple[int, float]:
        coming = self._works[camera_id].coming_packets
        before, since_s = self._expected.get(camera_id, (coming, now_s))
        return coming, since_s if coming == before else now_s
