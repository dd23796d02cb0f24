"""Frames: the right picture at the right time, at the rate asked for, whatever the stream does."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import cast

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S, SystemClock
from domain.media.fanout import Fanout, Tap
from domain.media.packets import Frame, Packet
from domain.metrics import FRAMES_SKIPPED
from domain.recordings.missed_passings import missed_starts
from domain.recordings.partly_analysed import SEEN_ENOUGH_NS, PartlyCause
from domain.settings_groups.analysis import DecoderDevice
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_control import Burst, DecodeEverything
from ingest.frames.decoder import FrameReader
from ingest.frames.decoder_devices import DecoderDevices
from ingest.frames.frame_rate import LATE_NS, LATE_STEP_NS, Decimator
from ingest.frames.turn import DecodeTurn
from tests.ingest.frames.loaded_reader import START_NS, Load, drain
from tests.recorded import B_FRAMES, packets_of


def frames_of(packets: list[Packet], fps: float = 1000.0) -> list[Frame]:
    fanout = Fanout()
    tap = fanout.open("decode")
    reader = FrameReader(tap, SystemClock(), fps, "gate")
    frames: list[Frame] = []
    for packet in packets:
        fanout.put(packet)
        frames += drain(reader, tap)
    fanout.close(tap)
    return frames + [frame for frame in reader if frame is not None]


def number_of(frame: Frame) -> int:
    """The frame's number modulo 50, as its brightness says (see `make_video`)."""
    return round(float(frame.bgr[-40:].mean()) / 4)


@pytest.mark.parametrize("name", ["h264", "hevc", "large"])
def test_each_frame_has_the_time_of_its_own_packet(name: str, load: Load) -> None:
    packets = load(name)
    frames = frames_of(packets)
    assert len(frames) >= 47
    assert frames[0].bgr.shape == (packets[0].stream.height_px, packets[0].stream.width_px, 3)
    start_ns = min(packet.wall_ns for packet in packets)
    for frame in frames:
        expected = round((frame.wall_ns - start_ns) / NS_PER_S * 25) % 50
        assert abs(number_of(frame) - expected) <= 1 or {number_of(frame), expected} <= {0, 49, 50}


@pytest.mark.parametrize("name", ["h264", "hevc", "large"])
def test_brightness_is_that_of_the_colours(name: str, load: Load) -> None:
    for frame in frames_of(load(name), 5.0):
        grey, colours = frame.pixels.grey.astype(np.float64), frame.bgr.astype(np.float64)
        assert grey.shape == (frame.height_px, frame.width_px) == colours.shape[:2]
        weighed = 16 + (colours @ (0.114, 0.587, 0.299)) * 219 / 255
        assert np.abs(grey - weighed).mean() < 3


@pytest.mark.parametrize(("fps", "count"), [(5.0, 10), (10.0, 20), (12.5, 25), (25.0, 50)])
def test_frames_come_at_the_rate_asked_for(fps: float, count: int, load: Load) -> None:
    frames = frames_of(load("h264"), fps)
    assert abs(len(frames) - count) <= 2


def test_a_new_session_gets_a_decoder_of_its_own(load: Load) -> None:
    frames = frames_of(
        load("h264")[:30] + load("large", session=2, start_ns=START_NS + 2 * NS_PER_S)[:30]
    )
    assert {(frame.session, frame.width_px) for frame in frames} == {(1, 320), (2, 640)}


def test_broken_packets_cost_frames_up_to_the_next_keyframe(load: Load) -> None:
    packets = load("h264")
    broken = [
        replace(p, data=b"\x00\x00\x00\x01\x65" + b"\xff" * 20) if i == 10 else p
        for i, p in enumerate(packets)
    ]
    frames = frames_of(broken)
    assert 30 < len(frames) <= 50
    assert frames[-1].pts == packets[-1].pts


class FailingDevice:
    """A decoder on a device that decodes no picture."""

    is_hwaccel = True

    def decode(self, packet: av.Packet[VideoStream]) -> list[VideoFrame]:
        raise av.InvalidDataError(1, "the device cannot decode it")


