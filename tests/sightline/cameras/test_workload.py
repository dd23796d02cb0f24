"""The work of a worker is what waits, by the time that a packet takes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from domain.clock import ManualClock
from sightline.cameras.workload import (
    FIRST_PACKET_S,
    MOST_PACKET_S,
    SAMPLE_EVERY_S,
    SILENT_S,
    CheckpointWork,
    Workload,
)


@dataclass
class Packets(CheckpointWork):
    """The packets of a checkpoint."""

    waiting: int = 0
    decoded: int = 0
    coming: int = 0

    @property
    def waiting_packets(self) -> int:
        return self.waiting

    @property
    def decoded_packets(self) -> int:
        return self.decoded

    @property
    def coming_packets(self) -> int:
        return self.coming


class Worker:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.load = Workload(self.clock)
        self.packets = Packets()
        self.load.add("gate", self.packets)

    def run(self, seconds: float, packet_s: float, waiting: int = 50) -> None:
        """Decode packets that take so long each, while others wait."""
        self.packets.waiting = waiting
        for _ in range(round(seconds / SAMPLE_EVERY_S)):
            self.clock.advance(SAMPLE_EVERY_S)
            self.packets.decoded += round(SAMPLE_EVERY_S / packet_s)
            self.load.sample()


@pytest.mark.parametrize("packet_s", [0.0025, 0.01, 0.05])
def test_the_time_of_a_packet_is_learned_within_seconds(packet_s: float) -> None:
    worker = Worker()
    worker.run(12, packet_s)
    assert worker.load.packet_s == pytest.approx(packet_s, rel=0.15)
    assert worker.load.waiting_s() == pytest.approx(50 * worker.load.packet_s)


def test_it_is_not_learned_while_nothing_waits() -> None:
    worker = Worker()
    worker.run(12, 0.05, waiting=0)
    assert worker.load.packet_s == FIRST_PACKET_S
    assert worker.load.waiting_s() == 0


def test_a_time_without_progress_teaches_nothing() -> None:
    """The models are loaded, for example."""
    worker = Worker()
    worker.run(30, 60.0)
    assert worker.load.packet_s == FIRST_PACKET_S
    worker.clock.advance(60)
    worker.load.sample()
    worker.run(0.9, 0.0125)
    assert worker.load.packet_s == FIRST_PACKET_S, "the pull thread did not run for a minute"


def test_it_is_bounded() -> None:
    worker = Worker()
    worker.packets.waiting = 1
    for _ in range(200):
        worker.clock.advance(0.9)
        worker.packets.decoded += 6
        worker.load.sample()
    assert 0.9 * MOST_PACKET_S < worker.load.packet_s <= MOST_PACKET_S


def test_the_work_is_that_of_all_checkpoints_until_they_are_forgotten() -> None:
    worker = Worker()
    other = Packets(waiting=10, coming=30)
    worker.load.add("other", other)
    worker.packets.waiting, worker.packets.coming = 20, 5
    assert worker.load.waiting_s() == pytest.approx(30 * FIRST_PACKET_S)
    assert worker.load.coming_s() == pytest.approx(35 * FIRST_PACKET_S)
    worker.load.forget("other", Packets())
    assert worker.load.waiting_s() == pytest.approx(30 * FIRST_PACKET_S), "of an earlier run"
    worker.load.forget("other", other)
    worker.run(12, 0.01, waiting=20)
    assert worker.load.waiting_s() == pytest.approx(20 * worker.load.packet_s)
    assert worker.load.packet_s == pytest.approx(0.01, rel=0.15)


def test_a_sample_is_used_again_for_a_moment() -> None:
    """Each packet of each camera asks."""
    worker = Worker()
    worker.packets.waiting = 10
    first = worker.load.sample()
    worker.packets.waiting = 90
    assert worker.load.sample() == first == pytest.approx(10 * FIRST_PACKET_S)
    worker.clock.advance(2 * SAMPLE_EVERY_S)
    assert worker.load.sample() == pytest.approx(90 * FIRST_PACKET_S)


def test_packets_that_do_not_come_are_no_work() -> None:
    """A camera that loses its connection within a group sends nothing more of it."""
    worker = Worker()
    silent, sending = Packets(coming=40), Packets(coming=40)
    worker.load.add("silent", silent)
    worker.load.add("sending", sending)
    worker.load.sample()
    assert worker.load.coming_s() == pytest.approx(80 * worker.load.packet_s)
    for _ in range(30):
        worker.clock.advance(SILENT_S / 20)
        sending.coming -= 1
        worker.load.sample()
    assert worker.load.coming_s() == pytest.approx(10 * worker.load.packet_s)
    silent.coming = 50  # it is connected again
    assert worker.load.coming_s() == pytest.approx(60 * worker.load.packet_s)
