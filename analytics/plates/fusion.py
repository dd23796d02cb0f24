"""One plate out of several readings: the hypotheses of all frames, each scored on every frame,
under priors that are stated here.

A score is the weighted mean of log-probabilities over frames: frames of one passing share their
faults, so their number adds little certainty. A reading is never rewritten; priors only shift
scores, and what lost stays among the alternatives.
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
from analytics.plates.public_reader import as_plate, heard
from analytics.plates.reader import Lattices
from domain.events.event import Alternative, Plate
from domain.plates import FIRSTS, PlateColor, is_plate

Scores = NDArray[np.float64]

OWN_PART = 0.6
"""Our reader's word against the public one's. Each knows what the other does not; of drawn plates
0.7 reads most, but these are our own reader's ground, and so it is half of the way there from even.
"""
WORST_FRAME = -12.0
"""A frame's word against a hypothesis counts no more than this: one frame behind a pole must
not decide.
"""

WORST_EVIDENCE = -15.0
"""Nor does a frame look less like a text than this, which is as little as it looks like something
nobody thought of: far, small pictures of a vehicle that comes nearer are many.
"""


@dataclass(frozen=True, slots=True)
class Weighed:
    """Texts that readings may say, the likeliest first, their scores relative to the best's,
    and the best's log-evidence.
    """

    texts: tuple[str, ...]
    scores: Scores
    log_evidence: float
    own_log_evidence: float
    """Our own reader's alone, of the best text."""
    readings: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a score becomes a confidence: the best text's part of `exp(score / temperature)` over all
    that was thought of, beside something nobody thought of, which looks as the frames would with
    `WORST_EVIDENCE`. A score is the mean over readings: n of them weigh as n ** `gain`, 0 where
    they share all their faults and 1 where they share none.
    """

    temperature: float
    gain: float

    def confidences(self, weighed: Weighed) -> Scores:
        """(n,) of all texts, the best first."""
        sharpness = weighed.readings**self.gain / self.temperature
        rest = math.exp(min(50.0, (WORST_EVIDENCE - weighed.log_evidence) * sharpness))
        parts = np.exp(weighed.scores * sharpness)
        return np.asarray(parts / (parts.sum() + rest))


CALIBRATION = Calibration(temperature=0.74, gain=0.2)
"""Fitted by `training/calibrate.py` on drawn plates of characters that training never saw, and
on no real picture.
"""
CONFIDENCE_LEAST, LOG_EVIDENCE_LEAST, OWN_LOG_EVIDENCE_LEAST = 0.3, -8.0, -2.0
"""Plates read right had evidence over -7; other writing mostly has less. Of kinds that the public
reader was never shown (two rows, tails, WJ) it says that they are none, and our own reader's word
is enough: a text that it gives one chance in seven, all characters together.
"""
BODIES, ALTERNATIVES = 6, 4
_IMPOSSIBLE = -1e9


@dataclass(frozen=True, slots=True)
class FrameReading:
    """One frame's lattices, the texts found in them, each reader's best first, and how good the
    picture was (more is better).
    """

    lattices: Lattices
    texts: tuple[str, ...]
    quality: float
    scored: dict[str, Scores] = field(default_factory=dict)
    """Bodies scored on this frame already, (2, firsts) each: scores and evidence. So a new
    frame costs its own scoring only.
    """
    own: dict[str, float] = field(default_factory=dict)
    """Texts that our own reader's word was asked of already."""


