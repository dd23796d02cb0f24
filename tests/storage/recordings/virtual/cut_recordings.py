"""Times, segments and players of the tests that cut clips from recordings."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import av

from domain.clock import NS_PER_MS, NS_PER_S
from domain.media.packets import Packet
from storage.mp4.demuxer import Mp4Reader
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual.clips import ClipFile
from storage.recordings.virtual.virtual_file import Ranges
from tests.recorded import START_NS, number_in

EVER = (0, START_NS * 2)


def wall_ns_at(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


def seconds_of(wall_ns: int) -> float:
    return (wall_ns - START_NS) / NS_PER_S


def in_seconds(ranges_ms: Ranges) -> list[tuple[float, float]]:
    return [
        (seconds_of(start * NS_PER_MS), seconds_of(end * NS_PER_MS)) for start, end in ranges_ms
    ]


def gaps_s(made: ClipFile) -> list[tuple[float, float]]:
    return in_seconds(made.gaps_ms)


def codec_of(clip: Path) -> str:
    with Mp4Reader(clip) as reader:
        return reader.parameters.codec


def segments_in(folder: Path) -> tuple[Segment, ...]:
    return Ledger(folder).segments("cam-1", *EVER)


def delayed(packets: list[Packet], seconds: float) -> list[Packet]:
    ticks, ns = round(seconds * 90_000), round(seconds * NS_PER_S)
    return [
        replace(p, pts=p.pts + ticks, dts=p.dts + ticks, wall_ns=p.wall_ns + ns) for p in packets
    ]


def first_shown(clip: Path, ffmpeg: str) -> int:
    """The number of the frame that ffmpeg shows first; it heeds the edit list as players do."""
    picture = clip.with_suffix(".png")
    subprocess.run(
        [ffmpeg, "-v", "error", "-y", "-i", str(clip), "-frames:v", "1", str(picture)], check=True
    )
    with av.open(str(picture)) as container:
        return number_in(next(container.decode(video=0)))


def duration_s(clip: Path, ffmpeg: str) -> float:
    probe = str(Path(ffmpeg).with_name("ffprobe"))
    command = [probe, "-v", "error", "-show_entries", "format=duration", "-of", "json", str(clip)]
    probed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return float(probed["format"]["duration"])
