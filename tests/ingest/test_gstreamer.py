"""The RTSP door against GStreamer's server, which shares no code with ours: nothing lost at either end, the first picture at once."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import av
import pytest

from domain.errors import SourceError, SourceUnreachable
from domain.media import Packet
from ingest.rtsp import RtspSource
from tests.conftest import SHARED

SERVER = Path(__file__).parent.parent / "gst_server.py"


class Pulled(Protocol):
    packets: list[Packet]
    error: SourceError | None
    took_s: float


@pytest.fixture(scope="module")
def urls(clips: dict[str, Path], gst_python: str) -> Iterator[dict[str, str]]:
    cameras = [f"{name}={file}" for name, file in clips.items()]
    if SHARED.is_dir():
        cameras.append(f"plates={SHARED / 'checkpoint-plates.mp4'}")
    server = subprocess.Popen([gst_python, SERVER, *cameras], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield json.loads(server.stdout.readline())["urls"]
    server.terminate()
    server.wait(5)
    server.stdout.close()


@pytest.mark.parametrize("transport", ["tcp", "udp", "libavformat"])
@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_every_packet_comes(
    name: str, transport: str, urls: dict[str, str], source_of: Callable[..., RtspSource], pull: Callable[..., Pulled]
) -> None:
    got = pull(source_of(urls[name], transport))
    assert isinstance(got.error, SourceUnreachable)
    assert len(got.packets) == 50
    assert got.packets[0].is_keyframe
    assert got.packets[0].stream.width_px == 320
    context = av.CodecContext.create("h264" if name == "h264" else "hevc", "r")
    context.extradata = got.packets[0].stream.extradata
    # The server hangs up as it sends the last picture: over UDP what is left of that one may come too late.
    whole = got.packets[:-1] if transport == "udp" else got.packets
    frames = [frame for packet in whole for frame in context.decode(av.Packet(packet.data))] + context.decode(None)
    assert len(frames) == len(whole)


@pytest.mark.usefixtures("footage")
@pytest.mark.parametrize("transport", ["tcp", "udp", "libavformat"])
def test_a_city_checkpoint_starts_within_a_second_and_tells_the_senders_time(
    transport: str, urls: dict[str, str], source_of: Callable[..., RtspSource], pull: Callable[..., Pulled]
) -> None:
    first = pull(source_of(urls["plates"], transport), most=1)
    assert first.took_s < 1.0
    assert first.packets[0].stream.width_px == 1920
    if transport == "udp":
        return
    more = pull(source_of(urls["plates"], transport), most=120)
    assert more.packets[-1].sender_wall_ns is not None
    assert abs(more.packets[-1].wall_ns - more.packets[-1].received_ns) < 2e8


def test_stop_ends_a_pull_within_its_time(urls: dict[str, str], source_of: Callable[..., RtspSource], pull: Callable[..., Pulled]) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    got = pull(source_of(urls["h264"]), stop=stop)
    assert got.error is None
    assert got.took_s < 2.0
