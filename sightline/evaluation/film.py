"""A video file looked at as a checkpoint camera is: its frames at a rate of looks, and the
passings that an analyser makes of them.
"""

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
from ingest.frames.decoder import Decoded

EPOCH_NS = 1_760_000_000 * NS_PER_S
"""The wall time of the file's beginning: any will do."""
Span = tuple[float, float]


@dataclass(slots=True)
class AnalyserRun:
    """What an analyser made of a video; `out_s` is the file's time at which each passing came
    out.
    """

    passings: list[tuple[float, Passing]] = field(default_factory=list)
    looks: int = 0
    cpu_s: float = 0.0
    worst_look_ms: float = 0.0
    duration_s: float = 0.0


def frames(video: Path, fps: float, closed: Sequence[Span] = ()) -> Iterator[Frame]:
    """The file's frames at about `fps` a second; none within the spans `closed`. Raises
    BadInput where it cannot be read as video.
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
    """Pictures with their times from the first on. Decoded as `ingest/frames/decoder.py` does:
    one thread, without the loop filter.
    """
    if not video.is_file():
        raise BadInput(f"there is no file {video}")
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
        raise BadInput(f"{video} has no video in it") from error
    except av.FFmpegError as error:
        raise BadInput(f"{video} cannot be read as video: {error.strerror}") from error
    if began_s is None:
        raise BadInput(f"{video} has no picture in it")


def duration_s(video: Path) -> float:
    """As the file says; 0 where it does not."""
    try:
        with av.open(str(video)) as container:
            return (container.duration or 0) / av.time_base
    except av.FFmpegError:
        return 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """How a video is looked at."""

    kind: Checkpoint
    fps: float
    closed: Sequence[Span] = ()


def run(
    video: Path,
    look: Look,
    settings: Settings,
    models: Models,
    progress: Callable[[float], None] = lambda at_s: None,
) -> AnalyserRun:
    """Every passing of the file, made as a checkpoint camera's are; `progress` hears the file's
    time.
    """
    return watch(
        frames(video, look.fps, look.closed),
        make_analyser(camera(look.kind), models, settings),
        progress,
    )


def watch(
    shown: Iterable[Frame],
    analyser: Analyser,
    progress: Callable[[float], None] = lambda at_s: None,
) -> AnalyserRun:
    """Every passing of frames whose first is at `EPOCH_NS`."""
    clock, done = SystemClock(), AnalyserRun()
    for frame in shown:
        done.duration_s = (frame.wall_ns - EPOCH_NS) / NS_PER_S
        cpu_s, from_s = _cpu_s(), clock.monotonic_s()
        done.passings += [(done.duration_s, passing) for passing in analyser.analyse(frame)]
        done.cpu_s += _cpu_s() - cpu_s
        done.worst_look_ms = max(done.worst_look_ms, (clock.monotonic_s() - from_s) * 1000)
        done.looks += 1
        progress(done.duration_s)
    done.passings += [(done.duration_s, passing) for passing in analyser.close()]
    return done


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
