"""The simulator with foreign clients: PyAV's libavformat and, if installed, ffprobe and ffmpeg."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from domain.clock import SystemClock
from domain.errors import BadInput
from simulator import (
    CodecChange,
    ConnectionCut,
    Fault,
    Jump,
    NewPassword,
    NoVideo,
    PacketLoss,
    Refuse,
    SimCamera,
    Simulator,
    Stall,
)
from simulator.sound import TONE_HZ
from tests.waiting import PATIENCE_S, wait_for

MakeVideo = Callable[..., Path]
CLOCK = SystemClock()
FRAME_TICKS = 3600


@dataclass(frozen=True, slots=True)
class Seen:
    pts: int
    is_keyframe: bool
    at_s: float
    data: bytes


def _watch(url: str, transport: str = "tcp", most: int = 10_000) -> Iterator[Seen]:
    with av.open(url, options={"rtsp_transport": transport}, timeout=PATIENCE_S) as container:
        for packet in container.demux(video=0):
            if packet.size:
                yield Seen(packet.pts or 0, packet.is_keyframe, CLOCK.monotonic_s(), bytes(packet))
                most -= 1
            if most == 0:
                return


def _one(camera: SimCamera) -> Simulator:
    return Simulator([camera])


@pytest.mark.parametrize(
    ("sound", "codec", "rate_hz", "transport"),
    [
        ("pcma", "pcm_alaw", 8000, "tcp"),
        ("pcmu", "pcm_mulaw", 8000, "udp"),
        ("aac", "aac", 16_000, "tcp"),
    ],
)
def test_a_camera_sends_a_tone_beside_its_video(
    sound: Literal["pcma", "pcmu", "aac"],
    codec: str,
    rate_hz: int,
    transport: str,
    make_video: MakeVideo,
) -> None:
    samples: list[float] = []
    pictures = 0
    with (
        _one(SimCamera("gate", make_video(), sound=sound)) as simulator,
        av.open(
            simulator.url("gate"), options={"rtsp_transport": transport}, timeout=PATIENCE_S
        ) as container,
    ):
        assert container.streams.audio[0].codec_context.name == codec
        for packet in container.demux():
            pictures += isinstance(packet.stream, VideoStream)
            for frame in packet.decode() if isinstance(packet.stream, AudioStream) else ():
                assert isinstance(frame, av.AudioFrame)
                samples += frame.to_ndarray().ravel().tolist()
            if pictures and len(samples) >= rate_hz:
                break
    heard = np.abs(np.fft.rfft(samples[-rate_hz // 2 :]))
    assert 2 * heard[1:].argmax() + 2 == pytest.approx(TONE_HZ, abs=4)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_every_access_unit_arrives_in_time(
    make_video: MakeVideo, codec: str, transport: str
) -> None:
    file = make_video(codec=codec, seconds=1.2)
    with _one(SimCamera("gate/1", file, mode="on_play", loop=False)) as sim:
        begun_s = CLOCK.monotonic_s()
        seen = list(_watch(sim.url("gate/1"), transport))
        assert CLOCK.monotonic_s() - begun_s > 1.0, "the last unit is due after 1.16 s"
    assert len(seen) == 30
    assert [one.pts for one in seen] == [FRAME_TICKS * index for index in range(30)]
    assert [one.is_keyframe for one in seen] == [index % 10 == 0 for index in range(30)]


def test_the_clients_pictures_are_those_of_the_file(make_video: MakeVideo) -> None:
    file = make_video(b_frames=2)
    with av.open(str(file)) as container:
        expected = [frame.to_ndarray() for frame in container.decode(video=0)]
    with (
        _one(SimCamera("gate", file, mode="on_play", loop=False)) as sim,
        av.open(sim.url("gate"), timeout=PATIENCE_S) as container,
    ):
        got = [frame.to_ndarray() for frame in container.decode(video=0)]
    assert len(got) == len(expected)
    assert all((one == other).all() for one, other in zip(got, expected, strict=True))


def test_the_senders_clock_is_there_from_the_first_packet(make_video: MakeVideo) -> None:
    with _one(SimCamera("gate", make_video())) as sim:
        now_ns = CLOCK.wall_ns()
        with av.open(
            sim.url("gate"), options={"rtsp_transport": "tcp"}, timeout=PATIENCE_S
        ) as container:
            packet = next(packet for packet in container.demux(video=0) if packet.size)
            kinds = [data.data_type for data in packet.iter_sidedata()]
            clocks = [bytes(data) for data in packet.iter_sidedata() if data.data_type == "prft"]
    assert "prft" in kinds
    sent_us = int.from_bytes(clocks[0][:8], "little")
    assert sent_us / 1e6 == pytest.approx(now_ns / 1e9, abs=2.0)


def test_a_live_camera_loops_without_a_jump_and_joins_at_a_keyframe(make_video: MakeVideo) -> None:
    with _one(SimCamera("gate", make_video(seconds=1.0))) as sim:
        seen = list(_watch(sim.url("gate"), most=40))
    assert seen[0].is_keyframe
    assert {b.pts - a.pts for a, b in pairwise(seen)} == {FRAME_TICKS}


def test_a_live_camera_that_is_over_says_goodbye_and_is_gone(make_video: MakeVideo) -> None:
    with _one(SimCamera("gate", make_video(), loop=False)) as sim:
        assert 25 <= len(list(_watch(sim.url("gate")))) <= 50
        with pytest.raises(av.HTTPNotFoundError):
            next(_watch(sim.url("gate")))


def test_a_camera_that_waits_for_its_first_client_then_runs_on(make_video: MakeVideo) -> None:
    with _one(SimCamera("gate", make_video(seconds=2.0), mode="on_first_play", loop=False)) as sim:
        first = list(_watch(sim.url("gate"), most=12))
        second = list(_watch(sim.url("gate")))
    assert first[0].is_keyframe
    assert 10 <= len(second) <= 40


def test_a_held_join_sends_the_last_keyframe_at_once(make_video: MakeVideo) -> None:
    """The next keyframe is due only after a minute."""
    file = make_video(seconds=60.0, gop=1500)
    with Simulator(
        [SimCamera("held", file, join="held"), SimCamera("other", file, phase_s=59.0)]
    ) as sim:
        assert next(_watch(sim.url("other"))).is_keyframe
        first = next(_watch(sim.url("held")))
        assert first.is_keyframe
        assert sim._stations["held"].now_s < 60


def test_a_password_is_asked_for(make_video: MakeVideo) -> None:
    password = "p@ss:w/rd?#"
    with _one(SimCamera("gate", make_video(), user="admin", password=password)) as sim:
        with pytest.raises(av.HTTPUnauthorizedError):
            next(_watch(sim.url("gate")))
        with pytest.raises(av.HTTPUnauthorizedError):
            next(_watch(sim.url("gate").replace("//", "//admin:wrong@")))
        assert next(
            _watch(sim.url("gate").replace("//", f"//admin:{quote(password, safe='')}@"))
        ).is_keyframe


def test_an_unknown_path_is_not_found(make_video: MakeVideo) -> None:
    with _one(SimCamera("gate", make_video())) as sim, pytest.raises(av.HTTPNotFoundError):
        next(_watch(sim.url("gate") + "x"))


def _faulty(file: Path, *faults: Fault) -> SimCamera:
    return SimCamera("gate", file, mode="on_play", loop=False, faults=faults)


def test_stall(make_video: MakeVideo) -> None:
    with _one(_faulty(make_video(), Stall(at_s=0.6, for_s=1.0))) as sim:
        seen = list(_watch(sim.url("gate")))
    gaps = [(b.pts - a.pts) / FRAME_TICKS for a, b in pairwise(seen)]
    assert sorted(gaps)[-2:] == [1, 26]
    assert seen[gaps.index(26) + 1].is_keyframe


def test_cut(make_video: MakeVideo) -> None:
    with _one(_faulty(make_video(), ConnectionCut(at_s=1.5))) as sim:
        assert 36 <= len(list(_watch(sim.url("gate")))) <= 38
        assert next(_watch(sim.url("gate"))).is_keyframe


def test_a_simulator_that_is_late_sends_nothing_of_after_a_cut(make_video: MakeVideo) -> None:
    with _one(_faulty(make_video(), ConnectionCut(at_s=0.6))) as sim:
        stream = _watch(sim.url("gate"))
        next(stream)
        sim._on_loop(lambda: CLOCK.sleep(1.0))  # as a busy machine holds it up
        assert 1 + len(list(stream)) <= 15


@pytest.mark.parametrize("by_s", [100.0, -0.5])
def test_jump(make_video: MakeVideo, by_s: float) -> None:
    with _one(_faulty(make_video(), Jump(at_s=1.6, by_s=by_s))) as sim:
        seen = list(_watch(sim.url("gate")))
    steps = {b.pts - a.pts for a, b in pairwise(seen)} - {FRAME_TICKS}
    assert steps == {FRAME_TICKS + round(by_s * 90_000)}


def test_a_fault_can_be_set_during_playback(make_video: MakeVideo) -> None:
    with _one(SimCamera("gate", make_video())) as sim:
        stream = _watch(sim.url("gate"))
        seen = [next(stream) for _ in range(5)]
        sim.fail("gate", Jump(at_s=0.0, by_s=7200.0))
        with pytest.raises(BadInput, match="before the camera plays"):
            sim.fail("gate", ConnectionCut(at_s=0.0))
        seen += [next(stream) for _ in range(75)]  # libavformat had some in hand
    assert {b.pts - a.pts for a, b in pairwise(seen)} == {FRAME_TICKS, FRAME_TICKS + 7200 * 90_000}


def test_the_received_packets_are_those_that_were_sent(make_video: MakeVideo) -> None:
    with ExitStack() as running:
        sim = running.enter_context(_one(SimCamera("gate", make_video())))
        stream = _watch(sim.url("gate"))
        seen = [next(stream) for _ in range(15)]
        sent = sim.fall_silent()["gate"].sent_units
        seen += [next(stream) for _ in range(sent - len(seen))]
        running.close()
        assert list(stream) == []


def test_loss(make_video: MakeVideo) -> None:
    camera = _faulty(make_video(), PacketLoss(at_s=0.4, for_s=1.2, one_in=4, seed=3))
    with _one(camera) as sim:
        list(_watch(sim.url("gate")))
        counters = sim.counters("gate")
    assert 0.05 < counters.lost_packets / (counters.sent_packets + counters.lost_packets) < 0.25


def test_codec_change_brings_new_parameter_sets(make_video: MakeVideo) -> None:
    larger = make_video(size_px=(640, 480), seconds=1.2)
    camera = _faulty(make_video(), CodecChange(at_s=0.8, file=larger))
    with (
        _one(camera) as sim,
        av.open(
            sim.url("gate"), options={"rtsp_transport": "tcp"}, timeout=PATIENCE_S
        ) as container,
    ):
        widths = [frame.width for frame in container.decode(video=0)]
    assert widths == [320] * 20 + [640] * 30


def test_a_change_of_codec_ends_the_connection_and_the_next_one_has_it(
    make_video: MakeVideo,
) -> None:
    camera = SimCamera(
        "gate", make_video(), faults=(CodecChange(at_s=1.6, file=make_video(codec="libx265")),)
    )
    with _one(camera) as sim:
        assert 20 <= len(list(_watch(sim.url("gate")))) <= 40
        with av.open(sim.url("gate"), timeout=PATIENCE_S) as container:
            assert container.streams.video[0].codec_context.name == "hevc"


def test_new_password(make_video: MakeVideo) -> None:
    camera = SimCamera(
        "gate",
        make_video(),
        user="a",
        password="b",
        faults=(NewPassword(at_s=0.6, user="a", password="c"),),
    )
    with _one(camera) as sim:
        old, new = (sim.url("gate").replace("//", f"//a:{word}@") for word in "bc")
        assert len(list(_watch(old, most=25))) == 25
        with pytest.raises(av.HTTPUnauthorizedError):
            next(_watch(old))
        assert next(_watch(new)).is_keyframe


def test_no_video(make_video: MakeVideo) -> None:
    with (
        _one(_faulty(make_video(), NoVideo())) as sim,
        av.open(sim.url("gate"), timeout=PATIENCE_S) as container,
    ):
        assert [stream.type for stream in container.streams] == ["audio"]


def test_refuse(make_video: MakeVideo) -> None:
    with _one(SimCamera("gate", make_video(), faults=(Refuse(for_s=1.0),))) as sim:
        with pytest.raises(av.HTTPServerError):
            next(_watch(sim.url("gate")))
        assert wait_for("end of the refusal", lambda: _first_or_none(sim.url("gate"))).is_keyframe


def _first_or_none(url: str) -> Seen | None:
    try:
        return next(_watch(url))
    except av.HTTPServerError:
        return None


def test_two_cameras_of_one_path_are_refused(make_video: MakeVideo) -> None:
    with pytest.raises(BadInput, match="two simulated cameras"):
        Simulator([SimCamera("a", make_video()), SimCamera("a", make_video())])


def test_a_port_in_use_is_reported(make_video: MakeVideo) -> None:
    with (
        _one(SimCamera("a", make_video())) as sim,
        pytest.raises(BadInput, match=f"port {sim.port}"),
    ):
        Simulator([SimCamera("a", make_video())], port=sim.port).__enter__()


@pytest.mark.usefixtures("ffmpeg")
@pytest.mark.parametrize(("codec", "transport"), [("libx264", "tcp"), ("libx265", "udp")])
def test_ffprobe_and_ffmpeg_take_it_without_an_error(
    make_video: MakeVideo, codec: str, transport: str, tmp_path: Path
) -> None:
    with _one(
        SimCamera(
            "gate",
            make_video(codec=codec, seconds=1.2),
            mode="on_play",
            loop=False,
            user="u",
            password="p",
        )
    ) as sim:
        url = sim.url("gate").replace("//", "//u:p@")
        base = ["-v", "error", "-rtsp_transport", transport]
        probe = subprocess.run(
            ["ffprobe", *base, "-of", "json", "-show_streams", url],
            capture_output=True,
            check=True,
            timeout=PATIENCE_S,
        )
        copied = tmp_path / "copy.mkv"
        copy = subprocess.run(
            ["ffmpeg", *base, "-i", url, "-c", "copy", copied],
            capture_output=True,
            check=True,
            timeout=PATIENCE_S,
        )
    (stream,) = json.loads(probe.stdout)["streams"]
    assert (stream["codec_name"], stream["width"], stream["height"]) == (
        "h264" if codec == "libx264" else "hevc",
        320,
        240,
    )
    assert copy.stderr == b""
    with av.open(str(copied)) as container:
        assert len([packet for packet in container.demux(video=0) if packet.size]) == 30
