"""Finds the plates in a CTC lattice by a beam search within the grammar of `domain/plates.py`, and
computes the exact probability of any text.

A lattice is (steps, symbols) probabilities, symbol 0 the blank. CTC: Graves et al. 2006,
https://www.cs.toronto.edu/~graves/icml_2006.pdf.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.plates import PATTERNS

Lattice = NDArray[np.float64]
BLANK = 0
BEAM = 16
SYMBOLS_A_STEP = 8
LEAST_PROBABILITY = 1e-5
"""A symbol with a lower probability is not tried at that step."""
LEAST_LOG_PROBABILITY = -60.0
"""A text with a lower log-probability is not a hypothesis."""
_LONGEST = max(len(pattern) for pattern in PATTERNS)
_TINY = 1e-12
_SCALE_EVERY = 8
"""In steps. The least probability to this power is far above the least floating-point number."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    text: str
    log_probability: float


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The characters of a lattice's symbols 1, 2, …; raises ValueError if one is repeated."""

    characters: str
    _symbols: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._symbols.update((character, at + 1) for at, character in enumerate(self.characters))
        if len(self._symbols) != len(self.characters):
            raise ValueError("an alphabet holds each character once")

    def encode(self, text: str) -> list[int]:
        """Return the symbols of `text`; raises KeyError for a character outside the alphabet."""
        return [self._symbols[character] for character in text]


class GrammarSearch:
    """Searches lattices of one alphabet."""

    def __init__(self, alphabet: Alphabet, beam: int = BEAM) -> None:
        self._alphabet = alphabet
        self._beam = beam
        self._alive = _alive_masks(alphabet.characters)
        self._complete = [
            sum(1 << index for index, pattern in enumerate(PATTERNS) if len(pattern) == n)
            for n in range(_LONGEST + 1)
        ]

    def hypotheses(self, lattice: Lattice, most: int = 8) -> list[Hypothesis]:
        """Return at most `most` plates that the grammar allows, the likeliest first.

        Each has its exact log-probability.
        """
        texts = self._search(lattice)
        scored = self.log_probabilities(lattice, texts)
        ranked = sorted(zip(texts, scored.tolist(), strict=True), key=lambda pair: -pair[1])
        return [
            Hypothesis(text, score)
            for text, score in ranked[:most]
            if score > LEAST_LOG_PROBABILITY
        ]

    def log_probabilities(self, lattice: Lattice, texts: list[str]) -> NDArray[np.float64]:
        """Return the (n,) log-probabilities of the texts, over all alignments.

        This is the forward pass of CTC, which is scaled every few steps.
        """
        if not texts:
            return np.empty(0)
        symbols, lengths = self._interleave(texts)
        emitted = np.maximum(lattice, _TINY)[:, symbols]
        skips = np.zeros(symbols.shape)
        skips[:, 2:] = (symbols[:, 2:] != BLANK) & (symbols[:, 2:] != symbols[:, :-2])
        forward = np.zeros(symbols.shape)
        forward[:, :2] = emitted[0, :, :2]
        logs = np.zeros(len(texts))
        for at, step in enumerate(emitted[1:]):
            if at % _SCALE_EVERY == 0:
                scale = np.maximum(forward.max(axis=1), 1e-300)
                logs += np.log(scale)
                forward /= scale[:, None]
            forward = _advance(forward, skips)
            forward *= step
        rows = np.arange(len(texts))
        ends = forward[rows, 2 * lengths] + forward[rows, 2 * lengths - 1]
        return np.asarray(logs + np.log(np.maximum(ends, 1e-300)))

    def _interleave(self, texts: list[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return (n, 2 longest + 1) symbols with a blank around each, and the (n,) lengths."""
        lengths = np.array([len(text) for text in texts], np.intp)
        symbols = np.full((len(texts), 2 * int(lengths.max()) + 1), BLANK, np.intp)
        for row, text in enumerate(texts):
            symbols[row, 1 : 2 * len(text) : 2] = self._alphabet.encode(text)
        return symbols, lengths

    def _search(self, lattice: Lattice) -> list[str]:
        """Search by prefix beams.

        A beam is a prefix with the patterns that it can still become, and its probability mass
        with and without a blank at the end.
        """
        beams: dict[str, list[float]] = {"": [1.0, 0.0]}
        alive = {"": (1 << len(PATTERNS)) - 1}
        for step in lattice:
            likely = [
                int(s)
                for s in np.argsort(-step)[:SYMBOLS_A_STEP]
                if step[s] > LEAST_PROBABILITY and s != BLANK
            ]
            chosen = [
                (symbol, self._alphabet.characters[symbol - 1], float(step[symbol]))
                for symbol in likely
            ]
            beams = self._step(beams, alive, max(float(step[BLANK]), _TINY), chosen)
        return [prefix for prefix in beams if alive[prefix] & self._complete[len(prefix)]]

    def _step(
        self,
        beams: dict[str, list[float]],
        alive: dict[str, int],
        blank: float,
        symbols: list[tuple[int, str, float]],
    ) -> dict[str, list[float]]:
        grown: dict[str, list[float]] = {}
        for prefix, (after_blank, after_symbol) in beams.items():
            mass = after_blank + after_symbol
            grown.setdefault(prefix, [0.0, 0.0])[0] += mass * blank
            for symbol, character, probability in symbols:
                repeats = prefix[-1:] == character
                if repeats:
                    grown[prefix][1] += after_symbol * probability
                longer = prefix + character
                if longer not in alive:
                    alive[longer] = self._mask(alive[prefix], len(prefix), symbol)
                if alive[longer]:
                    grown.setdefault(longer, [0.0, 0.0])[1] += (
                        after_blank if repeats else mass
                    ) * probability
        best = sorted(grown.items(), key=lambda item: -(item[1][0] + item[1][1]))[: self._beam]
        total = sum(a + b for _, (a, b) in best)
        return {prefix: [a / total, b / total] for prefix, (a, b) in best}

    def _mask(self, alive: int, position: int, symbol: int) -> int:
        return alive & self._alive[position][symbol] if position < _LONGEST else 0


def _advance(forward: NDArray[np.float64], skips: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = forward.copy()
    moved[:, 1:] += forward[:, :-1]
    moved[:, 2:] += forward[:, :-2] * skips[:, 2:]
    return moved


def _alive_masks(characters: str) -> list[list[int]]:
    """Return for each position and symbol the patterns (as bits) that allow it there."""

    def mask(position: int, character: str) -> int:
        allows = (
            position < len(pattern) and character in pattern.positions[position]
            for pattern in PATTERNS
        )
        return sum(1 << index for index, allowed in enumerate(allows) if allowed)

    return [
        [0, *(mask(position, character) for character in characters)]
        for position in range(_LONGEST)
    ]
