"""Compares face detectors: recall by the height of the face, false alarms an hour, and CPU a frame.

`python -m benchmarks.faces --people VIDEO.mp4 --truth TRUTH.json --yunet FACE.onnx --without PHOTOS
[--film VIDEO.mp4 …]` prints JSON. A true face is one that both models find in a whole frame at full
size. The frame is then scaled, so that the face has each of the heights in a picture of the size
that models analyse: unchanged, darkened, and compressed. False alarms are passings that an analyser
finds in video without faces.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from analytics.analyser import make_analyser
from analytics.detection.detections import Floats, Picture
from analytics.detection.face_detector import FaceDetector
from analytics.detection.geometry import iou
from analytics.models import Models
from benchmarks import faceless
from benchmarks.machine import machine
from domain.clock import NS_PER_S, thread_cpu_s
from domain.events.event import Passing
from domain.settings import Settings
from sightline.evaluation.film import (
    EPOCH_NS,
    AnalyserRun,
    FilmAnalysis,
    analyse,
    camera,
    frames,
    run,
)
from sightline.evaluation.truth import compare, read_truth

HEIGHTS_PX = ((12, 20), (20, 32), (32, 48), (48, 80), (80, 128))
SHOWN_PX = (640, 384)
WHOLE_AREA_PX = 1280 * 736
FRAMES_A_SECOND = 5.0
LARGEST_SCALE = 1.6
"""A face is not enlarged by more: pixels that are made up tell nothing."""
IOU_LEAST = 0.4
DARK, DARK_NOISE_LEVELS, JPEG_QUALITY = 0.3, 5.0, 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the size that models look at, and where its true face is; others may be in
    it.
    """

    picture: Picture
    box: Floats
    height: str


def true_faces(video: Path, models: Sequence[FaceDetector]) -> Iterator[tuple[Picture, Floats]]:
    """Each frame with each face in it that both models find."""
    one, other = (model.at(WHOLE_AREA_PX) for model in models)
    for frame in frames(video, FRAMES_A_SECOND):
        found, again = one.detect(frame.bgr).xyxy, other.detect(frame.bgr).xyxy
        for box in found:
            agreed = again[iou(box[None], again)[0] > IOU_LEAST]
            if len(agreed):
                yield frame.bgr, (box + agreed[0]) / np.float32(2)


def shown(bgr: Picture, box: Floats, rng: np.random.Generator) -> Iterator[Shown]:
    """The face at each height that its own pixels are enough for, somewhere in the picture."""
    high_px = float(box[3] - box[1])
    for least, most in HEIGHTS_PX:
        scale = float(rng.uniform(least, most)) / high_px
        if scale <= LARGEST_SCALE:
            picture, moved = _window(bgr, box, scale, rng)
            yield Shown(picture, moved, f"{least} to {most}")


