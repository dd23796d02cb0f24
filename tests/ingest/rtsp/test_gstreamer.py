"""The RTSP client against GStreamer's server, which shares no code with it: nothing is lost at
either end, and the first picture arrives without delay.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from domain.errors import SourceUnreachable
from ingest.rtsp.source import RtspSource
from tests.footage import Footage
from tests.ingest.conftest import Puller, pulling
from tests.waiting import PATIENCE_S, wait_for

SERVER = Path(__file__).parents[2] / "gst_server.py"


SOUNDS = {"aac": ("aac", 16_000), "pcm_alaw": ("pcm_alaw", 8000), "pcm_mulaw": ("pcm_mulaw", 8000)}


def with_sound(file: Path, clip: Path, codec: str, rate_hz: int) -> Path:
    """The pictures of `clip` and two seconds of a rising tone."""
    with av.open(str(clip)) as source, av.open(str(file), "w") as out:
        pictures = out.add_stream_from_template(source.streams.video[0])
        sound = out.add_stream(codec, rate=rate_hz)
        assert isinstance(sound, av.AudioStream)
        sound.layout = "mono"
        packets = [packet for packet in source.demux(video=0) if packet.dts is not None]
        for packet in packets:
            packet.stream = pictures
        times = np.arange(2 * rate_hz) / rate_hz
        tone = (8000 * np.sin(2 * np.pi * (200 + 100 * times) * times)).astype(np.int16)
        for at in range(0, len(tone), 1024):
            frame = av.AudioFrame.from_ndarray(
                tone[None, at : at + 1024], format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = rate_hz, at
            packets += sound.encode(frame)
        packets += sound.encode(None)
        for packet in sorted(
            packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)
        ):
            out.mux(packet)
    return file


@pytest.fixture(scope="module")
def urls(
    clips: dict[str, Path], gst_python: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("sounds")
    cameras = [f"{name}={file}" for name, file in clips.items()]
    cameras += [
        f"{name}={with_sound(folder / f'{name}.mov', clips['h264'], *sound)}"
        for name, sound in SOUNDS.items()
    ]
    with serving(gst_python, cameras) as urls:
        yield urls


@pytest.fixture(scope="module")
def checkpoint(footage: Footage, gst_python: str) -> Iterator[str]:
    """The url of a camera that plays the film of vehicles."""
    with serving(gst_python, [f"plates={footage.plates}"]) as urls:
        yield urls["plates"]


@contextmanager
def serving(python: str, cameras: list[str]) -> Iterator[dict[str, str]]:
    server = subprocess.Popen([python, SERVER, *cameras], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield json.loads(server.stdout.readline())["urls"]
    server.terminate()
    server.wait(PATIENCE_S)
    server.stdout.close()


@pytest.mark.parametrize("transport", ["tcp", "udp", "libavformat"])
@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_every_packet_comes(
    name: str,
    transport: str,
    urls: dict[str, str],
    source_of: Callable[..., RtspSource],
    pull: Puller,
) -> None:
    got = pull(source_of(urls[name], transport))
    assert isinstance(got.error, SourceUnreachable)
    assert len(got.packets) == 50
    assert got.packets[0].is_keyframe
    assert got.packets[0].stream.width_px == 320
    context = av.CodecContext.create("h264" if name == "h264" else "hevc", "r")
    context.extradata = got.packets[0].stream.extradata
    # The server hangs up as it sends the last picture: over UDP what is left of that one may come
    # too late.
    whole = got.packets[:-1] if transport == "udp" else got.packets
    frames = [
        frame for packet in whole for frame in context.decode(av.Packet(packet.data))
    ] + context.decode(None)
    assert len(frames) == len(whole)


def width_px_of(file: Path) -> int:
    with av.open(str(file)) as container:
        return container.streams.video[0].width


@pytest.mark.parametrize("transport", ["tcp", "udp", "libavformat"])
def test_a_city_checkpoint_tells_the_senders_time(
    transport: str,
    checkpoint: str,
    footage: Footage,
    source_of: Callable[..., RtspSource],
    pull: Puller,
) -> None:
    first = pull(source_of(checkpoint, transport), most=1)
    assert first.packets[0].stream.width_px == width_px_of(footage.plates)
    if transport == "udp":
        return
    more = pull(source_of(checkpoint, transport), most=120)
    assert more.packets[-1].sender_wall_ns is not None
    assert abs(more.packets[-1].wall_ns - more.packets[-1].received_ns) < 3e9


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("name", SOUNDS)
def test_audio_arrives_with_the_pictures_and_on_their_clock(
    name: str,
    transport: str,
    urls: dict[str, str],
    source_of: Callable[..., RtspSource],
    pull: Puller,
) -> None:
    got = pull(source_of(urls[name], transport))
    codec, rate_hz = SOUNDS[name]
    info = got.packets[0].stream.audio
    assert info is not None
    assert (info.codec, info.clock_hz, info.channels) == (codec, rate_hz, 1)
    assert len(got.packets) >= 49
    whole_s = sum(packet.duration for packet in got.audio) / rate_hz
    assert 1.7 < whole_s < 2.3  # audio before the first picture is dropped
    assert all(a.pts < b.pts and a.wall_ns < b.wall_ns for a, b in pairwise(got.audio))
    assert all(packet.stream == got.packets[0].stream for packet in got.audio)
    first, last = got.packets[0].wall_ns, got.packets[-1].wall_ns
    assert abs(got.audio[0].wall_ns - first) < 1e9
    assert abs(got.audio[-1].wall_ns - last) < 1e9
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, av.AudioCodecContext)
    context.extradata, context.sample_rate, context.layout = info.extradata or None, rate_hz, "mono"
    samples = sum(
        frame.samples for packet in got.audio for frame in context.decode(av.Packet(packet.data))
    )
    assert samples == pytest.approx(whole_s * rate_hz, rel=0.05)


def test_stop_ends_a_pull_that_goes_on(
    urls: dict[str, str], source_of: Callable[..., RtspSource]
) -> None:
    with pulling(source_of(urls["h264"])) as pull:
        wait_for("a packet", lambda: bool(pull.got.packets))
        pull.stop()
    assert pull.got.error is None
