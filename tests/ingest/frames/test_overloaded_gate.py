"""While its worker is behind, the decode gate decodes whole groups of pictures or none of them, and
reports what it left out.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.clock import NS_PER_S
from ingest.frames.admission import Admission, GroupWork, NotDecoded
from ingest.frames.decode_gate import DecodeGate
from tests.ingest.frames.test_decode_gate import FPS, GOP, Channel, _stream, an_hour_earlier

GOP_S = GOP / FPS
STILL, MOVING = 600, 6_000


class Worker(Admission):
    """A worker that is behind, and admits the groups that it is asked to."""

    def __init__(self) -> None:
        self.behind = True
        self.admitted = True
        self.asked: list[GroupWork] = []
        self.left_out: list[tuple[float, int, NotDecoded]] = []

    @property
    def is_behind(self) -> bool:
        return self.behind

    @property
    def questions(self) -> int:
        return len(self.asked)

    def admits(self, group: GroupWork, /) -> bool:
        self.asked.append(group)
        return self.admitted

    def on_not_decoded(self, from_ns: int, to_ns: int, packets: int, why: NotDecoded, /) -> None:
        self.left_out.append(((to_ns - from_ns) / NS_PER_S, packets, why))


class OverloadedChannel(Channel):
    def __init__(self) -> None:
        super().__init__()
        self.worker = Worker()
        self.gate = DecodeGate("gate", self.tap, self.worker)
        self.reader._control = self.gate
        self.gate.on_analysed(is_in_view=True)

    def learn(self) -> None:
        """Show an object whose motion the packet sizes show, and end in front of a keyframe."""
        self.worker.behind = False
        self.feed(10, STILL)
        self.gate.on_appeared(self.fed[-1].wall_ns)
        self.feed(2, MOVING)
        self.feed(2, STILL)
        self.feed(-len(self.fed) % GOP / FPS, STILL)
        self.worker.behind = True

    def decoded_in(self, seconds: float, size_bytes: int) -> int:
        before = self.decoded
        self.feed(seconds, size_bytes)
        return self.decoded - before


@pytest.fixture
def channel() -> OverloadedChannel:
    channel = OverloadedChannel()
    channel.learn()
    return channel


def test_a_group_without_motion_is_not_decoded_and_reported_as_still(
    channel: OverloadedChannel,
) -> None:
    assert channel.decoded_in(3 * GOP_S, STILL) <= 1, "at most the keyframe of each minute"
    channel.feed(1 / FPS, STILL)
    assert channel.worker.left_out == [(GOP_S, GOP, NotDecoded.STILL)] * 3
    assert channel.worker.questions == 0


@pytest.mark.parametrize("into_gop_s", [0.2, 0.9, 1.4])
def test_an_admitted_group_is_decoded_from_its_keyframe(
    channel: OverloadedChannel, into_gop_s: float
) -> None:
    seen = len(channel.frames)
    channel.feed(into_gop_s, STILL)
    channel.feed(GOP_S - into_gop_s, MOVING)
    assert channel.worker.questions == 1
    numbers = channel.numbers[seen:]
    assert [number % GOP for number in numbers] == list(range(GOP))
    channel.feed(1 / FPS, STILL)
    assert channel.worker.left_out == []


def test_a_refused_group_is_not_decoded_and_the_next_one_is_asked_for_again(
    channel: OverloadedChannel,
) -> None:
    channel.worker.admitted = False
    assert channel.decoded_in(GOP_S, MOVING) <= 1
    channel.worker.admitted = True
    assert channel.decoded_in(GOP_S, MOVING) >= GOP - 1
    assert channel.worker.questions == 2
    assert channel.worker.left_out == [(GOP_S, GOP, NotDecoded.OVERLOAD)]


def test_a_refused_group_is_reported_at_the_end_of_the_camera(channel: OverloadedChannel) -> None:
    channel.worker.admitted = False
    channel.feed(GOP_S / 2, MOVING)
    assert channel.worker.left_out == []
    channel.gate.end()
    assert channel.worker.left_out == [((GOP // 2 - 1) / FPS, GOP // 2, NotDecoded.OVERLOAD)]
    assert channel.gate.done_until_ns(channel.fed[-1].received_ns) == channel.fed[-1].wall_ns


def test_it_says_how_much_work_a_group_is(channel: OverloadedChannel) -> None:
    channel.feed(1.0, STILL)
    channel.feed(0.4, MOVING)
    (group,) = channel.worker.asked
    assert FPS < group.held_packets < FPS + 10
    assert group.held_packets + group.coming_packets == GOP
    assert group.coming_s == pytest.approx(group.coming_packets / FPS)


def test_it_says_how_long_a_group_is(channel: OverloadedChannel) -> None:
    channel.feed(1 / FPS, STILL)
    assert channel.gate.group_ns == pytest.approx(GOP_S * NS_PER_S)
    assert DecodeGate("gate", channel.tap).group_ns == 0, "before the first one"


@pytest.mark.parametrize("is_admitted", [True, False])
def test_the_packets_that_come_count_while_their_group_is_decoded(
    channel: OverloadedChannel, is_admitted: bool
) -> None:
    channel.worker.admitted = is_admitted
    channel.feed(0.4, STILL)
    assert channel.gate.coming_packets == 0, "it may be left out"
    channel.feed(0.8, MOVING)
    assert channel.gate.coming_packets == is_admitted * (GOP - 30)
    channel.feed(0.8, MOVING)
    assert channel.gate.coming_packets == 0


def test_the_rest_of_an_admitted_group_is_left_out_once_nothing_is_in_view(
    channel: OverloadedChannel,
) -> None:
    channel.feed(0.5, MOVING)
    channel.gate.on_analysed(is_in_view=False)
    assert channel.decoded_in(1.5, STILL) < 1.2 * FPS


def test_motion_after_a_pause_continues_where_decoding_stopped(channel: OverloadedChannel) -> None:
    seen = len(channel.frames)
    channel.gate.on_analysed(is_in_view=False)
    channel.feed(0.4, MOVING)
    channel.feed(1.0, STILL)
    channel.feed(0.6, MOVING)
    assert [number % GOP for number in channel.numbers[seen:]] == list(range(GOP))
    assert channel.worker.questions == 1


def test_a_group_that_is_held_is_decoded_as_soon_as_the_worker_has_caught_up(
    channel: OverloadedChannel,
) -> None:
    channel.worker.admitted = False
    channel.feed(1.0, MOVING)
    channel.worker.behind = False
    assert channel.decoded_in(1.0, MOVING) >= GOP - 1
    channel.feed(1 / FPS, STILL)
    assert channel.worker.left_out == []


def test_it_says_from_when_held_packets_may_still_be_decoded(channel: OverloadedChannel) -> None:
    """A vehicle in them has not left the view, although no frame of it arrives."""
    assert channel.gate.undecided_from_ns is None, "before the first group"
    channel.feed(1 / FPS, STILL)
    keyframe_ns = channel.fed[-1].wall_ns
    channel.feed(0.4, STILL)
    assert channel.gate.undecided_from_ns == keyframe_ns
    channel.feed(0.8, STILL)
    still_until_ns = channel.gate.undecided_from_ns
    assert still_until_ns is not None
    assert 0.4 * NS_PER_S <= still_until_ns - keyframe_ns <= 1.2 * NS_PER_S
    channel.feed(0.5, MOVING)
    assert channel.gate.undecided_from_ns is None, "the group is decoded"


@pytest.mark.parametrize("is_admitted", [True, False])
def test_a_decided_group_is_not_undecided(channel: OverloadedChannel, is_admitted: bool) -> None:
    channel.worker.admitted = is_admitted
    channel.feed(1.5, MOVING)
    assert channel.gate.undecided_from_ns is None


def test_nothing_is_undecided_once_the_worker_has_caught_up(channel: OverloadedChannel) -> None:
    channel.feed(0.4, STILL)
    channel.worker.behind = False
    channel.feed(0.4, STILL)
    assert channel.gate.undecided_from_ns is None


@pytest.mark.parametrize("is_admitted", [True, False])
def test_a_group_is_done_when_it_is_released_or_reported(
    channel: OverloadedChannel, is_admitted: bool
) -> None:
    channel.worker.admitted = is_admitted
    channel.feed(1 / FPS, STILL)
    keyframe_ns = channel.fed[-1].wall_ns
    channel.feed(0.4, STILL)
    assert channel.gate.done_until_ns(channel.fed[-1].received_ns) == keyframe_ns, "it is held"
    channel.feed(0.8, MOVING)
    now_ns = channel.fed[-1].received_ns
    done_ns = channel.fed[-1].wall_ns if is_admitted else keyframe_ns
    assert channel.gate.done_until_ns(now_ns) == done_ns
    channel.worker.behind = False
    channel.feed(1.0, STILL)
    assert channel.gate.done_until_ns(now_ns) == channel.fed[-1].wall_ns


def test_no_picture_is_decoded_twice(channel: OverloadedChannel) -> None:
    for at in range(20):
        channel.worker.admitted = at % 3 != 0
        channel.worker.behind = at % 5 != 4
        channel.gate.on_analysed(is_in_view=at % 2 == 0)
        channel.feed(0.7, STILL)
        channel.feed(0.9, MOVING)
    assert channel.numbers == sorted(set(channel.numbers))


def test_sizes_that_never_showed_an_object_are_not_trusted_and_every_group_is_asked_for() -> None:
    """A camera with a constant bitrate would otherwise never be analysed under overload."""
    channel = OverloadedChannel()
    channel.feed(20 * GOP_S, 8_000)
    assert channel.worker.questions == 20
    assert channel.decoded == 20 * GOP


def test_a_group_ends_with_the_last_packet_of_its_session(channel: OverloadedChannel) -> None:
    """The camera is away afterwards, which is no overload, and the group is not a whole one."""
    channel.feed(GOP_S, STILL)
    channel.worker.admitted = False
    channel.feed(1.0, MOVING)
    last = channel.fed[-1]
    session = replace(last.stream, session=last.stream.session + 1)
    for number, is_keyframe in enumerate((False, True)):
        wall_ns = last.wall_ns + (600 + number) * NS_PER_S
        channel.gate.put(replace(last, stream=session, is_keyframe=is_keyframe, wall_ns=wall_ns))
    (lasted_s, packets, why) = channel.worker.left_out[-1]
    assert lasted_s == pytest.approx(1.0 - 1 / FPS)
    assert (packets, why) == (FPS, NotDecoded.OVERLOAD)
    assert channel.gate.group_ns == pytest.approx(GOP_S * NS_PER_S)


def test_a_keyframe_a_minute_is_decoded_also_after_the_clock_was_set_back(
    channel: OverloadedChannel,
) -> None:
    channel.worker.admitted = False
    channel.feed(GOP_S, MOVING)
    channel.tap.take(0)
    for packet in an_hour_earlier(_stream(125)):
        channel.gate.put(packet)
    assert len(channel.tap.take(0)) == 2
