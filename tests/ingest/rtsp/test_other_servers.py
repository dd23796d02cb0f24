"""The RTSP client against two more servers, which send over UDP alone: VLC's, and a relay in front
of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import av
import pytest

from ingest.rtsp.source import RtspSource
from sightline.processes.ports import answers, free_ports
from tests.ingest.conftest import FPS, Puller, make_video

UNPRIVILEGED_ID = 65534
FILM_S = 30
EXPECTED_PACKETS = 75
ATTEMPTS = 200
Serving = Callable[[Path], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        codec: make_video(folder / f"{codec}.mp4", codec, FILM_S * FPS)
        for codec in ("h264", "hevc")
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"Debian package absent: {package}")
    return found


@contextmanager
def vlc(film: Path) -> Iterator[str]:
    """Plays the film once. VLC refuses to run as root, so it gets the open file."""
    (port,) = free_ports(1)
    url = f"rtsp://127.0.0.1:{port}/gate"
    command = [
        _program("cvlc", "vlc-bin"),
        "-I",
        "dummy",
        "--no-dbus",
        "--no-audio",
        "fd://0",
        "--sout",
        f"#rtp{{sdp={url}}}",
    ]
    account, groups = (UNPRIVILEGED_ID, list[int]()) if os.getuid() == 0 else (None, None)
    with ExitStack() as held, film.open("rb") as file:
        process = subprocess.Popen(
            command,
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=account,
            group=account,
            extra_groups=groups,
        )
        held.callback(_end, process)
        yield url


@contextmanager
def relay(film: Path) -> Iterator[str]:
    server, ffmpeg = _program("rtsp-server-perl", "rtsp-server-perl"), _program("ffmpeg", "ffmpeg")
    clients, sources, rtp = free_ports(3)
    publish = [
        ffmpeg,
        "-v",
        "error",
        "-re",
        "-i",
        str(film),
        "-c",
        "copy",
        "-f",
        "rtsp",
        f"rtsp://127.0.0.1:{sources}/gate",
    ]
    with ExitStack() as held:
        ports = [
            f"--clientport={clients}",
            f"--serverport={sources}",
            f"--rtp_start_port={rtp // 2 * 2}",
        ]
        held.callback(_end, subprocess.Popen([server, *ports]))
        while not answers(sources):
            pass
        held.callback(_end, subprocess.Popen(publish))
        yield f"rtsp://127.0.0.1:{clients}/gate"


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("serving", [vlc, relay])
def test_pictures_come_whole_and_in_step(
    serving: Serving,
    codec: str,
    films: dict[str, Path],
    source_of: Callable[..., RtspSource],
    pull: Puller,
) -> None:
    with serving(films[codec]) as url:
        attempts = (
            pull(source_of(url, "udp"), most=EXPECTED_PACKETS).packets for _ in range(ATTEMPTS)
        )
        packets = next(
            packets for packets in attempts if packets
        )  # a server that does not know the film yet refuses immediately
    assert len(packets) == EXPECTED_PACKETS
    assert packets[0].is_keyframe
    assert {round((b.pts_ns - a.pts_ns) / 1e6) for a, b in pairwise(packets)} == {1000 // FPS}
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, av.VideoCodecContext)
    context.extradata = packets[0].stream.extradata
    frames = [
        frame for packet in packets for frame in context.decode(av.Packet(packet.data))
    ] + context.decode(None)
    assert len(frames) == EXPECTED_PACKETS
