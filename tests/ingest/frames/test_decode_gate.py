"""The decode gate misses nothing that moves, decodes nothing while nothing moves, and does not
trust packet sizes that hide motion.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace

import av
import pytest

from domain.clock import NS_PER_S, SystemClock
from domain.media.fanout import Tap
from domain.media.packets import Frame, Packet
from ingest.frames.decode_control import Burst
from ingest.frames.decode_gate import PROBE_EVERY_NS, DecodeGate
from ingest.frames.decoder import FrameReader
from ingest.frames.packet_motion import WINDOW_NS
from ingest.frames.still_detection import BEFORE_NS
from tests.recorded import START_NS, Material, number_in, packets_of

FPS, GOP = 25, 50
LEARNED_S = 61
"""How long the gate observes a stream before it relies on the sizes of its packets."""


class Channel:
    """Puts a camera's packets through a gate to a reader, each padded to so many bytes.

    Its stream says that it is 1080p.
    """

    def __init__(self, tap: Tap | None = None) -> None:
        self.tap = tap or Tap("decoder", 256, 16 << 20)
        self.gate = DecodeGate("gate", self.tap)
        self.reader = FrameReader(self.tap, SystemClock(), 1000.0, "gate", control=self.gate)
        self._packets = iter(_stream(300))
        self.frames: list[Frame] = []
        self.fed: list[Packet] = []
        self.released: list[Packet] = []
        self.decoded = 0

    def put(self, seconds: float, size_bytes: int) -> Iterator[Packet]:
        """Put packets into the gate, and yield each."""
        for _ in range(round(seconds * FPS)):
            packet = next(self._packets)
            packet = (
                packet
                if packet.is_keyframe
                else replace(
                    packet, data=packet.data + bytes(max(0, size_bytes - packet.size_bytes))
                )
            )
            self.gate.put(packet)
            yield packet

    def feed(self, seconds: float, size_bytes: int) -> None:
        for packet in self.put(seconds, size_bytes):
            self.fed.append(packet)
            released = self.tap.take(0)
            self.decoded += len(released)
            self.released += released
            if released:
                self.reader._newest_wall_ns = released[-1].wall_ns
            for queued in released:
                self.frames += self.reader._frames(queued)

    @property
    def numbers(self) -> list[int]:
        return [round((frame.wall_ns - START_NS) * FPS / NS_PER_S) for frame in self.frames]


def _stream(seconds: int) -> list[Packet]:
    packets = packets_of(Material(gop=GOP, length=GOP))
    wide = replace(packets[0].stream, width_px=1920, height_px=1080)
    period = GOP * NS_PER_S // FPS
    return [
        replace(
            packet,
            stream=wide,
            pts=packet.pts + 90_000 * 2 * n,
            dts=packet.dts + 90_000 * 2 * n,
            wall_ns=packet.wall_ns + period * n,
        )
        for n in range(seconds // 2)
        for packet in packets
    ]


@pytest.fixture
def channel() -> Channel:
    channel = Channel()
    channel.gate.on_analysed(is_in_view=False)
    channel.feed(LEARNED_S + 1, 600)
    return channel


def test_a_still_picture_is_decoded_until_its_sizes_are_learned_and_then_no_more(
    channel: Channel,
) -> None:
    before = channel.decoded
    assert 55 * FPS < before < LEARNED_S * FPS
    channel.feed(20, 600)
    assert channel.decoded == before
    assert channel.gate.is_closed


@pytest.mark.parametrize("into_gop_s", [0.3, 0.9, 1.7])
def test_motion_is_analysed_from_its_first_frame(channel: Channel, into_gop_s: float) -> None:
    channel.feed(into_gop_s, 600)
    began = len(channel.fed)
    seen = len(channel.frames)
    channel.feed(2, 6_000)
    numbers = channel.numbers[seen:]
    assert numbers[0] <= began
    assert numbers == list(range(numbers[0], len(channel.fed))), (
        "every one from there on, though those of the burst come late"
    )
    assert numbers[0] >= began - (WINDOW_NS + BEFORE_NS) * FPS // NS_PER_S - 1, "and few of before"
    assert not channel.gate.is_closed


def test_the_pictures_of_a_burst_are_whole(channel: Channel) -> None:
    channel.feed(0.6, 600)
    seen = len(channel.frames)
    channel.feed(2, 6_000)
    shown = [
        number_in(av.VideoFrame.from_ndarray(frame.bgr, "bgr24")) for frame in channel.frames[seen:]
    ]
    assert shown == [number % GOP for number in channel.numbers[seen:]]


def test_no_packet_is_decoded_twice_however_often_the_gate_closes(channel: Channel) -> None:
    decoded, fed = channel.decoded, len(channel.fed)
    for still_s, moving_s in (
        (1.3, 0.7),
        (1.7, 0.4),
        (2.9, 1.1),
        (1.5, 0.3),
        (3.3, 0.9),
        (5.7, 2.1),
    ) * 2:
        channel.feed(still_s, 600)
        channel.feed(moving_s, 6_000)
    assert channel.decoded - decoded < 0.9 * (len(channel.fed) - fed)
    assert channel.numbers == sorted(set(channel.numbers))


def test_after_a_short_quiet_interval_decoding_continues_where_it_stopped(channel: Channel) -> None:
    channel.feed(0.2, 600)
    channel.feed(0.6, 6_000)
    while not channel.gate.is_closed:
        channel.feed(1 / FPS, 600)
    decoded, seen = channel.decoded, len(channel.frames)
    channel.feed(0.2, 600)
    channel.feed(0.6, 6_000)
    assert not channel.gate.is_closed
    assert channel.decoded - decoded == round(0.8 * FPS), (
        "of that group of pictures, what was not decoded yet"
    )
    shown = [
        number_in(av.VideoFrame.from_ndarray(frame.bgr, "bgr24")) for frame in channel.frames[seen:]
    ]
    assert shown == [number % GOP for number in channel.numbers[seen:]]


@pytest.mark.parametrize("quiet_s", [0.7, 2.6, 6.1])
def test_a_late_reader_skips_what_would_have_been_held(channel: Channel, quiet_s: float) -> None:
    """The queue holds an empty road between two vehicles, and the first has left when its
    reader gets there.
    """
    channel.gate.on_analysed(is_in_view=True)
    channel.feed(1.0, 3000)
    queued = [*channel.put(quiet_s, 600), *channel.put(1.0, 3000)]
    packets = channel.tap.take(0)
    assert list(channel.reader._needed(packets)) == packets == queued, (
        "while something may be in view all is needed"
    )
    channel.gate.on_analysed(is_in_view=False)
    needed = list(channel.reader._needed(packets))
    unsupported_audio = [packet for packet in packets if packet not in needed]
    moved_ns = queued[round(quiet_s * FPS)].wall_ns
    assert packets == sorted([*needed, *unsupported_audio], key=lambda packet: packet.wall_ns)
    assert all(packet.wall_ns < moved_ns - BEFORE_NS for packet in unsupported_audio)
    assert len(unsupported_audio) in {0.7: [0], 2.6: range(12), 6.1: range(60, 130)}[quiet_s]
    if unsupported_audio:
        assert packets[packets.index(unsupported_audio[-1]) + 1].is_keyframe
        assert (
            packets.index(unsupported_audio[-1]) - packets.index(unsupported_audio[0])
            == len(unsupported_audio) - 1
        ), "what is decoded goes on at one keyframe"


def test_the_gate_says_which_packets_before_one_it_did_not_release(channel: Channel) -> None:
    """The reader must know them, and cannot derive them from times."""
    for still_s, moving_s in ((3.3, 0.9), (1.2, 0.4), (0.8, 0.5), (62.5, 1.1)):
        channel.feed(still_s, 600)
        channel.feed(moving_s, 6_000)
    released = {packet.wall_ns for packet in channel.released}
    since_ns, found = None, list[int]()
    for packet in channel.fed:
        if packet.wall_ns in released:
            assert channel.gate.skipped_from_ns(packet.wall_ns) == since_ns
            found += [] if since_ns is None else [since_ns]
            since_ns = None
        elif since_ns is None:
            since_ns = packet.wall_ns
    assert len(found) >= 2


def test_a_connection_that_failed_is_no_rest_of_a_group(channel: Channel) -> None:
    channel.gate.on_analysed(is_in_view=True)
    channel.feed(1.0, 6_000)
    last = channel.fed[-1]
    session = replace(last.stream, session=last.stream.session + 1)
    later = replace(last, stream=session, is_keyframe=True, wall_ns=last.wall_ns + 9 * NS_PER_S)
    channel.gate.put(later)
    assert channel.gate.skipped_from_ns(later.wall_ns) == last.wall_ns


def test_the_gate_stays_open_while_something_is_in_view(channel: Channel) -> None:
    channel.gate.on_analysed(is_in_view=True)
    channel.feed(4, 600)
    before = channel.decoded
    channel.feed(4, 600)
    assert channel.decoded - before == 4 * FPS


def test_a_closed_gate_releases_a_keyframe_once_a_minute(channel: Channel) -> None:
    seen = len(channel.frames)
    channel.feed(PROBE_EVERY_NS / NS_PER_S + 4, 600)
    assert [number % GOP for number in channel.numbers[seen:]] == [0]


def test_sizes_that_did_not_show_an_object_that_appeared_are_not_trusted_for_minutes(
    channel: Channel,
) -> None:
    channel.gate.on_appeared(channel.fed[-1].wall_ns)
    channel.feed(4, 600)
    before = channel.decoded
    channel.feed(10, 600)
    assert channel.decoded - before == 10 * FPS


def test_a_stream_that_spends_much_on_a_still_picture_is_always_decoded() -> None:
    channel = Channel()
    channel.gate.on_analysed(is_in_view=False)
    channel.feed(120, 8_000)
    assert channel.decoded == len(channel.fed)


def test_a_stream_whose_still_pictures_differ_much_in_size_is_always_decoded() -> None:
    """A vehicle with twice the bytes would not exceed the variation of the still pictures."""
    channel, drawn = Channel(), random.Random(1)
    channel.gate.on_analysed(is_in_view=False)
    for _ in range(400):
        channel.feed(0.5, round(1_500 * math.exp(drawn.gauss(0, 0.35))))
    assert channel.decoded == len(channel.fed)


def test_a_new_session_is_decoded_until_its_sizes_are_learned(channel: Channel) -> None:
    packets = [replace(packet, stream=replace(packet.stream, session=2)) for packet in _stream(4)]
    for packet in packets:
        channel.gate.put(packet)
    assert len(channel.tap.take(0)) == len(packets)


def an_hour_earlier(packets: list[Packet]) -> list[Packet]:
    """Return packets of the next session, before which the clock was set back."""
    return [
        replace(
            packet,
            stream=replace(packet.stream, session=2),
            wall_ns=packet.wall_ns - 3600 * NS_PER_S,
        )
        for packet in packets
    ]


def test_a_burst_from_before_the_clock_was_set_back_is_forgotten(channel: Channel) -> None:
    """Otherwise all frames up to its end would count as held."""
    channel.gate.on_analysed(is_in_view=False)
    channel.feed(LEARNED_S, 600)
    channel.feed(1, 6_000)
    assert channel.gate.burst != Burst()
    channel.gate.put(an_hour_earlier(_stream(4))[0])
    assert channel.gate.burst == Burst()


def test_motion_from_before_the_clock_was_set_back_shows_no_later_object(channel: Channel) -> None:
    channel.gate.on_analysed(is_in_view=False)
    channel.feed(LEARNED_S, 600)
    channel.feed(1, 6_000)
    channel._packets = iter(an_hour_earlier(_stream(300)))
    channel.feed(LEARNED_S + 2, 600)
    assert channel.gate.is_closed
    channel.gate.on_appeared(channel.fed[-1].wall_ns)
    channel.feed(4, 600)
    assert not channel.gate.is_closed, "the sizes did not show it"


class _WatchedTap(Tap):
    """Records the gate's state at each packet that it gets."""

    gate: DecodeGate

    def __init__(self) -> None:
        super().__init__("decoder", 256, 16 << 20)
        self.states: list[tuple[bool, Burst]] = []

    def put(self, packet: Packet) -> None:
        self.states.append((self.gate.is_closed, self.gate.burst))
        super().put(packet)


def test_a_gate_that_opens_is_open_and_names_its_burst_before_the_first_held_packet() -> None:
    """The reader may decode the first packet of a burst before the last one is in the tap."""
    tap = _WatchedTap()
    channel = Channel(tap)
    tap.gate = channel.gate
    channel.gate.on_analysed(is_in_view=False)
    channel.feed(LEARNED_S + 1.6, 600)
    before, fed = len(tap.states), len(channel.fed)
    assert channel.gate.is_closed
    while channel.gate.is_closed:
        channel.feed(1 / FPS, 6_000)
    opened_by = channel.fed[-1]
    assert len(channel.fed) - fed < FPS
    burst = tap.states[before:]
    assert len(burst) > 1, "packets were held"
    assert {is_closed for is_closed, _ in burst} == {False}
    assert {burst.to_ns for _, burst in burst} == {opened_by.wall_ns}


def test_the_gate_stays_open_before_the_first_report() -> None:
    channel = Channel()
    channel.feed(LEARNED_S + 1, 600)
    assert not channel.gate.is_closed
    assert channel.decoded == len(channel.fed)
