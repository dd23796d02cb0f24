"""Times of a whole track, from RTP and RTCP packets on: whatever counter, network and clock do,
wall time is the truth within bounds.

The camera is simulated, with its own clock and counter; its packets are real ones, and so is all
that reads them.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import pairwise

import av
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S
from domain.media.packet_batch import single_packets
from domain.media.packets import Packet, WallSource
from ingest.packets import nal
from ingest.packets.packet_builder import SourceCounts
from ingest.packets.sdp import Video
from ingest.packets.timeline import Timeline
from ingest.packets.tracks import VideoTrack

START_NS = 1_760_000_000 * NS_PER_S
FRAME_NS = 40 * NS_PER_MS
TICK_NS = 100 * NS_PER_MS
"""The pull loop reads as often as this, so everything comes up to so much later."""
GOP = 48
NTP_EPOCH_S = 2_208_988_800
BOUND_NS = 200 * NS_PER_MS
"""Of settled wall times, under up to 300 ms of jitter."""
SETTLED_S = 10.0
"""After any disturbance."""
seeds = st.integers(0, 2**32)
MILLISECONDS = st.integers(200, 8000)


@cache
def first_picture(b_frames: int) -> tuple[tuple[bytes, ...], bytes]:
    """Parameter sets, and the slice of a keyframe, as an encoder makes them."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 240, "yuv420p"
    context.framerate = Fraction(25)
    context.options = {"bf": str(b_frames), "x264-params": "log-level=error:b-pyramid=0"}
    packets = [*context.encode(av.VideoFrame(320, 240, "yuv420p")), *context.encode(None)]
    data = bytes(packets[0])
    return nal.parameter_sets("h264", data), data[nal.keyframe_head("h264", data) + 3 :]


