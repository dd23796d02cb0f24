"""The RTSP door against GStreamer's server, which shares no code with ours: nothing lost at either end, the first picture at once."""

from __future__ import annotations

import json
import os
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

PYTHON = Path("/usr/bin/python3")
SERVER = Path(__file__).parent.parent / "gst_server.py"
DATA = Path(os.environ.get("SIGHTLINE_TEST_DATA", SERVER.parent.parent.parent / "shared" / "data"))


class Pulled(Protocol):
    packets: list[Packet]
    error: SourceError | None
    took_s: float


@pytest.fixture(scope="module")
def urls(footage: dict[str, Path]) -> Iterator[dict[str, str]]:
    check = "import gi; gi.require_version('GstRtspServer', '1.0')"
    if not PYTHON.exists() or subprocess.run([PYTHON, "-c", check], capture_output=True, check=False).returncode:
        pytest.skip("GStreamer's RTSP server is not installed (Debian: python3-gi, gir1.2-gst-rtsp-server-1.0)")
    cameras = [f"{name}={file}" for name, file in footage.items()]
    if (DATA / "checkpoint-plates.mp4").exists():
        cameras.append(f"plates={DATA / 'checkpoint-plates.mp4'}")
    server = subprocess.Popen([PYTHON, SERVER, *cameras], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield json.loads(server.stdout.readline())["urls"]
    server.terminate()
    server.wait(5)
    server.stdout.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
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


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_city_checkpoint_starts_within_a_second_and_tells_the_senders_time(
    transport: str, urls: dict[str, str], source_of: Callable[..., RtspSource], pull: Callable[..., Pulled]
) -> None:
    if "plates" not in urls:
        pytest.skip(f"the checkpoint video is not in {DATA} (SIGHTLINE_TEST_DATA)")
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
