"""`sightline eval`: measures the models on labelled material.

It prints a summary, or with `--json` every reading.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from analytics.models import Models
from analytics.still_pictures import StillPictures
from domain.errors import BadInput
from domain.registry.model import Checkpoint
from domain.settings import Settings
from sightline.evaluation.film import FilmAnalysis, duration_s, run
from sightline.evaluation.labelled import Labelled, labelled, open_picture
from sightline.evaluation.truth import compare, read_truth


@dataclass(frozen=True, slots=True)
class PictureReading:
    """The readings of one picture, the likeliest first, with the confidence of that one."""

    truth: str
    read: tuple[str, ...]
    confidence: float = 0.0

    @property
    def is_right(self) -> bool:
        return self.truth in self.read

    @property
    def is_right_but_first(self) -> bool:
        return any(text[1:] == self.truth[1:] for text in self.read)


@dataclass(slots=True)
class EvaluationResult:
    """The readings of a folder, and the files that could not be opened."""

    readings: list[PictureReading] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return 1 if self.errors else 0


def plates(args: argparse.Namespace) -> int:
    """Read crops of one plate each. The best reading counts, however low its confidence.

    Return 1 where a file could not be opened.
    """
    outcome = _read_all(args.folder, _crop)
    if args.json:
        rows = [
            {
                "truth": one.truth,
                "read": "".join(one.read[:1]),
                "confidence": round(one.confidence, 4),
            }
            for one in outcome.readings
        ]
        _print_json({"plates": rows, "errors": outcome.errors})
    else:
        _print_pictures(outcome, "crops")
    return outcome.exit_code


def photos(args: argparse.Namespace) -> int:
    """Read photographs. One is right if any plate in it is read as its label.

    Return 1 where a file could not be opened.
    """
    outcome = _read_all(args.folder, _photograph)
    if args.json:
        rows = [{"truth": one.truth, "read": list(one.read)} for one in outcome.readings]
        _print_json({"photos": rows, "errors": outcome.errors})
    else:
        _print_pictures(outcome, "photographs")
    return outcome.exit_code


def video(args: argparse.Namespace) -> int:
    return _film(args, "plate", Settings().plate_detect_fps)


def faces(args: argparse.Namespace) -> int:
    return _film(args, "face", Settings().face_detect_fps)


def _crop(stills: StillPictures, one: Labelled) -> PictureReading:
    fused = stills.crop(open_picture(one.file)).fused
    return PictureReading(one.truth, (fused.text,), fused.confidence)


def _photograph(stills: StillPictures, one: Labelled) -> PictureReading:
    found = [
        still.fused for still in stills.photograph(open_picture(one.file)) if still.fused.is_read
    ]
    return PictureReading(
        one.truth,
        tuple(dict.fromkeys(fused.text for fused in found)),
        max((fused.confidence for fused in found), default=0.0),
    )


Read = Callable[[StillPictures, Labelled], PictureReading]


def _read_all(folder: Path, read: Read) -> EvaluationResult:
    """Read every picture in the folder. Pictures that cannot be opened are printed and counted."""
    pictures, outcome = labelled(folder), EvaluationResult()
    stills = StillPictures(Models.load(Settings()))
    with _progress() as progress:
        for one in progress.track(pictures, description="reading"):
            try:
                outcome.readings.append(read(stills, one))
            except (BadInput, OSError) as error:
                print(f"sightline: {one.file}: {error}", file=sys.stderr)
                outcome.errors.append({"file": str(one.file), "error": str(error)})
    return outcome


def _film(args: argparse.Namespace, kind: Checkpoint, usual_fps: float) -> int:
    truth, settings = read_truth(args.truth), Settings()
    with _progress() as progress:
        task = progress.add_task("analysing", total=duration_s(args.file) or None)
        analysis = FilmAnalysis(kind, args.fps or usual_fps)
        result = run(
            args.file,
            analysis,
            settings,
            Models.load(settings),
            lambda at_s: progress.update(task, completed=at_s),
        )
    outcome = compare(result, truth)
    if args.json:
        _print_json(outcome)
    else:
        _print_film(outcome)
    return 0


def _progress() -> Progress:
    """Return a progress bar on standard error, which is disabled unless that is a terminal."""
    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)


def _print_pictures(outcome: EvaluationResult, noun: str) -> None:
    readings = outcome.readings
    right = sum(one.is_right for one in readings)
    but_first = sum(one.is_right_but_first for one in readings)
    print(
        f"{right} of {len(readings)} {noun} right{_percent(right, len(readings))}; all but the "
        f"first character right: {but_first}"
    )
    if outcome.errors:
        print(f"{len(outcome.errors)} files could not be opened")
    provinces = Counter(one.truth[:1] for one in readings)
    if len(provinces) > 1:
        hits = Counter(one.truth[:1] for one in readings if one.is_right)
        print(
            "right by first character: "
            + ", ".join(f"{name} {hits[name]}/{count}" for name, count in provinces.most_common())
        )
    _print_table(
        ("truth", "read", "confidence"), [_row(one) for one in readings if not one.is_right]
    )


def _row(one: PictureReading) -> tuple[str, ...]:
    return one.truth, " ".join(one.read) or "(nothing)", f"{one.confidence:.2f}"


def _percent(part: int, whole: int) -> str:
    return f" ({100 * part / whole:.1f} %)" if whole else ""


def _print_film(outcome: dict[str, object]) -> None:
    named = {"false": "false events", "doubled": "doubled events"}
    rows = [
        (named.get(name, name.replace("_", " ")), _cell(value))
        for name, value in outcome.items()
        if value not in (None, [])
    ]
    _print_table(("measure", "value"), rows)


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return "\n".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _print_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        return
    table = Table(*heads)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console().print(table)


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))
