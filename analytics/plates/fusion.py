"""Fuses several readings into one plate: the hypotheses of all frames are scored on every frame,
with the priors that are stated here.

A score is the weighted mean of log-probabilities over frames. Frames of one passing share their
faults, so their number adds little certainty. A reading is never rewritten. Priors only shift
scores, and the other hypotheses stay among the alternatives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from analytics.plates.grammar_search import Alphabet, GrammarSearch
from analytics.plates.own_reader import ALPHABET
from analytics.plates.priors import prior
from analytics.plates.public_reader import any_province, corrected
from analytics.plates.reader import Lattices
from domain.events.event import Alternative, Plate
from domain.plates import FIRSTS, PlateColor, is_plate

Scores = NDArray[np.float64]

OWN_PART = 0.6
"""The weight of our own reader; the public one has the rest. Of drawn plates, 0.7 reads most, but
our own reader was trained on drawn plates. The weight is therefore half-way between that and even.
"""
WORST_FRAME = -12.0
"""The lowest score that a frame gives a hypothesis, so that one frame behind a pole does not
decide.
"""

WORST_EVIDENCE = -15.0
"""The lowest log-evidence that a frame gives a text, and that of all texts outside the hypotheses.
A vehicle that comes nearer has many small pictures from far away.
"""


@dataclass(frozen=True, slots=True)
class ScoredHypotheses:
    """The hypotheses of some readings, the likeliest first, with scores relative to the best one.

    `log_evidence` is that of the best one.
    """

    texts: tuple[str, ...]
    scores: Scores
    log_evidence: float
    own_log_evidence: float
    """The log-evidence of the best text by our own reader alone."""
    readings: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns scores into confidences.

    A confidence is a text's part of the sum of `exp(score / temperature)` over all hypotheses and
    one unknown text with `WORST_EVIDENCE`. A score is the mean over readings. n readings weigh as
    n ** `gain`, which is 0 if they share all their faults and 1 if they share none.
    """

    temperature: float
    gain: float

    def confidences(self, hypotheses: ScoredHypotheses) -> Scores:
        """Return the (n,) confidences of all texts, the best first."""
        sharpness = hypotheses.readings**self.gain / self.temperature
        rest = math.exp(min(50.0, (WORST_EVIDENCE - hypotheses.log_evidence) * sharpness))
        parts = np.exp(hypotheses.scores * sharpness)
        return np.asarray(parts / (parts.sum() + rest))


CALIBRATION = Calibration(temperature=0.74, gain=0.2)
"""It is fitted by `training/calibrate.py` on drawn plates with characters that are not in the
training material, and on no real picture.
"""
CONFIDENCE_LEAST, LOG_EVIDENCE_LEAST, OWN_LOG_EVIDENCE_LEAST = 0.3, -8.0, -2.0
"""Plates that are read right have an evidence over -7; other writing mostly has less. The public
reader rejects kinds that it was not trained on (two rows, tails, WJ). Our own reader is then
sufficient if it gives the whole text a probability of one in seven.
"""
BODIES, ALTERNATIVES = 6, 4
_IMPOSSIBLE = -1e9


@dataclass(frozen=True, slots=True)
class FrameReading:
    """The lattices of one frame, the texts found in them, and the quality of the picture.

    The best texts of both readers come first. A larger quality is better.
    """

    lattices: Lattices
    texts: tuple[str, ...]
    quality: float
    scored: dict[str, Scores] = field(default_factory=dict)
    """The scores and evidence, (2, firsts), of each body that was scored on this frame. A new frame
    therefore costs its own scoring only.
    """
    own: dict[str, float] = field(default_factory=dict)
    """The log-probabilities by our own reader that were computed before."""


@dataclass(frozen=True, slots=True)
class Fused:
    """The result of a fusion.

    `confidence` is the part of the best text among all hypotheses. The log-evidence, of both
    readers and of our own alone, says how well the frames fit that text at all.
    """

    text: str
    confidence: float
    log_evidence: float
    alternatives: tuple[Alternative, ...]
    own_log_evidence: float

    @property
    def is_read(self) -> bool:
        return bool(self.text) and self.confidence >= CONFIDENCE_LEAST and self.is_like_a_plate

    @property
    def is_like_a_plate(self) -> bool:
        return (
            self.log_evidence >= LOG_EVIDENCE_LEAST
            or self.own_log_evidence >= OWN_LOG_EVIDENCE_LEAST
        )

    def plate(self, color: PlateColor) -> Plate:
        """Return the plate of an event.

        If it is not read, its text is empty, and the best guess is the first alternative.
        """
        confidence = min(1.0, self.confidence)
        if self.is_read:
            return Plate(
                text=self.text, color=color, confidence=confidence, alternatives=self.alternatives
            )
        guess = (Alternative(text=self.text, confidence=confidence),) if self.text else ()
        return Plate(text="", color=color, confidence=0.0, alternatives=guess + self.alternatives)


NOTHING = Fused("", 0.0, _IMPOSSIBLE, (), _IMPOSSIBLE)


