"""Recording: a camera worker beside `ffmpeg -c copy -f segment`, one process a camera as NVRs do, on the same streams in the same run.

    python -m benchmarks.recording [--cameras 16] [--seconds 60] [--mbit 4] [--height 1080] [--server simulator|gstreamer]

The server is not in the figures. It matters: the simulator sends an access unit in one write, GStreamer each RTP packet by itself, which
costs both readers more. Ours is the whole worker process of `sightline up`: reading, segments, ledger, states, keeper.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.processes import Cost, children_of, command_line, cost_of
from domain.clock import SystemClock
from sightline.ports import free_ports

CLOCK = SystemClock()
SETTLE_S = 15.0
SHORT_S = 10
ROOT = Path(__file__).parent.parent


def make_stream(file: Path, height_px: int, mbit_s: float, seconds: float) -> None:
    """A moving, noisy picture at a steady bit rate, a keyframe every two seconds: ten seconds encoded, and repeated."""
    short = file.with_name("ten-seconds.mp4")
    _encode(short, height_px, mbit_s)
    with av.open(str(file), "w") as container:
        stream: av.VideoStream | None = None
        for repeat in range(math.ceil(seconds / SHORT_S)):
            with av.open(str(short)) as source:
                read = source.streams.video[0]
                stream = stream or container.add_stream_from_template(read)
                assert read.time_base is not None
                shift = round(repeat * SHORT_S / read.time_base)
                for packet in source.demux(read):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    container.mux(packet)


def _encode(file: Path, height_px: int, mbit_s: float, fps: int = 25) -> None:
    width_px = height_px * 16 // 9
    random = np.random.default_rng(1)
    noise = random.integers(0, 60, (height_px, width_px + 16 * fps, 3), np.uint8)
    with av.open(str(file), "w") as container:
        options = {"preset": "ultrafast", "tune": "zerolatency", "bf": "0", "g": str(2 * fps), "sc_threshold": "0"}
        options |= {"x264-params": f"nal-hrd=cbr:vbv-maxrate={mbit_s * 1000:.0f}:vbv-bufsize={mbit_s * 1000:.0f}"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width_px, height_px, "yuv420p", round(mbit_s * 1_000_000)
        for number in range(SHORT_S * fps):
            shift = 16 * (number % fps)
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(noise[:, shift : shift + width_px]), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


@contextmanager
def served(server: str, file: Path, cameras: int, folder: Path) -> Iterator[list[str]]:
    """Urls of `cameras` cameras that all play `file`."""
    paths = [f"cam-{number}" for number in range(cameras)]
    if server == "gstreamer":
        command = ["/usr/bin/python3", str(ROOT / "tests" / "gst_server.py"), "--port", "0", *(f"{path}={file}" for path in paths)]
    else:
        config = folder / "simulator.json"
        config.write_text(json.dumps([{"path": path, "file": str(file)} for path in paths]))
        command = [sys.executable, "-m", "sightline.simulator", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield list(json.loads(process.stdout.readline())["urls"].values())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def sightline_worker(urls: list[str], folder: Path) -> Iterator[list[int]]:
    """The process ids of the camera workers (one) of an instance that records all of `urls`."""
    cameras = [
        {"id": f"cam-{number}", "name": "x", "class": "A", "area": "a", "location": {"lon": 0, "lat": 0}, "url": url}
        for number, url in enumerate(urls)
    ]
    registry = folder / "registry.yaml"
    registry.write_text(json.dumps({"version": 1, "areas": {"a": {"name": "a"}}, "cameras": cameras}))
    (port,) = free_ports(1)
    command = (sys.executable, "-m", "sightline", "up", "--registry", str(registry), "--data", str(folder / "data"))
    process = subprocess.Popen((*command, "--port", str(port), "--host", "127.0.0.1"), stdout=subprocess.PIPE, text=True, env=_one_worker())
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield [pid for pid in children_of(process.pid) if "sightline.worker" in command_line(pid)]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def _one_worker() -> dict[str, str]:
    return {**os.environ, "SIGHTLINE_WORKERS": "1"}


@contextmanager
def ffmpegs(urls: list[str], folder: Path) -> Iterator[list[int]]:
    processes = []
    for number, url in enumerate(urls):
        out = folder / f"ffmpeg-{number}"
        out.mkdir()
        command = ("ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url, "-c", "copy", "-an", "-f", "segment")
        options = ("-segment_time", "10", "-segment_format", "mp4", "-segment_format_options", "movflags=+frag_keyframe+empty_moov")
        processes.append(subprocess.Popen((*command, *options, str(out / "%05d.mp4"))))
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def measured(pids: list[int], seconds: float) -> Cost:
    """CPU seconds used within `seconds` of a settled state, and memory at its end."""
    CLOCK.sleep(SETTLE_S)
    before = cost_of(pids)
    CLOCK.sleep(seconds)
    after = cost_of(pids)
    return replace(after, cpu_s=after.cpu_s - before.cpu_s)


def run(cameras: int, seconds: float, mbit_s: float, height_px: int, server: str = "simulator") -> dict[str, Any]:
    """Raises SystemExit where ffmpeg, the reference, is not installed."""
    if shutil.which("ffmpeg") is None:
        raise SystemExit("the reference ffmpeg is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_stream(folder / "stream.mp4", height_px, mbit_s, seconds + 3 * SETTLE_S)
        with served(server, folder / "stream.mp4", cameras, folder) as urls:
            with sightline_worker(urls, folder) as pids:
                ours = measured(pids, seconds)
            with ffmpegs(urls, folder) as pids:
                theirs = measured(pids, seconds)
    return {
        "cameras": cameras, "height_px": height_px, "mbit_s": mbit_s, "seconds": seconds, "server": server,
        "sightline": _each(ours, cameras, seconds), "ffmpeg": _each(theirs, cameras, seconds),
        "cpu_ratio": ours.cpu_s / theirs.cpu_s, "resident_ratio": ours.resident_bytes / theirs.resident_bytes,
        "proportional_ratio": ours.proportional_bytes / theirs.proportional_bytes,
    }  # fmt: skip


def _each(cost: Cost, cameras: int, seconds: float) -> dict[str, float]:
    return {
        "cpu_percent_of_a_core": 100 * cost.cpu_s / seconds / cameras,
        "resident_mb": cost.resident_bytes / 1e6 / cameras,
        "proportional_mb": cost.proportional_bytes / 1e6 / cameras,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--mbit", type=float, default=4)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--server", choices=("simulator", "gstreamer"), default="simulator")
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.cameras, arguments.seconds, arguments.mbit, arguments.height, arguments.server), indent=1))


if __name__ == "__main__":
    main()
