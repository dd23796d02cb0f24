"""Measures analytics on a video file: runs an analyser over it at a given rate of looks and holds its events against a truth file.

`python -m benchmarks.passings VIDEO.mp4 --truth TRUTH.json --kind plate --fps 10` prints JSON. The truth has `passes`, each with `enter_s`
and `leave_s`, and `plate` and `colour`, or `faces`. Times are the file's; the process's CPU is measured over looks alone, without decoding.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from resource import RUSAGE_SELF, getrusage
from typing import ClassVar, TypedDict, cast

import av
import numpy as np

from analytics.analyser import make_analyser
from analytics.models import Models
from domain.clock import NS_PER_S, SystemClock
from domain.events import Event, Location, Passing
from domain.media import Frame, WallSource
from domain.registry.model import Camera, Checkpoint
from domain.settings import Settings

EPOCH_NS = 1_760_000_000 * NS_PER_S


class Pass(TypedDict, total=False):
    enter_s: float
    leave_s: float
    plate: str
    colour: str
    faces: int


@dataclass(slots=True)
class Run:
    """What an analyser made of a video; `out_s` is the file's time at which each passing came out."""

    passings: list[tuple[float, Passing]] = field(default_factory=list)
    looks: int = 0
    cpu_s: float = 0.0
    worst_look_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Gaps:
    """Times without looks, as on a machine that has too much to do: after every `BETWEEN_S` seconds, none for `LASTING_S`."""

    seed: int
    BETWEEN_S: ClassVar = (0.3, 2.5)
    LASTING_S: ClassVar = (0.5, 1.5)

    def within(self, duration_s: float) -> list[tuple[float, float]]:
        random, gaps, at_s = Random(self.seed), list[tuple[float, float]](), 0.0
        while at_s < duration_s:
            from_s = at_s + random.uniform(*self.BETWEEN_S)
            at_s = from_s + random.uniform(*self.LASTING_S)
            gaps.append((from_s, at_s))
        return gaps


def frames(video: Path, fps: float, gaps: Gaps | None = None) -> Iterator[Frame]:
    """The file's frames at about `fps` a second, as FrameReader would hand them on; none within the `gaps`."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        next_s = 0.0
        closed = gaps.within(float(stream.duration or 0) * float(stream.time_base or 0)) if gaps is not None else []
        for number, picture in enumerate(container.decode(stream)):
            at_s = float(picture.time or 0.0)
            if at_s + 1e-6 < next_s or any(from_s <= at_s < to_s for from_s, to_s in closed):
                continue
            next_s = max(next_s + 1 / fps, at_s)
            yield Frame(
                "bench",
                np.asarray(picture.to_ndarray(format="bgr24"), np.uint8),
                number,
                0,
                EPOCH_NS + round(at_s * NS_PER_S),
                WallSource.RECEIVER,
            )


def run(video: Path, kind: Checkpoint, fps: float, settings: Settings, models: Models, gaps: Gaps | None = None) -> Run:
    camera = Camera(
        id="bench",
        name="bench",
        class_="A",
        area="bench",
        location=Location(lon=111.5, lat=32.5),
        url="rtsp://127.0.0.1/bench",
        checkpoint=(kind,),
    )
    analyser = make_analyser(camera, models, settings)
    clock, done, now_s = SystemClock(), Run(), 0.0
    for frame in frames(video, fps, gaps):
        now_s = (frame.wall_ns - EPOCH_NS) / NS_PER_S
        cpu_s, from_s = _cpu_s(), clock.monotonic_s()
        done.passings += [(now_s, passing) for passing in analyser.look(frame)]
        done.cpu_s += _cpu_s() - cpu_s
        done.worst_look_ms = max(done.worst_look_ms, (clock.monotonic_s() - from_s) * 1000)
        done.looks += 1
    done.passings += [(now_s, passing) for passing in analyser.close()]
    return done


def compare(done: Run, passes: list[Pass]) -> dict[str, object]:
    """Counts by pass: an event belongs to the pass that its middle lies in; by id, so that an extended event counts once."""
    latest = {passing.event.id: (out_s, passing.event) for out_s, passing in done.passings}
    of_pass: list[list[tuple[float, Event]]] = [[] for _ in passes]
    stray: list[Event] = []
    for out_s, event in latest.values():
        middle_s = ((event.started_at + event.ended_at) / 2 - EPOCH_NS) / NS_PER_S
        home = next((at for at, one in enumerate(passes) if one["enter_s"] - 0.2 <= middle_s <= one["leave_s"] + 0.2), None)
        if home is None:
            stray.append(event)
        else:
            of_pass[home].append((out_s, event))
    wanted = [one.get("faces", 1) for one in passes]
    latency_s = [out_s - passes[at]["leave_s"] for at, found in enumerate(of_pass) for out_s, _ in found]
    return {
        "passings": sum(wanted),
        "found": sum(min(len(found), want) for found, want in zip(of_pass, wanted, strict=True)),
        "doubled": sum(max(0, len(found) - want) for found, want in zip(of_pass, wanted, strict=True)),
        "false": len(stray),
        **_plates(of_pass, passes),
        "latency_s": {"median": round(float(np.median(latency_s)), 2), "worst": round(max(latency_s), 2)} if latency_s else None,
        "looks": done.looks,
        "cpu_ms_a_look": round(done.cpu_s / max(1, done.looks) * 1000, 1),
        "worst_look_ms": round(done.worst_look_ms, 1),
    }


def _plates(of_pass: list[list[tuple[float, Event]]], passes: list[Pass]) -> dict[str, object]:
    if not any("plate" in one for one in passes):
        return {}
    read = [next((event.plate for _, event in found if event.plate is not None), None) for found in of_pass]
    pairs = [(plate, one) for plate, one in zip(read, passes, strict=True) if "plate" in one]
    wrong = [
        f"{one['plate']} read as {plate.text or '(unread)'} ({plate.confidence:.2f})" if plate else f"{one['plate']} missed"
        for plate, one in pairs
        if plate is None or plate.text != one["plate"]
    ]
    body = sum(plate is not None and plate.text[1:] == one["plate"][1:] for plate, one in pairs)
    colours = sum(plate is not None and plate.color == one.get("colour") for plate, one in pairs)
    return {"plates_right": len(pairs) - len(wrong), "plates_right_but_first": body, "colours_right": colours, "wrong": wrong}


def _cpu_s() -> float:
    usage = getrusage(RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure passings on a video file with a truth file.")
    parser.add_argument("video", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--kind", choices=["plate", "face"], required=True)
    parser.add_argument("--fps", type=float, default=None, help="looks a second; the setting of that kind where left out")
    parser.add_argument("--gaps", type=int, metavar="SEED", help="leave out looks: 0.5 to 1.5 s after every 0.3 to 2.5 s, by this seed")
    parser.add_argument("--events", action="store_true", help="print every event too")
    chosen = parser.parse_args()
    settings = Settings()
    fps = chosen.fps or (settings.plate_detect_fps if chosen.kind == "plate" else settings.face_detect_fps)
    done = run(chosen.video, chosen.kind, fps, settings, Models.load(settings), None if chosen.gaps is None else Gaps(chosen.gaps))
    truth = cast("list[Pass]", json.loads(chosen.truth.read_text("utf-8"))["passes"])
    outcome = compare(done, truth)
    if chosen.events:
        outcome["events"] = [json.loads(passing.event.to_json()) for _, passing in done.passings]
    sys.stdout.write(json.dumps(outcome, ensure_ascii=False, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
