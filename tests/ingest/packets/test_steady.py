"""Batches of packets equal the packets that are built one by one, whatever the camera does."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_MS
from domain.media.packet_batch import PacketBatch, single_packets
from domain.media.packets import Packet
from ingest.packets.depacketise import AccessUnit
from ingest.packets.nal import START_CODE
from ingest.packets.packet_builder import SourceCounts
from ingest.packets.rtcp import SenderReport
from ingest.packets.sdp import Video
from ingest.packets.timeline import Timeline
from ingest.packets.tracks import VideoTrack
from tests.ingest.packets.test_track_times import START_NS, first_picture

FRAME = 3600
SLICE = START_CODE + b"\x41\x9a"
STEADY_READS = 40


@dataclass(frozen=True, slots=True)
class Read:
    """The result of one read: units by the steps of their timestamps, and the time since the last
    read.
    """

    steps: tuple[int, ...]
    after_ms: int
    skew_ms: int | None = None
    """The time of a sender report."""
    step_ms: int = 0
    """The step of our clock."""


STEPS = st.one_of(
    st.just(FRAME),
    st.just(FRAME),
    st.just(FRAME),
    st.integers(-50_000, 200_000),
    st.sampled_from([0, -7200, 1 << 31, 3601]),
)
READS = st.builds(
    Read,
    st.lists(STEPS, max_size=9).map(tuple),
    st.one_of(st.just(300), st.just(300), st.integers(0, 8000)),
    st.one_of(st.none(), st.sampled_from([0, 3000, 7000])),
    st.sampled_from([0, 0, 0, 60_000, -60_000]),
)


def steady(random: Random, reads: int = STEADY_READS) -> list[Read]:
    """Some seconds of a camera at 25 frames/s with jitter, and a report from time to time."""
    counts = [random.choice((7, 8)) for _ in range(reads)]
    return [
        Read((FRAME,) * count, random.choice((290, 300, 310)), 40 if at % 15 == 3 else None)
        for at, count in enumerate(counts)
    ]


class Side:
    """A track and its packets."""

    def __init__(self, b_frames: int, quick: bool) -> None:
        sets, self._keyframe = first_picture(b_frames)
        self.counts = SourceCounts(Timeline())
        self.track = VideoTrack(
            "gate", Video("h264", 96, 90_000, sets, True, "", ""), None, self.counts
        )
        self.given: list[Packet] = []
        self.batched_packets = 0
        builder: Any = self.track._builder
        self._batch = builder.batch
        builder.batch = self._counted if quick else lambda *_: None
        self._ns, self._stepped_ns, self._stamp, self._number = START_NS, 0, 0, 0

    def read(self, read: Read) -> list[Packet]:
        """Return the packets of this read."""
        self._ns += read.after_ms * NS_PER_MS
        self._stepped_ns += read.step_ms * NS_PER_MS
        if read.skew_ms is not None:
            self.track._sender.on_report(
                SenderReport(7, self._ns + read.skew_ms * NS_PER_MS, 0, self._stamp)
            )
        for step in read.steps:
            self._stamp = self._stamp + step & 0xFFFFFFFF
            is_key = self._number % 50 == 0
            data = START_CODE + self._keyframe if is_key else SLICE + b"%06d" % self._number
            self.track.units.ready.append(AccessUnit(self._stamp, data, is_key))
            self._number += 1
        given = list(single_packets(self.track.packets(self._ns, self._stepped_ns)))
        self.given += given
        return given

    def state(self) -> tuple[Any, ...]:
        """Everything that determines the further results."""
        timeline, builder = self.counts.timeline, self.track._builder
        parts = (
            timeline,
            timeline._sender,
            timeline._least,
            builder._clock_rate,
            builder._stamps,
            builder._decode_times,
        )
        apart = ("_sender", "_sender_offset", "_least", "_spacing", "_silence")
        own = [
            {key: value for key, value in vars(part).items() if key not in apart}
            for part in parts
            if part
        ]
        return (
            own,
            builder.needs_sender_time,
            builder._sender_due_ns,
            self.counts.jumps,
            self.counts.session,
        )

    def _counted(self, *arguments: Any) -> PacketBatch | None:
        run: PacketBatch | None = self._batch(*arguments)
        self.batched_packets += 0 if run is None else run.count
        return run


def both(reads: list[Read], b_frames: int = 0) -> Side:
    quick, slow = Side(b_frames, quick=True), Side(b_frames, quick=False)
    for read in reads:
        assert quick.read(read) == slow.read(read)
        assert quick.state() == slow.state()
    return quick


@pytest.mark.parametrize("b_frames", [0, 2])
@settings(deadline=None, max_examples=40)
@given(st.lists(READS, max_size=8), st.integers(0, 1 << 32))
def test_both_ways_give_the_same(b_frames: int, irregular: list[Read], seed: int) -> None:
    random = Random(seed)
    both(
        steady(random)
        + [part for read in irregular for part in (read, *steady(random, 3))]
        + steady(random),
        b_frames,
    )


def test_a_steady_camera_gives_batches() -> None:
    side = both(steady(Random(1), reads=200))
    assert side.batched_packets > 0.8 * len(side.given)


@pytest.mark.parametrize("hz_part", [0.98, 1.02, 1.3])
def test_a_counter_at_the_wrong_speed(hz_part: float) -> None:
    both([Read((round(FRAME * hz_part),) * 8, 320) for _ in range(200)])


def test_without_reports_and_with_a_clock_far_off() -> None:
    both([Read((FRAME,) * 8, 320) for _ in range(100)])
    both([Read((FRAME,) * 8, 320, 20_000 if at % 12 == 0 else None) for at in range(100)])
