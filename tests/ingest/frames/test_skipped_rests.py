"""The rests of groups of pictures that a frame reader skips, and how long they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.clock import NS_PER_S, SystemClock
from domain.media.fanout import Tap
from domain.media.packets import Frame, Packet
from domain.metrics import PACKETS_NOT_DECODED
from domain.recordings.partly_analysed import PartlyCause
from ingest.frames.admission import NotDecoded
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_control import DecodeEverything
from ingest.frames.decoder import FrameReader
from tests.ingest.frames.loaded_reader import FRAME_NS, START_NS, Load, drain


def test_the_rest_of_a_group_is_skipped_counted_and_a_loss_up_to_the_next_keyframe(
    load: Load,
) -> None:
    """A group of the file has 25 pictures; the reader is told so at the third of the first."""
    packets = [
        replace(one, wall_ns=START_NS + at * FRAME_NS) for at, one in enumerate(load("h264"))
    ]
    starts = [at for at, packet in enumerate(packets) if packet.is_keyframe]
    tap, losses = Tap("decoder", 256, 16 << 20), AnalysisLosses()
    reader = FrameReader(tap, SystemClock(), 1000.0, "settled", losses=losses)
    frames: list[Frame] = []
    for packet in packets:
        tap.put(packet)
        given = drain(reader, tap)
        frames += given
        if given and len(frames) == 3:
            reader.skip_group()
            assert not reader.is_decoding
    assert reader.is_decoding
    numbers = [(frame.wall_ns - START_NS) // FRAME_NS for frame in frames]
    assert numbers == [0, 1, 2, *range(starts[1], len(packets))]
    assert reader.decoded_packets == len(numbers)
    (lost,) = losses.take()
    assert lost == (START_NS + 2 * FRAME_NS, packets[starts[1]].wall_ns, PartlyCause.SETTLED)
    skipped = PACKETS_NOT_DECODED.labels("settled", NotDecoded.SETTLED)._value.get()
    assert skipped == starts[1] - 3
    assert reader.groups == len(starts)


def test_a_rest_is_as_long_as_the_group_before_says(load: Load) -> None:
    class Groups(DecodeEverything):
        group_ns = NS_PER_S

    packets = [
        replace(one, wall_ns=START_NS + at * FRAME_NS) for at, one in enumerate(load("h264"))
    ]
    reader = FrameReader(Tap("decoder", 1, 1), SystemClock(), 1000.0, "gate", control=Groups())
    rests = [reader.rest_ns for packet in packets for _ in reader._frames(packet)]
    assert rests[:25] == [NS_PER_S - at * FRAME_NS for at in range(25)]
    assert rests[25] == NS_PER_S, "the next group has begun"


def test_a_rest_ends_where_the_gate_held_the_packets_after_it(load: Load) -> None:
    """Nothing moved in them, or the gate reports them itself. How long they last does not count."""

    class Gate(DecodeEverything):
        held_ns: int | None = None

        def skipped_from_ns(self, wall_ns: int, /) -> int | None:
            return self.held_ns if wall_ns == later.wall_ns else None

    packets = load("h264")
    second = next(packet for packet in packets[1:] if packet.is_keyframe)
    for rest, held_s, later_s in ((7, 0.4, 8), (7, 0.4, 0.5), (0, 0.1, 8), (0, None, 8)):
        later = replace(second, wall_ns=packets[0].wall_ns + round(later_s * NS_PER_S))
        tap, losses, gate = Tap("decoder", 256, 16 << 20), AnalysisLosses(), Gate()
        if held_s is not None:
            gate.held_ns = packets[0].wall_ns + round(held_s * NS_PER_S)
        reader = FrameReader(
            tap, SystemClock(), 1000.0, "settled-held", control=gate, losses=losses
        )
        for packet in packets[:3]:
            assert len(list(reader._frames(packet))) == 1
        assert reader.skip_group()
        for packet in [*packets[3 : 3 + rest], later]:
            list(reader._frames(packet))
        until_ns = later.wall_ns if gate.held_ns is None else gate.held_ns
        assert losses.take() == [(packets[2].wall_ns, until_ns, PartlyCause.SETTLED)]


@pytest.mark.parametrize("name", ["h264", "reordered", "hevc"])
def test_the_end_of_a_group_that_is_skipped_leaves_out_nothing_of_the_next(
    name: str, load: Load
) -> None:
    """With B-frames, the keyframe of the next group is decoded before the last pictures of a group
    are returned.
    """
    expected = _numbers_and_groups(load(name), skip_at=())
    assert expected == [(number, 1 + number // 25) for number in range(len(expected))]
    assert len(expected) >= 47
    for at in (22, 23, 24):
        given = _numbers_and_groups(load(name), skip_at=range(at, 25))
        assert given[-22:] == expected[-22:]
        assert set(given) <= set(expected)


def _numbers_and_groups(packets: list[Packet], skip_at: Sequence[int]) -> list[tuple[int, int]]:
    """Return the number of each frame and the group that the reader says it is in. At frames with
    some numbers the rest of the group is skipped.
    """
    tap = Tap("decoder", 256, 16 << 20)
    reader = FrameReader(tap, SystemClock(), 1000.0, "gate")
    start_ns = min(packet.wall_ns for packet in packets)
    given: list[tuple[int, int]] = []
    for packet in packets:
        for frame in reader._frames(packet):
            number = round((frame.wall_ns - start_ns) / FRAME_NS)
            given.append((number, reader.groups))
            if number in skip_at:
                reader.skip_group()
    return given
