"""Measures analytics on a video file as `sightline eval` does, and also with gaps between the
analysed frames, as on an overloaded machine.

`python -m benchmarks.passings VIDEO.mp4 --truth TRUTH.json --kind plate --fps 10` prints JSON. CPU
time is that of the process for the analysis of frames, without decoding.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar

from analytics.models import Models
from domain.settings import Settings
from sightline.evaluation.film import FilmAnalysis, Span, duration_s, run
from sightline.evaluation.truth import compare, read_truth


@dataclass(frozen=True, slots=True)
class Gaps:
    """Times without looks: after every `BETWEEN_S` seconds, none for `DURATION_S`."""

    seed: int
    BETWEEN_S: ClassVar = (0.3, 2.5)
    DURATION_S: ClassVar = (0.5, 1.5)

    def within(self, duration_s: float) -> list[Span]:
        random, gaps, at_s = Random(self.seed), list[Span](), 0.0
        while at_s < duration_s:
            from_s = at_s + random.uniform(*self.BETWEEN_S)
            at_s = from_s + random.uniform(*self.DURATION_S)
            gaps.append((from_s, at_s))
        return gaps


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Measure passings on a video file with a truth file."
    )
    parser.add_argument("video", type=Path)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--kind", choices=["plate", "face"], required=True)
    parser.add_argument(
        "--fps",
        type=float,
        default=None,
        help="looks a second; the setting of that kind where left out",
    )
    parser.add_argument(
        "--gaps",
        type=int,
        metavar="SEED",
        help="leave out looks: 0.5 to 1.5 s after every 0.3 to 2.5 s, by this seed",
    )
    parser.add_argument("--events", action="store_true", help="print every event too")
    chosen = parser.parse_args()
    settings = Settings()
    fps = chosen.fps or (
        settings.plate_detect_fps if chosen.kind == "plate" else settings.face_detect_fps
    )
    closed = [] if chosen.gaps is None else Gaps(chosen.gaps).within(duration_s(chosen.video))
    done = run(
        chosen.video, FilmAnalysis(chosen.kind, fps, closed), settings, Models.load(settings)
    )
    outcome = compare(done, read_truth(chosen.truth))
    if chosen.events:
        outcome["events"] = [json.loads(passing.event.to_json()) for _, passing in done.passings]
    sys.stdout.write(json.dumps(outcome, ensure_ascii=False, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
