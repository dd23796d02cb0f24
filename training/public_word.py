"""Measures what the public reader's word is worth on drawn plates: which provinces it is too ready
to name, and how sure it is of a plate.

`python -m training.public_word --characters plate-characters.zip --font … --latin-font …` prints
JSON: how often its word on the province is right and its log-loss, as it is and with the bias that
makes the true provinces likeliest (each weighing alike), and what it says of a plate of a kind that
it knows on average. Fitted on the characters that our reader is trained on, and measured on the
others. Not shipped in the package.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.models import Models
from analytics.plates.grammar_search import GrammarSearch
from analytics.plates.public_reader import PROVINCE_BIAS, UNTRAINED_LEAST
from analytics.plates.reader import PlateReader
from domain.plates import PROVINCES
from domain.settings import Settings
from training.arguments import parser_of, trained_glyphs, unseen_glyphs
from training.capture import Hardness
from training.glyphs import Glyphs
from training.samples import Drawer
from training.texts import KINDS

SEED = 60
LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7)
PENALTY = 0.1
"""On the square of a bias: drawn plates are not real ones, and what is only just seen in them
is not taken for known.
"""
_STEPS, _STEP = 600, 4.0

Bias = NDArray[np.float64]
"""(provinces,), added to log-probabilities."""


NONE = np.zeros(len(PROVINCES))
IN_USE = np.array([PROVINCE_BIAS[province] for province in PROVINCES])


@dataclass(frozen=True)
class Words:
    """(n, provinces) log-probability of each province by the reader's word, all else of the text
    being known; the (n,) true ones; and (n,) log-probabilities of the text, whichever its province.
    """

    logs: NDArray[np.float64]
    truths: NDArray[np.intp]
    bodies: NDArray[np.float64]

    def chances(self, bias: Bias) -> NDArray[np.float64]:
        said = self.logs + bias
        return np.asarray(np.exp(said - np.logaddexp.reduce(said, axis=1, keepdims=True)))

    def right(self, bias: Bias) -> float:
        return float(
            np.average(self.chances(bias).argmax(axis=1) == self.truths, weights=self.weights)
        )

    def log_loss(self, bias: Bias) -> float:
        chances = self.chances(bias)[np.arange(len(self.truths)), self.truths]
        return float(np.average(-np.log(np.maximum(chances, 1e-300)), weights=self.weights))

    @property
    def weights(self) -> NDArray[np.float64]:
        """(n,) of each province alike, however often it was drawn; 1 together."""
        often = np.bincount(self.truths, minlength=len(PROVINCES))[self.truths]
        return np.asarray((1 / often) / (1 / often).sum())


def together(words: list[Words]) -> Words:
    parts = zip(*((one.logs, one.truths, one.bodies) for one in words), strict=True)
    logs, truths, bodies = (np.concatenate(part) for part in parts)
    return Words(logs, truths, bodies)


def fit(words: Words) -> Bias:
    """The bias of least log-loss: convex, so that going downhill finds it."""
    truths, weights, bias = np.eye(len(PROVINCES))[words.truths], words.weights[:, None], NONE
    for _ in range(_STEPS):
        wrong = ((words.chances(bias) - truths) * weights).sum(axis=0)
        bias = bias - _STEP * (wrong + PENALTY / len(PROVINCES) * bias)
    return bias


def words(reader: PlateReader, glyphs: Glyphs, stream: int, count: int, level: float) -> Words:
    """Of `count` drawn plates of the kinds that it knows: of one row, without a tail."""
    drawer, search = (
        Drawer(glyphs, SEED, stream, Hardness(level=level)),
        GrammarSearch(reader.alphabet),
    )
    known = [kind for kind in KINDS if kind.name in {"blue", "yellow", "green small"}]
    logs, truths = [], []
    for crop, text, *_ in (
        drawer.sample(index, known[index % len(known)]) for index in range(count)
    ):
        logs.append(
            search.log_probabilities(
                reader.read(crop).public, [province + text[1:] for province in PROVINCES]
            )
        )
        truths.append(PROVINCES.index(text[0]))
    said = np.array(logs)
    some = np.logaddexp.reduce(said, axis=1)
    return Words(said - some[:, None], np.array(truths), some)


def report(measured: Words, fitted: Bias) -> dict[str, object]:
    biases = {"as it is": NONE, "in use": IN_USE, "fitted": fitted}
    rates = {
        name: {"right": round(measured.right(one), 3), "log-loss": round(measured.log_loss(one), 2)}
        for name, one in biases.items()
    }
    return {
        "count": len(measured.truths),
        **rates,
        "of a plate": round(float(measured.bodies.mean()), 1),
    }


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--count", type=int, default=500, help="drawn plates of each level")
    given = parser.parse_args()
    reader = Models.load(Settings()).reader
    drawn = [
        [
            words(reader, glyphs, 10 * which + at, given.count, level)
            for at, level in enumerate(LEVELS)
        ]
        for which, glyphs in enumerate((trained_glyphs(given), unseen_glyphs(given)))
    ]
    fitted = fit(together(drawn[0]))
    bias = {name: round(float(by), 1) for name, by in zip(PROVINCES, fitted, strict=True)}
    by_level = {
        f"unseen, level {level:g}": report(one, fitted)
        for level, one in zip(LEVELS, drawn[1], strict=True)
    }
    reports = {
        "fitted on": report(together(drawn[0]), fitted),
        "unseen": report(together(drawn[1]), fitted),
        **by_level,
    }
    sys.stdout.write(
        json.dumps(
            {"fitted": bias, "of a plate, in use": UNTRAINED_LEAST, **reports},
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