def _window(
    bgr: Picture, box: Floats, scale: float, rng: np.random.Generator
) -> tuple[Picture, Floats]:
    """The part of the scaled frame that the face is in, black where the frame ends."""
    scaled = cv2.resize(
        bgr,
        None,
        fx=scale,
        fy=scale,
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    moved, size = box * np.float32(scale), np.array(SHOWN_PX)
    room = np.maximum(np.array([scaled.shape[1], scaled.shape[0]]) - size, 0)
    middle = (moved[:2] + moved[2:]) / 2
    left, top = np.clip(middle - size * rng.uniform(0.3, 0.7, 2), 0, room).astype(int)
    part = scaled[top : top + size[1], left : left + size[0]]
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[: part.shape[0], : part.shape[1]] = part
    return picture, moved - np.array([left, top] * 2, np.float32)


def _dark(picture: Picture, rng: np.random.Generator) -> Picture:
    noisy = picture * np.float32(DARK) + rng.normal(0, DARK_NOISE_LEVELS, picture.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _compressed(picture: Picture) -> Picture:
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def recall(model: FaceDetector, faces: Sequence[tuple[Picture, Floats]]) -> dict[str, object]:
    """Found of shown, for each height and each kind of picture; and CPU milliseconds a look."""
    rng, found, all_, spent_s, looks = (
        np.random.default_rng(3),
        Counter[tuple[str, str]](),
        Counter[str](),
        0.0,
        0,
    )
    for one in (one for bgr, box in faces for one in shown(bgr, box, rng)):
        all_[one.height] += 1
        kinds = {
            "plain": one.picture,
            "dark": _dark(one.picture, rng),
            "compressed": _compressed(one.picture),
        }
        for kind, picture in kinds.items():
            from_s = thread_cpu_s()
            boxes = model.detect(picture).xyxy
            spent_s, looks = spent_s + thread_cpu_s() - from_s, looks + 1
            found[one.height, kind] += bool((iou(one.box[None], boxes) > IOU_LEAST).any())
    table = {
        height: {
            "shown": count,
            **{kind: found[height, kind] for kind in ("plain", "dark", "compressed")},
        }
        for height, count in all_.items()
    }
    return {"found": table, "cpu_ms_a_look": round(1000 * spent_s / max(1, looks), 1)}


def false_alarms(done: AnalyserRun, pictures: Path | None) -> dict[str, object]:
    """How long was looked, and what was found there; `pictures`: where each find's crop is
    left, for a person to say what it is.
    """
    for number, (_, passing) in enumerate(done.passings):
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            (pictures / f"{number}.jpg").write_bytes(passing.crop_jpeg)
    return {
        "minutes": round(done.duration_s / 60, 1),
        "events": [_said(passing) for _, passing in done.passings],
        "cpu_ms_a_look": round(1000 * done.cpu_s / max(1, done.looks), 1),
    }


def _said(passing: Passing) -> str:
    event = passing.event
    return (
        f"at {(event.started_at - EPOCH_NS) / NS_PER_S:.1f} s, score {event.confidence:.2f}, "
        f"box {event.box}"
    )


def measure(
    settings: Settings, given: argparse.Namespace, faces: Sequence[tuple[Picture, Floats]]
) -> dict[str, object]:
    """All of one detector, as the settings name it."""
    models, fps = Models.load(settings), settings.face_detect_fps
    name = Path(settings.face_model).stem
    photos = sorted(given.without.glob("*.jpg"))
    street = analyse(
        faceless.frames(photos, faceless.TAKES[: given.takes], fps),
        make_analyser(camera("face"), models, settings),
    )
    films = {
        film.name: run(film, FilmAnalysis("face", fps), settings, models) for film in given.film
    }
    out = given.pictures / name if given.pictures else None
    return {
        **recall(models.faces, faces),
        "passings": compare(
            run(given.people, FilmAnalysis("face", fps), settings, models), read_truth(given.truth)
        ),
        "without faces": {
            "photographs": false_alarms(street, out),
            **{film: false_alarms(done, None) for film, done in films.items()},
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare face detectors.")
    parser.add_argument("--people", type=Path, required=True, help="video of people walking by")
    parser.add_argument("--truth", type=Path, required=True, help="when they do")
    parser.add_argument("--yunet", type=Path, required=True, help="the YuNet ONNX file")
    parser.add_argument(
        "--without", type=Path, required=True, help="a folder of photographs without faces"
    )
    parser.add_argument(
        "--film", type=Path, action="append", default=[], help="a video without faces"
    )
    parser.add_argument(
        "--takes", type=int, default=len(faceless.TAKES), help="ways to show the photographs"
    )
    parser.add_argument("--pictures", type=Path, help="where false alarms' pictures are left")
    given = parser.parse_args()
    both = [Settings(face_model=model) for model in ("centerface", str(given.yunet))]
    faces = list(true_faces(given.people, [Models.load(one).faces for one in both]))
    report = {Path(one.face_model).stem: measure(one, given, faces) for one in both}
    sys.stdout.write(
        json.dumps(
            {"machine": machine(), "true faces": len(faces), **report}, ensure_ascii=False, indent=1
        )
        + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
