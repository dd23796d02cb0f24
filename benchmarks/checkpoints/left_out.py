"""What the analysis finds if parts of the footage are left out, and what it would report of them,
without a clock and without load.

Groups of pictures are refused at random, and of the others the rest is left out once everything in
view was read, as by a worker that is behind. The reader, the analyser and the coverage are those of
a worker. So the comparison of the coverage with the truth does not depend on the machine.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from analytics.analyser import make_analyser
from analytics.models import Models
from benchmarks.checkpoints.coverage import Reported, compare_coverage
from benchmarks.checkpoints.footage import FPS, Footage
from domain.clock import NS_PER_S, SystemClock
from domain.events.event import Event, Passing
from domain.media.fanout import Tap
from domain.media.packets import Packet, StreamInfo, WallSource, ticks_to_ns
from domain.recordings.missed_passings import missed_starts
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause, cover
from domain.settings import Settings
from ingest.frames.analysis_losses import AnalysisLosses
from ingest.frames.decode_control import Burst, DecodeEverything
from ingest.frames.decoder import FrameReader
from sightline.cameras.group_rests import GroupRests
from sightline.cameras.inference_scheduler import MIN_PART
from sightline.evaluation.film import EPOCH_NS, camera
from sightline.evaluation.truth import Pass

SEEDS = 3
"""The footage is played so often, each time with other groups refused."""


FRAME_NS = NS_PER_S // FPS


class AllHeld(DecodeEverything):
    """Controls a reader that is not late, although all packets wait in its tap at once."""

    burst = Burst(0, 1 << 62)

    def __init__(self) -> None:
        self.skipped: dict[int, int] = {}
        """Since when the packets before a keyframe are not in the tap, by the time of it."""

    def skipped_from_ns(self, wall_ns: int, /) -> int | None:
        return self.skipped.get(wall_ns)


class AllRests:
    """Leaves out the rest of every group."""

    leaves_out_rests = True

    def leaves_out_rest(self, rest_ns: int) -> bool:
        """Return True, however long the rest is."""
        return True


def left_out(
    footage: Footage, refused: float, settings: Settings, models: Models
) -> dict[str, Any]:
    """Return what is found, and how the coverage compares with it, if this part of the groups with
    a vehicle is refused.
    """
    counts: Counter[str] = Counter()
    for seed in range(SEEDS):
        events, missed = _analysed(footage, refused, random.Random(seed), settings, models)
        counts.update(compare_coverage(_reported(missed, footage.busy_s), footage.passes, events))
    return {"refused": refused, **counts}


def _analysed(
    footage: Footage, refused: float, draw: random.Random, settings: Settings, models: Models
) -> tuple[list[Event], list[PartlyAnalysed]]:
    """Return the events, and when missed passings may have begun."""
    losses, tap, control = AnalysisLosses(), Tap("decoder", 1 << 20, 1 << 30), AllHeld()
    skipped_ns: int | None = None
    for packets in _groups(footage.busy):
        span = packets[0].wall_ns, packets[-1].wall_ns + FRAME_NS
        is_busy = _shows_a_vehicle(footage.passes, span)
        if not is_busy or draw.random() < refused:
            skipped_ns = span[0] if skipped_ns is None else skipped_ns
            if is_busy:
                losses.add(*span, PartlyCause.OVERLOAD)
            continue
        if skipped_ns is not None:
            control.skipped[span[0]], skipped_ns = skipped_ns, None
        for packet in packets:
            tap.put(packet)
    tap.close()
    reader = FrameReader(
        tap, SystemClock(), settings.plate_detect_fps, "left-out", None, control, losses
    )
    reader.rate.part = MIN_PART
    analyser = make_analyser(camera("plate"), models, settings)
    rests = GroupRests(analyser, reader, AllRests())
    passings = list[Passing]()
    for frame in reader:
        passings += analyser.analyse(frame) if frame is not None else []
        passings += rests.after_frame()
    passings += analyser.close()
    events = {passing.event.id: passing.event for passing in passings}
    return list(events.values()), missed_starts(losses.take())


def _groups(file: Path) -> Iterator[list[Packet]]:
    """Yield the packets of each group of pictures."""
    with av.open(str(file)) as container:
        video = container.streams.video[0]
        context = video.codec_context
        stream = StreamInfo(
            "left-out", "h264", context.width, context.height,
            video.time_base or Fraction(1), context.extradata or b"", 1,
        )  # fmt: skip
        group: list[Packet] = []
        for raw in container.demux(video):
            if not raw.size or raw.pts is None or raw.dts is None:
                continue
            if raw.is_keyframe and group:
                yield group
                group = []
            wall_ns = EPOCH_NS + ticks_to_ns(raw.pts, stream.time_base)
            group.append(
                Packet(
                    stream, bytes(raw), raw.pts, raw.dts, raw.duration or 0, raw.is_keyframe,
                    wall_ns, WallSource.RECEIVER, wall_ns,
                )
            )  # fmt: skip
        yield group


def _shows_a_vehicle(passes: Sequence[Pass], span: tuple[int, int]) -> bool:
    from_s, to_s = ((at_ns - EPOCH_NS) / NS_PER_S for at_ns in span)
    return any(one.enter_s < to_s and from_s < one.leave_s for one in passes)


def _reported(missed: Sequence[PartlyAnalysed], length_s: float) -> Reported:
    coverage = cover(EPOCH_NS, EPOCH_NS + round(length_s * NS_PER_S), missed)
    spans = [
        [((one.start_ns - EPOCH_NS) / NS_PER_S, (one.end_ns - EPOCH_NS) / NS_PER_S) for one in part]
        for part in (coverage.analysed, coverage.partly)
    ]
    return Reported(*spans)