@dataclass
class Cam:
    """A camera at 25 frames/s: what it sends and when it comes. All is given by frame numbers
    or by moments since its start.
    """

    seed: int = 0
    b_frames: bool = False
    jitter_ns: int = 0
    ppm: int = 0
    first_stamp: int = 0
    lost: range = field(default_factory=lambda: range(0))
    """Frames that were never made, or never arrived."""
    stalled: range = field(default_factory=lambda: range(0))
    """Frames that arrive together with the next one."""
    leap_at: int | None = None
    leap_by: int = 0
    pause_at: int | None = None
    """From this frame on the camera is late by `pause_ns`, for which its counter stood."""
    pause_ns: int = 0
    report: Callable[[int], int | None] = lambda _: None
    """What its clock shows less the truth when it reports at frame n, every 5 s; None: no
    report.
    """

    def taken_ns(self, number: int) -> int:
        return (
            START_NS
            + number * FRAME_NS
            + (self.pause_ns if self.pause_at is not None and number >= self.pause_at else 0)
        )

    def stamp(self, number: int) -> int:
        ticks = number * 3600 * (1_000_000 + self.ppm) // 1_000_000
        return (
            self.first_stamp
            + ticks
            + (self.leap_by if self.leap_at is not None and number >= self.leap_at else 0)
        ) & 0xFFFFFFFF

    def order(self, frames: int) -> Iterator[int]:
        """Frame numbers as they are sent: with B-frames, each third before the two that are
        shown before it.
        """
        for number in range(frames):
            if not self.b_frames or number % 3 == 0:
                yield number
                if self.b_frames and number:
                    yield from (number - 2, number - 1)

    def pulled(self, frames: int) -> tuple[list[tuple[Packet, int]], VideoTrack, SourceCounts]:
        """Its packets with the moments they were taken."""
        rng, counts = random.Random(self.seed), SourceCounts(Timeline())
        sets, keyframe = first_picture(2 if self.b_frames else 0)
        video = Video("h264", 96, 90_000, sets, True, "", "")
        track = VideoTrack("gate", video, None, counts)
        got: list[tuple[Packet, int]] = []
        sequence = arrival_ns = 0
        truth = {}
        for number in self.order(frames):
            if number in self.lost:
                continue
            truth[number] = self.taken_ns(number)
            sent = max(number, number - number % 3 + 3) if self.b_frames and number % 3 else number
            ready_ns = self.taken_ns(self.stalled.stop if number in self.stalled else sent)
            arrival_ns = max(
                arrival_ns, ready_ns + (rng.randrange(self.jitter_ns) if self.jitter_ns else 0)
            )
            read_ns = -(-arrival_ns // TICK_NS) * TICK_NS
            skew_ns = self.report(number)
            if number % 125 == 0 and skew_ns is not None:
                track.on_rtcp(_report(self.taken_ns(number) + skew_ns, self.stamp(number)))
            sequence += 1
            is_key = number % GOP == 0
            payload = (keyframe if is_key else b"\x41\x9a") + b"%06d" % number
            rtp = (
                struct.pack(">BBHII", 0x80, 0x80 | 96, sequence & 0xFFFF, self.stamp(number), 7)
                + payload
            )
            track.units.put(bytearray(rtp), 0, len(rtp))
            got += [
                (packet, truth[int(packet.data[-6:])])
                for packet in single_packets(track.packets(read_ns))
            ]
        return got, track, counts


def _report(wall_ns: int, stamp: int) -> bytes:
    seconds, rest_ns = divmod(wall_ns, NS_PER_S)
    return struct.pack(
        ">BBHIIIIII",
        0x80,
        200,
        6,
        7,
        seconds + NTP_EPOCH_S & 0xFFFFFFFF,
        (rest_ns << 32) // NS_PER_S,
        stamp,
        0,
        0,
    )


def check(got: list[tuple[Packet, int]]) -> None:
    """What holds always: decoding order, and wall time in the order of pictures (equal where
    both stand at the most that is believed).
    """
    assert all(a.dts < b.dts for (a, _), (b, _) in pairwise(got))
    assert all(packet.dts <= packet.pts for packet, _ in got)
    shown = sorted(got, key=lambda pair: pair[0].pts)
    assert all(a.wall_ns <= b.wall_ns for (a, _), (b, _) in pairwise(shown))


def errors_ns(got: list[tuple[Packet, int]], from_ns: int) -> list[int]:
    found = [packet.wall_ns - truth_ns for packet, truth_ns in got if truth_ns >= from_ns]
    assert found
    return found


def after(camera: Cam, number: int, seconds: float = SETTLED_S) -> int:
    return camera.taken_ns(number) + round(seconds * NS_PER_S)


cameras = st.builds(
    Cam,
    seed=seeds,
    b_frames=st.booleans(),
    jitter_ns=st.integers(0, 300 * NS_PER_MS),
    ppm=st.integers(-500, 500),
    first_stamp=seeds,
)
some = settings(
    max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)


@given(cameras)
@some
def test_wraps_drift_jitter_and_b_frames(camera: Cam) -> None:
    got, _, counts = camera.pulled(1500)
    check(got)
    assert all(abs(error) < BOUND_NS for error in errors_ns(got, after(camera, 0)))
    assert counts.jumps == 0
    assert len(got) > 1490


@given(cameras, st.integers(1, 2**32 - 1), st.integers(0, 50))
@some
def test_a_counter_that_leaps_or_is_reset_moves_nothing(
    camera: Cam, leap_by: int, lost: int
) -> None:
    """Also where pictures were lost over it; a leap of less than a second is a hole, and as
    much wrong.
    """
    camera.leap_at, camera.leap_by, camera.lost = 600, leap_by, range(600 - lost, 600)
    signed_ticks = leap_by - (2**32 if leap_by >= 2**31 else 0)
    got, _, counts = camera.pulled(1500)
    assert all(a.dts < b.dts for (a, _), (b, _) in pairwise(got))
    assert counts.jumps <= 4
    assert all(abs(error) < BOUND_NS for error in errors_ns(got, after(camera, 600)))
    if abs(signed_ticks) > 4 * 90_000:
        near = [
            packet.wall_ns - truth
            for packet, truth in got
            if abs(truth - camera.taken_ns(600)) < 5 * NS_PER_S
        ]
        assert all(abs(error) < 700 * NS_PER_MS for error in near)


@given(cameras, MILLISECONDS)
@some
def test_a_hole_is_a_hole_of_its_length(camera: Cam, hole_ms: int) -> None:
    frames = -(-hole_ms // 40)
    camera.lost = range(600, 600 + frames)
    got, _, _ = camera.pulled(1500)
    check(got)
    assert all(abs(error) < BOUND_NS for error in errors_ns(got, after(camera, 0)))


@given(cameras, MILLISECONDS)
@some
def test_a_stall_that_comes_all_at_once_leaves_no_trace(camera: Cam, stall_ms: int) -> None:
    camera.stalled = range(600, 600 + stall_ms // 40)
    got, _, _ = camera.pulled(1500)
    check(got)
    assert all(abs(error) < 2 * BOUND_NS for error in errors_ns(got, after(camera, 0)))


@given(cameras, st.integers(1500, 8000))
@some
def test_a_camera_that_paused_with_its_counter_is_right_again_within_four_seconds(
    camera: Cam, pause_ms: int
) -> None:
    camera.pause_at, camera.pause_ns = 600, pause_ms * NS_PER_MS
    got, _, _ = camera.pulled(1500)
    check(got)
    assert all(abs(error) < 2 * BOUND_NS for error in errors_ns(got, after(camera, 600, 4.0)))
    walls = sorted(packet.wall_ns for packet, _ in got)
    assert max(b - a for a, b in pairwise(walls)) == pytest.approx(
        camera.pause_ns, abs=0.7 * NS_PER_S
    ), "in one piece"


@given(cameras, st.integers(-4500, 4500))
@some
def test_a_camera_with_a_clock_near_ours_is_believed(camera: Cam, skew_ms: int) -> None:
    camera.report = lambda _: skew_ms * NS_PER_MS
    got, _, counts = camera.pulled(1500)
    check(got)
    settled = [packet for packet, truth in got if truth >= after(camera, 0, 15)]
    assert {packet.wall_source for packet in settled} == {WallSource.SENDER}
    assert all(
        abs(error - skew_ms * NS_PER_MS) < BOUND_NS / 2
        for error in errors_ns(got, after(camera, 0, 15))
    )
    assert counts.timeline.skew_ns == pytest.approx(skew_ms * NS_PER_MS, abs=BOUND_NS)


@given(cameras, st.sampled_from([-1, 1]), st.integers(6, 10**8))
@some
def test_a_camera_with_a_clock_far_from_ours_is_not_trusted_and_its_skew_is_published(
    camera: Cam, sign: int, skew_s: int
) -> None:
    camera.report = lambda _: sign * skew_s * NS_PER_S
    got, _, counts = camera.pulled(750)
    check(got)
    assert all(packet.wall_source is WallSource.RECEIVER for packet, _ in got)
    assert all(abs(error) < BOUND_NS for error in errors_ns(got, after(camera, 0)))
    assert counts.timeline.skew_ns == pytest.approx(sign * skew_s * NS_PER_S, abs=BOUND_NS)


@given(cameras, st.integers(-2000, 2000), st.integers(500, 2000))
@some
def test_reports_that_contradict_each_other_are_not_believed(
    camera: Cam, one_ms: int, apart_ms: int
) -> None:
    camera.report = lambda number: (one_ms + number // 125 % 2 * apart_ms) * NS_PER_MS
    got, _, _ = camera.pulled(1500)
    check(got)
    assert all(
        packet.wall_source is WallSource.RECEIVER
        for packet, truth in got
        if truth > after(camera, 0, 30)
    )
    assert all(abs(error) < BOUND_NS for error in errors_ns(got, after(camera, 0, 40)))


@given(cameras)
@some
def test_one_report_of_nonsense_changes_nothing(camera: Cam) -> None:
    camera.report = lambda number: 3 * NS_PER_S if number == 750 else 50 * NS_PER_MS
    got, _, _ = camera.pulled(1500)
    check(got)
    assert all(abs(error) < BOUND_NS for error in errors_ns(got, after(camera, 0)))


@given(cameras)
@some
def test_a_camera_whose_clock_is_set_right_is_believed_within_fifteen_seconds(camera: Cam) -> None:
    camera.report = lambda number: 50 * NS_PER_MS + (7200 * NS_PER_S if number < 750 else 0)
    got, _, _ = camera.pulled(1500)
    check(got)
    assert all(
        packet.wall_source is WallSource.SENDER
        for packet, truth in got
        if truth > after(camera, 750, 16)
    )
    assert all(abs(error) < BOUND_NS for error in errors_ns(got, after(camera, 0)))


@given(cameras, st.sampled_from([0.1, 0.5, 25 / 30, 1.2, 2.0, 4.0]))
@example(Cam(b_frames=True), 4.0)
@example(Cam(30, True, 299 * NS_PER_MS, first_stamp=30 * 1_000_003), 1.2)
@some
def test_a_counter_at_the_wrong_speed_is_never_far_off_and_right_within_half_a_minute(
    camera: Cam, speed: float
) -> None:
    camera.ppm = round((speed - 1) * 1_000_000)
    got, _, _ = camera.pulled(1500)
    check(got)
    most_ns = 2 * NS_PER_S + 1000  # packets of one read are a nanosecond apart
    assert all(packet.wall_ns - packet.received_ns <= most_ns for packet, _ in got)
    assert all(abs(error) < 500 * NS_PER_MS for error in errors_ns(got, after(camera, 0, 35)))
    shown = sorted(
        (packet for packet, truth in got if truth > after(camera, 0, 35)),
        key=lambda packet: packet.pts,
    )
    media_s, real_s = (
        (shown[-1].pts - shown[0].pts) / 90_000,
        (shown[-1].wall_ns - shown[0].wall_ns) / NS_PER_S,
    )
    assert media_s == pytest.approx(real_s, rel=0.05), "the file plays as fast as it was"


@given(
    st.builds(
        Cam,
        seed=seeds,
        jitter_ns=st.integers(0, 300 * NS_PER_MS),
        first_stamp=seeds,
        ppm=st.just(-1_000_000),
    )
)
@some
def test_a_counter_that_stands_still_is_off_by_little_more_than_a_second_and_then_right(
    camera: Cam,
) -> None:
    got, _, _ = camera.pulled(750)
    assert len(got) > 740
    check(got)
    assert all(abs(error) < 1800 * NS_PER_MS for error in errors_ns(got, after(camera, 0, 0)))
    assert all(abs(error) < 500 * NS_PER_MS for error in errors_ns(got, after(camera, 0)))
