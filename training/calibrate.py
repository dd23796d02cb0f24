"""Fits how scores become confidences, on drawn plates of characters that training never saw; and
draws how well confidences hold.

`python -m training.calibrate --characters plate-characters.zip --font … --latin-font … [--crops DIR
--photos DIR --plot FILE.svg]` prints JSON: the temperature that fits single pictures best, the gain
that fits tracks best (least log-loss of "the first text is right"), and the fit's expected
calibration error in ten bins. Real pictures are measured, never fitted to. Not shipped in the
package.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.detection.detections import Picture
from analytics.models import Models
from analytics.plates.color import plate_color, votes
from analytics.plates.crop import Crop
from analytics.plates.crop_reading import CropReading
from analytics.plates.fusion import CALIBRATION, Calibration, Fusion, ScoredHypotheses
from analytics.plates.grammar_search import GrammarSearch
from analytics.still_pictures import StillPictures
from domain.settings import Settings
from sightline.evaluation.labelled import labelled, open_picture
from training.arguments import parser_of, unseen_glyphs
from training.capture import Hardness, capture
from training.glyphs import Glyphs
from training.plates import draw_plate
from training.samples import moved
from training.texts import draw_kind, draw_text

SEED = 6
LEVEL = 0.7
"""As the hard set of the model card."""
CAPTURES, SHOTS_A_CAPTURE = 2, 3
"""Of a drawn track: pictures of a passing come in runs that share dirt, light and skew, and
differ in small moves.
"""
BINS = 10
CHANCES = 200
TEMPERATURES = np.geomspace(0.5, 6, 26)
GAINS = np.arange(0.0, 1.01, 0.05)


@dataclass(frozen=True, slots=True)
class Case:
    """One reading or track: what was hypotheses, and whether its first text is right."""

    hypotheses: ScoredHypotheses
    is_right: bool

    def confidence(self, calibration: Calibration) -> float:
        return float(calibration.confidences(self.hypotheses)[0])


Floats = NDArray[np.float64]


class Reader:
    def __init__(self, models: Models) -> None:
        self._fusion = Fusion(GrammarSearch(models.reader.alphabet))
        self._crops = CropReading(models.reader, self._fusion)

    def case(self, crops: Sequence[Picture], truth: str) -> Iterator[Case]:
        """None where nothing was read: there is nothing then to be confident of."""
        color = plate_color(votes(crops[0]))
        readings = [self._crops.reading(Crop(crop, 1.0, False)) for crop in crops]
        hypotheses = self._fusion.score_hypotheses(readings, color)
        if hypotheses is not None:
            yield Case(hypotheses, hypotheses.texts[0] == truth)


def drawn(
    reader: Reader, glyphs: Glyphs, stream: int, count: int, is_track: bool = False
) -> list[Case]:
    """`count` plates, each seen once or as a track."""
    cases: list[Case] = []
    for index in range(count):
        rng = np.random.default_rng([SEED, stream, index])
        kind = draw_kind(rng)
        text = draw_text(kind, rng)
        plate = draw_plate(text, kind, glyphs, rng)
        crops = [
            capture(plate, rng, Hardness(level=LEVEL)).crop
            for _ in range(CAPTURES if is_track else 1)
        ]
        cases += reader.case(
            [moved(crop, rng) for crop in crops for _ in range(SHOTS_A_CAPTURE)]
            if is_track
            else crops,
            text,
        )
    return cases


def real_crops(reader: Reader, folder: Path) -> list[Case]:
    return [
        case
        for one in labelled(folder)
        for case in reader.case([open_picture(one.file)], one.truth)
    ]


def real_photos(stills: StillPictures, folder: Path) -> list[tuple[float, bool]]:
    """Of each photograph the reading that is its truth, or else its surest find's: other plates
    in it are not labelled.
    """
    pairs = []
    for one in labelled(folder):
        found = [
            still.fused for still in stills.photograph(open_picture(one.file)) if still.fused.text
        ]
        named = [fused for fused in found if fused.text == one.truth]
        pairs += [(fused.confidence, fused.text == one.truth) for fused in (named or found)[:1]]
    return pairs


def fit(singles: list[Case], tracks: list[Case]) -> Calibration:
    """By log-loss over grids: two numbers, and a thousand cases."""
    best = min(
        (Calibration(round(float(one), 2), 0.0) for one in TEMPERATURES),
        key=lambda one: _log_loss(singles, one),
    )
    return min(
        (replace(best, gain=round(float(gain), 2)) for gain in GAINS),
        key=lambda one: _log_loss(tracks, one),
    )


def _log_loss(cases: list[Case], calibration: Calibration) -> float:
    right = np.array([case.is_right for case in cases])
    sure = np.clip([case.confidence(calibration) for case in cases], 1e-6, 1 - 1e-6)
    return float(-np.mean(np.where(right, np.log(sure), np.log(1 - sure))))


def reliability(pairs: Iterable[tuple[float, bool]]) -> dict[str, object]:
    """Bins of confidence with their counts, mean confidences and parts right, the expected
    calibration error, and how large it would be of as many by chance alone, were each right as
    often as its confidence says.
    """
    table = np.array([(confidence, float(right)) for confidence, right in pairs])
    at = np.minimum((table[:, 0] * BINS).astype(int), BINS - 1)
    bins = [
        (int((at == n).sum()), *(float(value) for value in table[at == n].mean(axis=0)))
        for n in range(BINS)
        if (at == n).any()
    ]
    chances = np.random.default_rng(SEED).random((CHANCES, len(table))) < table[:, 0]
    by_chance = np.mean([_error(table[:, 0], chance, at) for chance in chances])
    rounded = [[count, round(sure, 3), round(right, 3)] for count, sure, right in bins]
    return {
        "count": len(table),
        "right": round(float(table[:, 1].mean()), 4),
        "expected calibration error": round(_error(table[:, 0], table[:, 1], at), 4),
        "by chance alone": round(float(by_chance), 4),
        "bins": rounded,
    }


def _error(sure: Floats, right: Floats | NDArray[np.bool_], at: NDArray[np.int_]) -> float:
    """`at` (n,) are the bins."""
    return sum(abs(float((sure[at == n] - right[at == n]).sum())) for n in range(BINS)) / len(sure)


def _pairs(cases: list[Case], calibration: Calibration) -> list[tuple[float, bool]]:
    return [(case.confidence(calibration), case.is_right) for case in cases]


def plot(reports: dict[str, dict[str, object]], file: Path) -> None:
    import matplotlib as mpl  # a dependency of development only

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "reliability"
    figure, axes = plt.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for name, report in reports.items():
        bins = np.array(report["bins"])
        axes.plot(
            bins[:, 1],
            bins[:, 2],
            marker="o",
            markersize=4,
            label=f"{name}: {report['count']}, error {report['expected calibration error']}",
        )
    axes.set(xlabel="mean confidence", ylabel="part that is right", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left", fontsize=8)
    figure.savefig(file, format="svg", metadata={"Date": None})


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument(
        "--count",
        type=int,
        default=1000,
        help="drawn plates to fit on, and a third as tracks; as many plates and tracks to measure",
    )
    parser.add_argument("--crops", type=Path, help="real crops to check on, named by their plates")
    parser.add_argument("--photos", type=Path, help="real photographs to check on")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    given = parser.parse_args()
    glyphs = unseen_glyphs(given)
    models = Models.load(Settings())
    reader = Reader(models)
    fitted = fit(
        drawn(reader, glyphs, 0, given.count),
        drawn(reader, glyphs, 1, given.count // 3, is_track=True),
    )
    cases = {
        "drawn": drawn(reader, glyphs, 2, given.count),
        "drawn tracks": drawn(reader, glyphs, 3, given.count, is_track=True),
    }
    if given.crops:
        cases["crops"] = real_crops(reader, given.crops)
    reports = {name: reliability(_pairs(some, fitted)) for name, some in cases.items()}
    if given.photos:
        reports["photographs"] = reliability(
            real_photos(StillPictures(models, fitted), given.photos)
        )
    if given.plot:
        plot(reports, given.plot)
    before = Calibration(1.0, 0.0)
    uncalibrated = {
        name: reliability(_pairs(some, before))["expected calibration error"]
        for name, some in cases.items()
    }
    report = {"fitted": asdict(fitted), "in use": asdict(CALIBRATION)}
    sys.stdout.write(
        json.dumps(
            {**report, **reports, "error without calibration": uncalibrated},
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
