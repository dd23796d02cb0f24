"""The fan-out never blocks its reader, gives each consumer decodable packets, and counts every
packet that it drops.
"""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from domain.media.fanout import Fanout, SoundTap, Tap
from domain.media.packet_batch import PacketOrBatch, single_packets
from domain.media.packets import AudioPacket, Packet, StreamInfo, WallSource

STREAM = StreamInfo("cam", "h264", 1280, 720, Fraction(1, 90000), b"", 1)


def _packet(number: int, keyframe: bool, size_bytes: int = 10) -> Packet:
    return Packet(
        STREAM, b"x" * size_bytes, number, number, 1, keyframe, number, WallSource.RECEIVER, number
    )


def test_each_tap_gets_every_packet_from_the_first_keyframe_on() -> None:
    fanout = Fanout()
    taps = [fanout.open("decoder"), fanout.open("live")]
    for number in range(6):
        fanout.put(_packet(number, number == 2))
    for tap in taps:
        assert [packet.pts for packet in tap.take()] == [2, 3, 4, 5]
        assert tap.dropped_packets == 2


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=60))
def test_taken_packets_are_decodable_and_dropped_ones_counted(
    steps: list[tuple[bool, int]],
) -> None:
    """`steps`: whether each packet is a keyframe, and how often the consumer takes after it (0:
    not).
    """
    tap = Tap("t", max_packets=4, max_bytes=35)
    taken: list[int] = []
    for number, (keyframe, takes) in enumerate(steps):
        tap.put(_packet(number, keyframe))
        if takes == 3:
            taken += [packet.pts for packet in tap.take(0)]
    taken += [packet.pts for packet in tap.take(0)]
    assert taken == sorted(set(taken))
    assert len(taken) + tap.dropped_packets == len(steps)
    for before, after in zip([-2, *taken], taken, strict=False):
        assert after == before + 1 or steps[after][0], "a hole must end at a keyframe"


def test_a_viewer_that_falls_behind_resumes_at_the_newest_keyframe() -> None:
    tap = Tap("f", 4, 10_000)
    for number in range(10):
        tap.put(_packet(number, number % 3 == 0))
    assert [packet.pts for packet in tap.take()] == [6, 7, 8, 9]


def test_a_closed_tap_gives_what_it_holds_and_then_ends() -> None:
    fanout = Fanout()
    tap = fanout.open("decoder")
    fanout.put(_packet(0, True))
    fanout.close_all()
    fanout.put(_packet(1, True))
    assert [packet.pts for packet in tap] == [0]
    assert tap.closed


def test_a_sink_is_handed_video_and_audio_until_it_is_detached() -> None:
    class Kept:
        def __init__(self) -> None:
            self.got: list[object] = []

        def put(self, *received: PacketOrBatch) -> None:
            self.got.extend(single_packets(received))

        def put_audio(self, packet: object, /) -> None:
            self.got.append(packet)

    fanout, sink = Fanout(), Kept()
    fanout.attach(sink)
    video = _packet(0, True)
    sound = AudioPacket(video.stream, b"\x00", 0, 160, 0, 0)
    fanout.put(video)
    fanout.put_audio(sound)
    fanout.detach(sink)
    fanout.put(_packet(1, False))
    assert sink.got == [video, sound]


def test_viewers_and_waiting_sinks_are_waiting_consumers() -> None:
    class Nothing:
        def put(self, *received: PacketOrBatch) -> None: ...

        def put_audio(self, packet: AudioPacket, /) -> None: ...

    fanout, recorder, analyser, is_waiting = Fanout(), Nothing(), Nothing(), [True]
    fanout.attach(recorder)
    assert not fanout.has_waiting_consumer
    tap = fanout.open("viewer")
    assert fanout.has_waiting_consumer
    fanout.close(tap)
    fanout.attach(analyser, lambda: is_waiting[0])
    assert fanout.has_waiting_consumer
    is_waiting[0] = False
    assert not fanout.has_waiting_consumer
    is_waiting[0] = True
    assert fanout.may_need_packets_soon
    fanout.detach(analyser)
    assert not fanout.has_waiting_consumer
    assert not fanout.may_need_packets_soon


def test_a_new_tap_calls_on_tap() -> None:
    fanout, calls = Fanout(), list[int]()
    fanout.on_tap = lambda: calls.append(len(fanout.taps))
    fanout.close(fanout.open("viewer"))
    fanout.open("another", from_held=True)
    assert calls == [1, 1]


def _sound(number: int) -> AudioPacket:
    return AudioPacket(STREAM, b"s" * 160, number, 160, number, number)


def test_sound_is_shared_with_those_who_listen_and_with_no_viewer() -> None:
    fanout = Fanout()
    viewer, early = fanout.open("live"), _sound(0)
    fanout.put_audio(early)
    listener = fanout.open_sound()
    sounds = [_sound(number) for number in range(1, 4)]
    for sound in sounds:
        fanout.put_audio(sound)
    heard = listener.take(0)
    assert [id(one) for one in heard] == [id(one) for one in sounds], "nothing is copied"
    assert viewer.take(0) == []
    fanout.close_sound(listener)
    fanout.put_audio(early)
    assert (listener.take(0), fanout.sound_taps) == ([], ())


def test_a_listener_that_takes_nothing_loses_the_oldest_sound_and_it_is_counted() -> None:
    tap = SoundTap(max_packets=3)
    for number in range(5):
        tap.put(_sound(number))
    assert [one.pts for one in tap.take(0)] == [2, 3, 4]
    assert tap.dropped_packets == 2


def test_the_reader_does_not_delay_packets_while_somebody_listens() -> None:
    fanout = Fanout()
    assert not fanout.has_waiting_consumer
    tap = fanout.open_sound()
    assert fanout.has_waiting_consumer
    fanout.close_all()
    assert tap.closed
