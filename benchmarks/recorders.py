"""The recorders of a benchmark: an instance of Sightline, or `ffmpeg -c copy -f segment` with one
process for each camera, as many recorders do it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av

from benchmarks.processes import command_line, descendants_of
from domain.paths.data_layout import Layout
from domain.paths.segment_name import SegmentName
from sightline.processes.ports import free_ports

_STOP_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Recording:
    """Processes that record; `folders` are what each camera's files are under."""

    pids: list[int]
    folders: list[Path]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a camera's files hold."""

    pictures: int = 0
    missing: int = 0
    """Pictures that lack between others, by the time that lies between them."""


Recorder = Callable[[Sequence[str], Path], AbstractContextManager[Recording]]


@contextmanager
def sightline(urls: Sequence[str], folder: Path) -> Iterator[Recording]:
    """The camera workers of an instance that records all of `urls` without a pause; it has
    stopped when this is left.
    """
    cameras = [
        {
            "id": f"cam-{number}",
            "name": "x",
            "class": "A",
            "area": "a",
            "location": {"lon": 0, "lat": 0},
            "url": url,
        }
        for number, url in enumerate(urls)
    ]
    registry = folder / "registry.yaml"
    registry.write_text(
        json.dumps({"version": 1, "areas": {"a": {"name": "a"}}, "cameras": cameras})
    )
    layout = Layout(folder / "data")
    (port,) = free_ports(1)
    command = (
        sys.executable,
        "-m",
        "sightline",
        "up",
        "--registry",
        str(registry),
        "--data",
        str(layout.root),
        "--port",
        str(port),
    )
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(
            (*command, "--host", "127.0.0.1"), stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    try:
        process.stdout.readline()
        workers = [
            pid for pid in descendants_of(process.pid) if "sightline.worker" in command_line(pid)
        ]
        yield Recording(workers, [layout.recordings_of(camera["id"]) for camera in cameras])  # type: ignore[arg-type]
    finally:
        process.terminate()
        process.wait(_STOP_WITHIN_S)
        process.stdout.close()


@contextmanager
def ffmpegs(urls: Sequence[str], folder: Path) -> Iterator[Recording]:
    folders = [folder / f"ffmpeg-{number}" for number in range(len(urls))]
    processes = []
    for url, out in zip(urls, folders, strict=True):
        out.mkdir()
        command = (
            "ffmpeg",
            "-v",
            "error",
            "-nostdin",
            "-rtsp_transport",
            "tcp",
            "-i",
            url,
            "-c",
            "copy",
            "-an",
            "-f",
            "segment",
        )
        options = (
            "-segment_time",
            "10",
            "-segment_format",
            "mp4",
            "-segment_format_options",
            "movflags=+frag_keyframe+empty_moov",
        )
        processes.append(
            subprocess.Popen(
                (*command, *options, str(out / "%05d.mp4")),
                env={**os.environ, "AV_LOG_FORCE_NOCOLOR": "1"},
            )
        )
    try:
        yield Recording([process.pid for process in processes], folders)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def kept(folder: Path) -> Kept:
    """Count a camera's pictures. Where files are named by their time (ours), what lacks between
    two of them counts too.
    """
    pictures = missing = 0
    before_s: float | None = None
    for file in sorted(folder.rglob("*.mp4")):
        name = SegmentName.parse(file.name)
        shown_s = sorted(_shown_s(file))
        times_s = [time_s + name.start_ns / 1e9 for time_s in shown_s] if name else shown_s
        missing += _missing(times_s if before_s is None or name is None else [before_s, *times_s])
        pictures += len(times_s)
        before_s = times_s[-1] if times_s else before_s
    return Kept(pictures, missing)


def _shown_s(file: Path) -> list[float]:
    with av.open(str(file)) as container:
        (stream,) = container.streams.video
        assert stream.time_base is not None
        return [
            float(packet.pts * stream.time_base)
            for packet in container.demux(stream)
            if packet.pts is not None and packet.size
        ]


def _missing(times_s: Sequence[float]) -> int:
    """How many pictures would fit into the holes between these, going by the usual interval."""
    intervals = sorted(after - before for before, after in pairwise(times_s))
    if not intervals:
        return 0
    usual_s = intervals[len(intervals) // 2]
    return sum(round(interval / usual_s) - 1 for interval in intervals if interval > 1.5 * usual_s)