class Fusion:
    """Fuses the readings of one passing."""

    def __init__(self, search: GrammarSearch, calibration: Calibration = CALIBRATION) -> None:
        """Take a search with the public reader's alphabet; our own reader has its own search."""
        self._calibration = calibration
        self._search, self._own_search = search, GrammarSearch(Alphabet(ALPHABET))

    def reading(self, lattices: Lattices, quality: float) -> FrameReading:
        public, own = (
            self._search.hypotheses(lattices.public),
            self._own_search.hypotheses(lattices.own),
        )
        in_turn = [
            hypothesis.text
            for pair in zip_longest(own, public)
            for hypothesis in pair
            if hypothesis is not None
        ]
        return FrameReading(lattices, tuple(dict.fromkeys(in_turn)), quality)

    def fuse(self, readings: Sequence[FrameReading], color: PlateColor) -> Fused:
        """Return the plate of all readings, or `NOTHING` if none has a text in the grammar."""
        hypotheses = self.score_hypotheses(readings, color)
        if hypotheses is None:
            return NOTHING
        parts = self._calibration.confidences(hypotheses)
        ranked = [
            Alternative(text=text, confidence=float(part))
            for text, part in zip(hypotheses.texts, parts, strict=False)
        ]
        return Fused(
            ranked[0].text,
            ranked[0].confidence,
            hypotheses.log_evidence,
            tuple(ranked[1:]),
            hypotheses.own_log_evidence,
        )

    def score_hypotheses(
        self, readings: Sequence[FrameReading], color: PlateColor
    ) -> ScoredHypotheses | None:
        """Return the scored hypotheses of all readings, or None if no reading has a text."""
        bodies = _bodies(readings)
        if not bodies:
            return None
        quality = np.array([reading.quality for reading in readings])
        weights = quality / quality.sum()
        frames, looks = np.stack([self._scores(reading, bodies) for reading in readings], axis=1)
        evidence = np.tensordot(weights, np.maximum(looks, WORST_EVIDENCE), axes=1)
        relative = np.maximum(frames - frames.max(axis=(1, 2), keepdims=True), WORST_FRAME)
        scores = np.tensordot(weights, relative, axes=1) + prior(bodies, color)
        texts, ranked, best = _ranked(
            bodies, np.where(_allowed(bodies), scores, _IMPOSSIBLE), evidence
        )
        own = np.maximum(
            [self._own_log_probability(reading, texts[0]) for reading in readings], WORST_EVIDENCE
        )
        return ScoredHypotheses(texts, ranked, best, float(weights @ own), len(readings))

    def _own_log_probability(self, reading: FrameReading, text: str) -> float:
        if text not in reading.own:
            reading.own[text] = float(
                self._own_search.log_probabilities(reading.lattices.own, [text])[0]
            )
        return reading.own[text]

    def _scores(self, reading: FrameReading, bodies: list[str]) -> Scores:
        """Return (2, bodies, firsts): the log-probabilities of first + body, and the evidence."""
        new = [body for body in bodies if body not in reading.scored]
        if new:
            reading.scored.update(zip(new, self._score_bodies(reading.lattices, new), strict=True))
        return np.stack([reading.scored[body] for body in bodies], axis=1)

    def _score_bodies(self, lattices: Lattices, bodies: list[str]) -> Scores:
        """Return (bodies, 2, firsts): the weighted log-probabilities of both readers.

        The first says which text it is, and the second whether it is a plate.
        """
        allowed = _allowed(bodies)
        texts = [FIRSTS[first] + bodies[body] for body, first in np.argwhere(allowed)]
        own, public = np.full((2, *allowed.shape), _IMPOSSIBLE)
        own[allowed] = self._own_search.log_probabilities(lattices.own, texts)
        public[allowed] = self._search.log_probabilities(lattices.public, texts)
        both = [
            OWN_PART * own + (1 - OWN_PART) * scores
            for scores in (corrected(public, bodies), any_province(public))
        ]
        return np.where(allowed[:, None], np.stack(both, axis=1), _IMPOSSIBLE)


def _bodies(readings: Sequence[FrameReading]) -> list[str]:
    """Return the texts without their first character, the most frequent and best ones first."""
    merit: dict[str, float] = {}
    for reading in readings:
        for rank, text in enumerate(reading.texts):
            merit[text[1:]] = merit.get(text[1:], 0.0) + reading.quality / (1 + rank)
    return sorted(merit, key=lambda body: -merit[body])[:BODIES]


def _allowed(bodies: list[str]) -> NDArray[np.bool_]:
    return np.array([_allowed_before(body) for body in bodies])


@lru_cache(maxsize=4096)
def _allowed_before(body: str) -> tuple[bool, ...]:
    """Return for each first character whether the grammar allows it before `body`.

    The same few bodies are requested at every reading of a passing.
    """
    return tuple(is_plate(first + body) for first in FIRSTS)


def _ranked(
    bodies: list[str], scores: Scores, evidence: Scores
) -> tuple[tuple[str, ...], Scores, float]:
    """Return the best texts, all scores relative to the best one, and its log-evidence."""
    flat = scores.ravel()
    order = np.argsort(-flat, kind="stable")
    allowed = [at for at in order[: ALTERNATIVES + 1] if flat[at] > _IMPOSSIBLE / 2]
    texts = tuple(FIRSTS[at % len(FIRSTS)] + bodies[at // len(FIRSTS)] for at in allowed)
    return texts, flat[order] - flat[order[0]], float(evidence.ravel()[order[0]])
