from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.plates.grammar_search import Alphabet, GrammarSearch, Lattice
from domain.plates import ALPHABET, is_plate

FULL = Alphabet(ALPHABET)
SEARCH = GrammarSearch(FULL)


def lattice_of(text: str, alphabet: Alphabet = FULL, sure: float = 0.9) -> Lattice:
    """A lattice that says `text`, a blank between its characters, with what is left spread over
    all other symbols.
    """
    symbols = [symbol for character in text for symbol in (alphabet.encode(character)[0], 0)]
    lattice = np.full(
        (len(symbols), len(alphabet.characters) + 1), (1 - sure) / len(alphabet.characters)
    )
    lattice[np.arange(len(symbols)), symbols] = sure
    return lattice


def brute_force(lattice: Lattice, text: str, alphabet: Alphabet) -> float:
    """The probability of `text` as the sum over every alignment, one by one."""
    expected, total = alphabet.encode(text), 0.0
    for path in itertools.product(range(lattice.shape[1]), repeat=len(lattice)):
        said = [symbol for symbol, _ in itertools.groupby(path) if symbol != 0]
        if said == expected:
            total += math.prod(lattice[step, symbol] for step, symbol in enumerate(path))
    return total


@st.composite
def lattices(draw: st.DrawFn, steps: int, symbols: int) -> Lattice:
    """Random ones, from nearly sure to nearly even; no symbol is less likely than the search's
    own floor.
    """
    seed = draw(st.integers(0, 2**32 - 1))
    sharpness = draw(st.sampled_from([0.1, 0.5, 2.0]))
    lattice: Lattice = np.random.default_rng(seed).dirichlet(
        np.full(symbols, sharpness), size=steps
    )
    return lattice * 0.999 + 0.001 / symbols


@given(lattices(steps=5, symbols=4), st.sampled_from(["鄂", "鄂A", "鄂AA", "A1A", "11", "鄂A1"]))
@settings(deadline=None, max_examples=40)
def test_a_texts_probability_is_the_sum_of_its_alignments(lattice: Lattice, text: str) -> None:
    small = Alphabet("鄂A1")
    got = GrammarSearch(small).log_probabilities(lattice, [text])[0]
    assert math.exp(got) == pytest.approx(brute_force(lattice, text, small), rel=1e-6, abs=1e-9)


def test_texts_of_different_lengths_are_scored_together() -> None:
    lattice = lattice_of("鄂AD12345")
    texts = ["鄂AD12345", "鄂A12345", "鄂A1"]
    together = SEARCH.log_probabilities(lattice, texts)
    assert together.tolist() == pytest.approx(
        [SEARCH.log_probabilities(lattice, [text])[0] for text in texts]
    )
    assert SEARCH.log_probabilities(lattice, []).shape == (0,)


@given(lattices(steps=13, symbols=4))
@settings(deadline=None, max_examples=30)
def test_the_search_finds_what_trying_every_plate_finds(lattice: Lattice) -> None:
    small = Alphabet("鄂A1")
    search = GrammarSearch(small, beam=400)
    plates = [
        text
        for text in ("鄂" + "".join(rest) for rest in itertools.product("A1", repeat=6))
        if is_plate(text)
    ]
    truth = search.log_probabilities(lattice, plates)
    best = search.hypotheses(lattice, most=3)
    assert best[0].log_probability == pytest.approx(truth.max(), abs=1e-6)
    assert [one.log_probability for one in best] == sorted(
        (one.log_probability for one in best), reverse=True
    )


@given(lattices(steps=18, symbols=len(ALPHABET) + 1))
@settings(deadline=None, max_examples=30)
def test_every_hypothesis_obeys_the_grammar(lattice: Lattice) -> None:
    for hypothesis in SEARCH.hypotheses(lattice):
        assert is_plate(hypothesis.text)


@pytest.mark.parametrize(
    "text",
    [
        "鄂F8888警",
        "皖AUJ299",
        "黑AD03210",
        "沪A12345D",
        "使123456",
        "粤ZF023港",
        "鲁L88888",
        "京O12345",
    ],
)
def test_a_clear_lattice_is_read(text: str) -> None:
    best = SEARCH.hypotheses(lattice_of(text))[0]
    assert best.text == text


def test_the_grammar_decides_where_the_reader_is_torn() -> None:
    """After the province stands a letter: D wins over a 0 that is a little likelier."""
    lattice = lattice_of("鄂012345A")
    zero, letter = FULL.encode("0")[0], FULL.encode("D")[0]
    lattice[2, [zero, letter]] = 0.5, 0.4
    assert SEARCH.hypotheses(lattice)[0].text == "鄂D12345A"


def test_noise_gives_no_plate() -> None:
    blanks = np.full((20, len(ALPHABET) + 1), 1e-9)
    blanks[:, 0] = 1
    assert SEARCH.hypotheses(blanks) == []


def test_an_alphabet_holds_each_character_once() -> None:
    with pytest.raises(ValueError, match="once"):
        Alphabet("ABA")
