"""Analyses a video file as a checkpoint: its frames at a rate, and the resulting passings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import av
from av.video.reformatter import VideoReformatter

from analytics.analyser import make_analyser
from analytics.models import Models
from domain.clock import NS_PER_S, SystemClock
from domain.errors import BadInput
from domain.events.analyser import Analyser
from domain.events.event import Location, Passing
from domain.media.packets import Frame, WallSource
from domain.registry.model import Camera, Checkpoint
from domain.settings import Settings
from ingest.frames.frame_decoder import Decoded

EPOCH_NS = 1_760_000_000 * NS_PER_S
"""The wall time of the start of a file; the value is arbitrary."""
Span = tuple[float, float]


@dataclass(slots=True)
class AnalyserRun:
    """The result of an analyser for a video."""

    passings: list[tuple[float, Passing]] = field(default_factory=list)
    """Each passing with the file's time at which the analyser returned it."""
    looks: int = 0
    cpu_s: float = 0.0
    worst_look_ms: float = 0.0
    duration_s: float = 0.0


def frames(video: Path, fps: float, closed: Sequence[Span] = ()) -> Iterator[Frame]:
    """Yield the file's frames at about `fps` a second, except those in the spans `closed`.

    Raises BadInput where the file cannot be read as video.
    """
    next_s, reformatter = 0.0, VideoReformatter()
    for number, (at_s, picture) in enumerate(_pictures(video)):
        if at_s + 1e-6 < next_s or any(from_s <= at_s < to_s for from_s, to_s in closed):
            continue
        next_s = max(next_s + 1 / fps, at_s)
        yield Frame(
            "film",
            Decoded(picture, reformatter),
            number,
            0,
            EPOCH_NS + round(at_s * NS_PER_S),
            WallSource.RECEIVER,
        )


def _pictures(video: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield pictures with their times from the first picture on.

    They are decoded as in `ingest/frames/frame_decoder.py`: in one thread, without loop filter.
    """
    if not video.is_file():
        raise BadInput("there is no file {video}", video=video)
    began_s: float | None = None
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {"skip_loop_filter": "all"}
            for picture in container.decode(stream):
                if picture.time is None:
                    continue
                began_s = picture.time if began_s is None else began_s
                yield picture.time - began_s, picture
    except IndexError as error:
        raise BadInput("{video} has no video in it", video=video) from error
    except av.FFmpegError as error:
        raise BadInput(
            "{video} cannot be read as video: {reason}", video=video, reason=error.strerror
        ) from error
    if began_s is None:
        raise BadInput("{video} has no picture in it", video=video)


def duration_s(video: Path) -> float:
    """Return the duration in the file's header; 0 where it has none."""
    try:
        with av.open(str(video)) as container:
            return (container.duration or 0) / av.time_base
    except av.FFmpegError:
        return 0.0


@dataclass(frozen=True, slots=True)
class FilmAnalysis:
    """How a video is analysed."""

    kind: Checkpoint
    fps: float
    closed: Sequence[Span] = ()
    """Spans whose frames are left out."""


def run(
    video: Path,
    analysis: FilmAnalysis,
    settings: Settings,
    models: Models,
    progress: Callable[[float], None] = lambda at_s: None,
) -> AnalyserRun:
    """Analyse a file as a checkpoint; `progress` is called with the file's time."""
    return analyse(
        frames(video, analysis.fps, analysis.closed),
        make_analyser(camera(analysis.kind), models, settings),
        progress,
    )


def analyse(
    shown: Iterable[Frame],
    analyser: Analyser,
    progress: Callable[[float], None] = lambda at_s: None,
) -> AnalyserRun:
    """Analyse frames, the first of which is at `EPOCH_NS`."""
    clock, result = SystemClock(), AnalyserRun()
    for frame in shown:
        result.duration_s = (frame.wall_ns - EPOCH_NS) / NS_PER_S
        cpu_s, from_s = _cpu_s(), clock.monotonic_s()
        result.passings += [(result.duration_s, passing) for passing in analyser.analyse(frame)]
        result.cpu_s += _cpu_s() - cpu_s
        result.worst_look_ms = max(result.worst_look_ms, (clock.monotonic_s() - from_s) * 1000)
        result.looks += 1
        progress(result.duration_s)
    result.passings += [(result.duration_s, passing) for passing in analyser.close()]
    return result


def camera(kind: Checkpoint) -> Camera:
    return Camera(
        id="film",
        name="film",
        class_="A",
        area="film",
        location=Location(lon=111.5, lat=32.5),
        url="rtsp://127.0.0.1/film",
        checkpoint=(kind,),
    )


def _cpu_s() -> float:
    usage = getrusage(RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