@dataclass(frozen=True, slots=True)
class Fused:
    """`confidence` is the part of the best text among all hypotheses; the log-evidence, of both
    readers and of ours alone, says how far the frames look like that text at all.
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
        """As events say it: where it is not read, its text is empty and the best guess stands
        first among the alternatives.
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
    def __init__(self, search: GrammarSearch, calibration: Calibration = CALIBRATION) -> None:
        """`search` has the public reader's alphabet; our own reader has another, and so a
        search of its own.
        """
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
        """The plate that the readings say together; `NOTHING` where none of them found a text
        that the grammar allows.
        """
        weighed = self.weigh(readings, color)
        if weighed is None:
            return NOTHING
        parts = self._calibration.confidences(weighed)
        ranked = [
            Alternative(text=text, confidence=float(part))
            for text, part in zip(weighed.texts, parts, strict=False)
        ]
        return Fused(
            ranked[0].text,
            ranked[0].confidence,
            weighed.log_evidence,
            tuple(ranked[1:]),
            weighed.own_log_evidence,
        )

    def weigh(self, readings: Sequence[FrameReading], color: PlateColor) -> Weighed | None:
        """What the readings say together, before it becomes confidences; None where none of
        them found a text.
        """
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
            [self._own_word(reading, texts[0]) for reading in readings], WORST_EVIDENCE
        )
        return Weighed(texts, ranked, best, float(weights @ own), len(readings))

    def _own_word(self, reading: FrameReading, text: str) -> float:
        if text not in reading.own:
            reading.own[text] = float(
                self._own_search.log_probabilities(reading.lattices.own, [text])[0]
            )
        return reading.own[text]

    def _scores(self, reading: FrameReading, bodies: list[str]) -> Scores:
        """(2, bodies, firsts) of first + body: log-probabilities, and how far the frame looks
        like it.
        """
        new = [body for body in bodies if body not in reading.scored]
        if new:
            reading.scored.update(zip(new, self._score(reading.lattices, new), strict=True))
        return np.stack([reading.scored[body] for body in bodies], axis=1)

    def _score(self, lattices: Lattices, bodies: list[str]) -> Scores:
        """(bodies, 2, firsts): both readers' words, each in its part, for which text it is; and
        for whether it is one.
        """
        allowed = _allowed(bodies)
        texts = [FIRSTS[first] + bodies[body] for body, first in np.argwhere(allowed)]
        own, public = np.full((2, *allowed.shape), _IMPOSSIBLE)
        own[allowed] = self._own_search.log_probabilities(lattices.own, texts)
        public[allowed] = self._search.log_probabilities(lattices.public, texts)
        both = [
            OWN_PART * own + (1 - OWN_PART) * word
            for word in (heard(public, bodies), as_plate(public))
        ]
        return np.where(allowed[:, None], np.stack(both, axis=1), _IMPOSSIBLE)


def _bodies(readings: Sequence[FrameReading]) -> list[str]:
    """All but the first character of what the readings found, the most often and highest ranked
    first.
    """
    merit: dict[str, float] = {}
    for reading in readings:
        for rank, text in enumerate(reading.texts):
            merit[text[1:]] = merit.get(text[1:], 0.0) + reading.quality / (1 + rank)
    return sorted(merit, key=lambda body: -merit[body])[:BODIES]


def _allowed(bodies: list[str]) -> NDArray[np.bool_]:
    return np.array([_allowed_before(body) for body in bodies])


@lru_cache(maxsize=4096)
def _allowed_before(body: str) -> tuple[bool, ...]:
    """Of each first character. The same few bodies are asked about at every reading of a
    passing.
    """
    return tuple(is_plate(first + body) for first in FIRSTS)


def _ranked(
    bodies: list[str], scores: Scores, evidence: Scores
) -> tuple[tuple[str, ...], Scores, float]:
    """The best few texts, all scores relative to the best's, and its log-evidence."""
    flat = scores.ravel()
    order = np.argsort(-flat, kind="stable")
    allowed = [at for at in order[: ALTERNATIVES + 1] if flat[at] > _IMPOSSIBLE / 2]
    texts = tuple(FIRSTS[at % len(FIRSTS)] + bodies[at // len(FIRSTS)] for at in allowed)
    return texts, flat[order] - flat[order[0]], float(evidence.ravel()[order[0]])