def test_after_a_device_failed_software_decodes_from_the_next_keyframe(load: Load) -> None:
    packets = load("h264")
    devices = DecoderDevices(
        DecoderDevice.CUDA, 1, lambda codec, device: cast(VideoCodecContext, FailingDevice())
    )
    tap = Tap("decode", 512, 32 << 20)
    for packet in packets:
        tap.put(packet)
    tap.close()
    reader = FrameReader(tap, SystemClock(), 1000.0, "gate", devices=devices)
    frames = [frame for frame in reader if frame is not None]
    second = [packet for packet in packets if packet.is_keyframe][1]
    assert frames[0].pts == second.pts
    assert frames[-1].pts == packets[-1].pts


def test_pictures_that_cannot_be_decoded_are_a_loss_up_to_the_next_frame(load: Load) -> None:
    packets = load("h264")
    tap = Tap("decode", 512, 32 << 20)
    for packet in packets:
        tap.put(replace(packet, data=b"\x00\x00\x00\x01\x65") if packet is packets[10] else packet)
    tap.close()
    reader = FrameReader(tap, SystemClock(), 1000.0, "gate", losses=(losses := AnalysisLosses()))
    given = [frame.wall_ns for frame in reader if frame is not None]
    (lost,) = losses.take()
    assert (lost.start_ns, lost.cause) == (packets[10].wall_ns, PartlyCause.DECODER)
    assert lost.end_ns == next(wall_ns for wall_ns in given if wall_ns > lost.start_ns)


def test_reordered_pictures_from_before_a_failure_do_not_end_its_loss() -> None:
    """They are returned after the next keyframe."""
    packets, tap = packets_of(B_FRAMES), Tap("decode", 512, 32 << 20)
    broken = packets[10]
    for packet in packets[:40]:
        tap.put(replace(packet, data=b"\x00\x00\x00\x01\x65") if packet is broken else packet)
    tap.close()
    reader = FrameReader(tap, SystemClock(), 1000.0, "gate", losses=(losses := AnalysisLosses()))
    given = [frame.wall_ns for frame in reader if frame is not None]
    keyframe = next(packet for packet in packets[11:] if packet.is_keyframe)
    assert any(wall_ns < broken.wall_ns for wall_ns in given)
    (lost,) = losses.take()
    assert (lost.start_ns, lost.end_ns) == (broken.wall_ns, keyframe.wall_ns)


def test_packets_that_the_queue_dropped_are_a_loss(load: Load) -> None:
    packets, tap = load("h264"), Tap("decode", 512, 32 << 20)
    reader = FrameReader(tap, SystemClock(), 1000.0, "gate", losses=(losses := AnalysisLosses()))
    frames = iter(reader)
    tap.put(packets[0])
    next(frames)
    keyframe = next(packet for packet in packets[1:] if packet.is_keyframe)
    tap.dropped_packets += packets.index(keyframe) - 1
    tap.put(keyframe)
    next(frames)
    assert losses.take() == [(packets[0].wall_ns, keyframe.wall_ns, PartlyCause.OVERLOAD)]


def test_pictures_are_undone_until_they_are_given_or_their_loss_is_reported(load: Load) -> None:
    packets, tap = load("h264"), Tap("decode", 512, 32 << 20)
    reader = FrameReader(tap, SystemClock(), 1000.0, "gate")
    assert reader.undone_from_ns is None
    tap.put(packets[0])
    assert reader.undone_from_ns == 0, "no packet was taken yet"
    frames = iter(reader)
    next(frames)
    tap.put(replace(packets[1], data=b"\x00\x00\x00\x01\x65"))
    assert reader.undone_from_ns == packets[0].wall_ns
    assert next(frames) is None
    assert reader.undone_from_ns == packets[1].wall_ns + 1, "until the next picture is given"
    tap.put(packets[25])
    assert next(frames) is not None
    assert next(frames) is None
    assert reader.undone_from_ns is None
    tap.dropped_packets += 1
    assert reader.undone_from_ns == packets[25].wall_ns, "its loss is reported with the next packet"


