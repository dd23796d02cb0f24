"""Recording: a camera worker beside `ffmpeg -c copy -f segment`, one process a camera as NVRs do, on the same streams in the same run.

    python -m benchmarks.recording [--cameras 16] [--seconds 60] [--mbit 4] [--height 1080]

The streams come from the project's simulator in a process of its own, which is not in the figures. Ours is the whole worker process of
`sightline up`: reading, segments, ledger, states, keeper. Memory is the proportional set size.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.processes import Cost, children_of, command_line, cost_of
from domain.clock import SystemClock
from sightline.ports import free_ports

CLOCK = SystemClock()
SETTLE_S = 15.0


def make_stream(file: Path, height_px: int, mbit_s: float, seconds: int = 10, fps: int = 25) -> None:
    """A moving, noisy picture at a steady bit rate, a keyframe every two seconds."""
    width_px = height_px * 16 // 9
    random = np.random.default_rng(1)
    noise = random.integers(0, 60, (height_px, width_px + 16 * fps, 3), np.uint8)
    with av.open(str(file), "w") as container:
        options = {"preset": "ultrafast", "tune": "zerolatency", "bf": "0", "g": str(2 * fps), "sc_threshold": "0"}
        options |= {"x264-params": f"nal-hrd=cbr:vbv-maxrate={mbit_s * 1000:.0f}:vbv-bufsize={mbit_s * 1000:.0f}"}
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width_px, height_px, "yuv420p", round(mbit_s * 1_000_000)
        for number in range(seconds * fps):
            shift = 16 * (number % fps)
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(noise[:, shift : shift + width_px]), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


@contextmanager
def simulated(file: Path, cameras: int, folder: Path) -> Iterator[list[str]]:
    config = folder / "simulator.json"
    entries = [{"path": f"cam-{number}", "file": str(file)} for number in range(cameras)]
    config.write_text(json.dumps(entries))
    command = (sys.executable, "-m", "sightline.simulator", "--config", str(config))
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
    return Cost(after.cpu_s - before.cpu_s, after.memory_bytes)


def run(cameras: int, seconds: float, mbit_s: float, height_px: int) -> dict[str, Any]:
    """Raises SystemExit where ffmpeg, the reference, is not installed."""
    if shutil.which("ffmpeg") is None:
        raise SystemExit("the reference ffmpeg is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_stream(folder / "stream.mp4", height_px, mbit_s)
        with simulated(folder / "stream.mp4", cameras, folder) as urls:
            with sightline_worker(urls, folder) as pids:
                ours = measured(pids, seconds)
            with ffmpegs(urls, folder) as pids:
                theirs = measured(pids, seconds)
    return {
        "cameras": cameras, "height_px": height_px, "mbit_s": mbit_s, "seconds": seconds,
        "sightline": _each(ours, cameras, seconds), "ffmpeg": _each(theirs, cameras, seconds),
        "cpu_ratio": ours.cpu_s / theirs.cpu_s, "memory_ratio": ours.memory_bytes / theirs.memory_bytes,
    }  # fmt: skip


def _each(cost: Cost, cameras: int, seconds: float) -> dict[str, float]:
    return {"cpu_percent_of_a_core": 100 * cost.cpu_s / seconds / cameras, "memory_mb": cost.memory_bytes / 1e6 / cameras}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--mbit", type=float, default=4)
    parser.add_argument("--height", type=int, default=1080)
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.cameras, arguments.seconds, arguments.mbit, arguments.height), indent=1))


if __name__ == "__main__":
    main()