def test_packets_are_undone_from_the_moment_at_which_they_are_taken(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread may ask before the first of them is decoded."""
    packets, tap = load("h264"), Tap("decode", 512, 32 << 20)
    reader = FrameReader(tap, SystemClock(), 1000.0, "gate")
    take, undone = tap.take, list[int | None]()

    def take_and_ask(timeout_s: float | None = None) -> list[Packet]:
        taken = take(timeout_s)
        undone.append(reader.undone_from_ns)
        return taken

    monkeypatch.setattr(tap, "take", take_and_ask)
    for fps in (1000.0, 0.0):
        reader.rate.set(fps)
        tap.put(packets[0])
        frames = iter(reader)
        next(frames)
        while next(frames) is not None:
            continue
    assert undone == [0, None, packets[0].wall_ns, packets[0].wall_ns]


def test_nothing_is_analysed_at_a_rate_of_zero_and_that_is_a_loss(load: Load) -> None:
    packets, tap = load("h264"), Tap("decode", 512, 32 << 20)
    reader = FrameReader(tap, SystemClock(), 0.0, "gate", losses=(losses := AnalysisLosses()))
    for packet in packets:
        tap.put(packet)
    assert next(iter(reader)) is None
    assert losses.take() == [(packets[0].wall_ns, packets[-1].wall_ns, PartlyCause.OVERLOAD)]


class _AllHeld(DecodeEverything):
    """Controls a reader of packets that a gate released together."""

    burst = Burst(0, START_NS + 60 * NS_PER_S)


@pytest.mark.parametrize(("part", "count"), [(1.0, 25), (0.5, 12), (0.3, 7)])
def test_of_the_frames_due_an_even_part_is_given_and_the_rest_is_counted(
    part: float, count: int, load: Load
) -> None:
    tap = Tap("decode", 512, 32 << 20)
    control = _AllHeld()
    reader = FrameReader(tap, SystemClock(), 12.5, f"gate-{part}", control=control)
    reader.rate.part = part
    for packet in load("h264"):
        tap.put(packet)
    tap.close()
    frames = [frame for frame in reader if frame is not None]
    apart_ns = np.diff([frame.wall_ns for frame in frames])
    assert abs(len(frames) - count) <= 1
    assert apart_ns.max() - apart_ns.min() <= NS_PER_S / 12.5 * 1.01
    assert reader.arrived_ns is None, "packets that were held do not show how late looks are"
    skipped = FRAMES_SKIPPED.labels(f"gate-{part}", "backlog")._value.get()
    assert abs(skipped + len(frames) - 25) <= 1


def test_packets_wait_in_the_queue_and_while_earlier_ones_are_in_work(load: Load) -> None:
    tap, packets = Tap("decoder", 256, 16 << 20), load("h264")
    reader = FrameReader(tap, SystemClock(), 1000.0, "gate")
    for packet in packets[:5]:
        tap.put(packet)
    assert reader.waiting_packets == 5
    frames = iter(reader)
    waiting = []
    for _ in range(5):
        assert next(frames) is not None
        waiting.append(reader.waiting_packets)
    assert waiting == [5, 4, 3, 2, 1], "the one in work counts"
    tap.put(packets[5])
    assert reader.waiting_packets == 2
    assert next(frames) is not None
    tap.close()
    assert next(frames, None) is None
    assert reader.waiting_packets == 0


class _Turn(DecodeTurn):
    """Counts the packets that are decoded, and says whether a turn is held."""

    def __init__(self) -> None:
        self.packets, self.is_held = 0, False

    def begin(self) -> None:
        self.packets, self.is_held = self.packets + 1, True

    def end(self) -> None:
        self.is_held = False


def test_a_reader_has_a_turn_while_it_decodes_and_none_while_its_caller_works(load: Load) -> None:
    tap, packets, turn = Tap("decoder", 256, 16 << 20), load("h264"), _Turn()
    reader = FrameReader(tap, SystemClock(), 5.0, "gate", turn=turn)
    for packet in packets:
        tap.put(packet)
    held, frames = list[bool](), iter(reader)
    for _ in range(3):
        assert next(frames) is not None
        held.append(turn.is_held)
    assert turn.packets == 11, "a turn lasts from frame to frame"
    while next(frames) is not None:
        held.append(turn.is_held)
    assert not turn.is_held, "nothing is left to decode"
    assert turn.packets == len(packets)
    assert not any(held)


@pytest.mark.parametrize("part", [1.0, 0.5])
def test_a_reader_that_is_late_gives_two_frames_a_second_until_it_caught_up(
    part: float, load: Load
) -> None:
    """Of which none is left out, however far behind the worker is."""
    fanout = Fanout()
    tap = fanout.open("decode")
    packets = load("h264")
    for packet in packets:
        fanout.put(packet)
    fanout.close(tap)
    reader = FrameReader(tap, SystemClock(), 25.0, "gate", losses=(losses := AnalysisLosses()))
    reader.rate.part = part
    reader._newest_wall_ns = packets[-1].wall_ns + LATE_NS - NS_PER_S // 2
    frames = [frame for frame in reader if frame is not None]
    newest_ns = reader._newest_wall_ns
    late = [frame.wall_ns for frame in frames if newest_ns - frame.wall_ns > LATE_NS]
    assert [round((wall_ns - frames[0].wall_ns) / LATE_STEP_NS) for wall_ns in late] == [0, 1, 2]
    assert len(frames) - len(late) >= 11 * part, "and all of what is not late"
    (missed,) = missed_starts(losses.take())
    assert missed.start_ns == frames[0].wall_ns - SEEN_ENOUGH_NS


HOUR_NS = 3600 * NS_PER_S


def test_after_a_clock_was_set_back_the_packets_of_the_next_session_are_not_late(
    load: Load,
) -> None:
    tap = Tap("decode", 512, 32 << 20)
    reader = FrameReader(tap, SystemClock(), 25.0, "gate", losses=(losses := AnalysisLosses()))
    given = 0
    for packet in [*load("h264"), *load("h264", session=2, start_ns=START_NS - HOUR_NS)]:
        tap.put(packet)
        frames = iter(reader)
        while next(frames) is not None:
            given += packet.stream.session == 2
    assert given >= 48
    assert losses.take() == []


@pytest.mark.parametrize("is_late", [True, False])
def test_a_loss_over_a_clock_that_was_set_back_is_reported_of_both_sessions(
    is_late: bool, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is late, or the rate is zero."""
    before, after = load("h264"), load("h264", session=2, start_ns=START_NS - HOUR_NS)
    tap = Tap("decode", 512, 32 << 20)
    fps = 25.0 if is_late else 0.0
    reader = FrameReader(tap, SystemClock(), fps, "gate", losses=(losses := AnalysisLosses()))
    monkeypatch.setattr(reader, "_is_too_late", lambda packet: is_late)
    for packet in [*before, *after]:
        tap.put(packet)
    next(iter(reader))
    keyframe = [packet for packet in after if packet.is_keyframe][-1]
    until_ns = keyframe.wall_ns if is_late else after[-1].wall_ns
    assert losses.take() == [
        (before[0].wall_ns, before[-1].wall_ns, PartlyCause.OVERLOAD),
        (after[0].wall_ns, until_ns, PartlyCause.OVERLOAD),
    ]


def test_a_hang_is_reported_also_after_the_clock_was_set_back() -> None:
    tap = Tap("decode", 512, 32 << 20)
    reader = FrameReader(tap, SystemClock(), 25.0, "gate", losses=(losses := AnalysisLosses()))
    for now_ns in (0, 10, 10 - 3600, 20 - 3600):
        reader.give_up(START_NS + now_ns * NS_PER_S)
    assert [(one.start_ns, one.end_ns) for one in losses.take()] == [
        (START_NS, START_NS + 10 * NS_PER_S),
        (START_NS + 10 * NS_PER_S - HOUR_NS, START_NS + 20 * NS_PER_S - HOUR_NS),
    ]


def test_silence_gives_none_and_the_end_ends_the_iteration() -> None:
    fanout = Fanout()
    tap = fanout.open("decode")
    frames = iter(FrameReader(tap, SystemClock(), 10.0, "gate"))
    assert next(frames) is None
    threading.Timer(0.1, fanout.close_all).start()
    assert list(frames) in ([], [None])


@given(st.floats(0.05, 1.0), st.integers(1, 500))
def test_a_decimator_takes_the_part_evenly(part: float, count: int) -> None:
    decimator = Decimator()
    taken = [decimator.takes(part) for _ in range(count)]
    for at in range(count):
        assert abs(sum(taken[: at + 1]) - part * (at + 1)) <= 1.0 + 1e-6
