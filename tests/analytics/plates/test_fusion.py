from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytics.plates.fusion import (
    LOG_EVIDENCE_LEAST,
    NOTHING,
    Calibration,
    FrameReading,
    Fusion,
    ScoredHypotheses,
)
from analytics.plates.grammar_search import Alphabet, GrammarSearch, Lattice
from analytics.plates.priors import COLOR_LOG_PRIOR, ONE_LETTER_LOG_PRIOR, prior
from analytics.plates.reader import Lattices
from domain.plates import ALPHABET, FIRSTS, PlateColor, is_plate

FULL = Alphabet(ALPHABET)
FUSION = Fusion(GrammarSearch(FULL))


def lattice_of(
    text: str, doubts: dict[int, str] | None = None, sure: float = 0.9, doubt: float = 0.3
) -> Lattice:
    """A lattice that says `text`; at a position in `doubts` it gives `doubt` of its certainty
    to the character there.
    """
    lattice = np.full((2 * len(text), len(ALPHABET) + 1), (1 - sure) / len(ALPHABET))
    for position, character in enumerate(text):
        lattice[2 * position, FULL.encode(character)] = sure
        lattice[2 * position + 1, 0] = sure
        if doubts and position in doubts:
            lattice[2 * position, FULL.encode(character)] = sure * (1 - doubt)
            lattice[2 * position, FULL.encode(doubts[position])] = sure * doubt
    return lattice


def reading(public: Lattice, own: Lattice | None = None, quality: float = 100.0) -> FrameReading:
    return FUSION.reading(Lattices(public, public if own is None else own), quality)


def test_one_clear_reading_is_its_text() -> None:
    fused = FUSION.fuse([reading(lattice_of("鄂F12345"))], PlateColor.BLUE)
    assert fused.text == "鄂F12345"
    assert fused.confidence > 0.9


def test_nothing_read_is_nothing() -> None:
    blanks = np.full((20, len(ALPHABET) + 1), 1e-9)
    blanks[:, 0] = 1
    assert FUSION.fuse([], PlateColor.BLUE) is NOTHING
    assert FUSION.fuse([reading(blanks)], PlateColor.BLUE) is NOTHING


def test_frames_outvote_one_that_is_wrong() -> None:
    right, wrong = (
        reading(lattice_of("鄂F12345", {3: "7"})),
        reading(lattice_of("鄂F17345", {3: "2"})),
    )
    fused = FUSION.fuse([right, wrong, right], PlateColor.BLUE)
    assert fused.text == "鄂F12345"
    assert fused.alternatives[0].text == "鄂F17345"


def test_a_sure_public_reader_does_not_outvote_ours_on_the_province() -> None:
    """It was taught one province, and calls others by its name however sure it is."""
    public, own = lattice_of("皖F12345", sure=0.999), lattice_of("藏F12345", {0: "皖"}, doubt=0.01)
    assert FUSION.fuse([reading(public, own)], PlateColor.BLUE).text == "藏F12345"


def test_the_public_reader_still_helps_where_ours_doubts_the_province() -> None:
    public, own = lattice_of("藏F12345", sure=0.9), lattice_of("皖F12345", {0: "藏"}, doubt=0.3)
    assert FUSION.fuse([reading(public, own)], PlateColor.BLUE).text == "藏F12345"


def test_the_public_reader_decides_all_else() -> None:
    public, own = lattice_of("皖F12345", sure=0.999), lattice_of("藏F17345", {3: "2"}, doubt=0.01)
    assert FUSION.fuse([reading(public, own)], PlateColor.BLUE).text == "藏F12345"


def test_the_better_picture_counts_for_more() -> None:
    good, poor = (
        reading(lattice_of("鄂F12345", {3: "7"}), quality=200),
        reading(lattice_of("鄂F17345", {3: "2"}), quality=40),
    )
    assert FUSION.fuse([good, poor], PlateColor.BLUE).text == "鄂F12345"


def test_one_frame_behind_a_pole_does_not_decide() -> None:
    """A reading that rules the truth out altogether weighs no more than its bound."""
    right = reading(lattice_of("鄂F12345", sure=0.99))
    hidden = reading(lattice_of("京K99999", sure=0.9999))
    assert FUSION.fuse([right, right, hidden], PlateColor.BLUE).text == "鄂F12345"


@pytest.mark.parametrize(
    ("said", "doubts", "color", "want"),
    [
        ("鄂F8888警", {6: "1"}, PlateColor.WHITE, "鄂F8888警"),
        ("鄂F88881", {6: "警"}, PlateColor.WHITE, "鄂F8888警"),
        ("鄂F88881", {6: "警"}, PlateColor.BLUE, "鄂F88881"),
        ("鄂F8888警", {6: "1"}, PlateColor.BLUE, "鄂F88881"),  # a blue plate is not the police's
        ("鄂F8888警", {6: "1"}, PlateColor.UNKNOWN, "鄂F8888警"),
        ("鄂F8888学", {6: "1"}, PlateColor.YELLOW, "鄂F8888学"),
    ],
)
def test_the_colour_is_a_prior_on_the_tail(
    said: str, doubts: dict[int, str], color: PlateColor, want: str
) -> None:
    assert FUSION.fuse([reading(lattice_of(said, doubts, doubt=0.4))], color).text == want


def test_a_clear_reading_is_never_rewritten_by_a_prior() -> None:
    assert (
        FUSION.fuse([reading(lattice_of("鄂F8888警", sure=0.99))], PlateColor.BLUE).text
        == "鄂F8888警"
    )
    assert (
        FUSION.fuse(
            [reading(lattice_of("鄂F123456".replace("6", "", 1), sure=0.99))], PlateColor.GREEN
        ).text
        == "鄂F12345"
    )


def test_all_that_is_offered_is_a_plate_and_parts_add_up() -> None:
    fused = FUSION.fuse([reading(lattice_of("使123456", {3: "8"}))], PlateColor.BLACK)
    texts = [fused.text, *(one.text for one in fused.alternatives)]
    assert all(is_plate(text) for text in texts)
    assert fused.confidence + sum(one.confidence for one in fused.alternatives) <= 1 + 1e-9


def test_our_own_reader_mends_what_the_public_one_does_not_know() -> None:
    public, own = lattice_of("皖F12345", {0: "鄂"}, doubt=0.1), lattice_of("鄂F12345", sure=0.95)
    assert FUSION.fuse([reading(public)], PlateColor.BLUE).text == "皖F12345"
    assert FUSION.fuse([reading(public, own=own)], PlateColor.BLUE).text == "鄂F12345"


def test_what_only_our_own_reader_found_is_weighed_too() -> None:
    public, own = lattice_of("鄂F1234", {6: "5"}), lattice_of("鄂F12345", sure=0.99)
    texts = reading(public, own=own).texts
    assert "鄂F12345" in texts


def test_confidence_rises_with_evidence_with_readings_and_with_a_lower_temperature() -> None:
    scores = np.array([0.0, -1.5, -4.0])
    usual = Calibration(temperature=1.0, gain=0.3)

    def sure(
        calibration: Calibration = usual, log_evidence: float = -3.0, readings: int = 1
    ) -> float:
        parts = calibration.confidences(
            ScoredHypotheses(("鄂F12345",), scores, log_evidence, log_evidence, readings)
        )
        assert 0 < parts.sum() <= 1
        assert list(parts) == sorted(parts, reverse=True)
        return float(parts[0])

    assert sure(log_evidence=-15.0) < 0.5 < 0.8 < sure(log_evidence=-3.0)
    assert sure(readings=5) > sure(readings=1)
    assert sure(replace(usual, gain=0.0), readings=5) == sure(readings=1)
    assert sure(replace(usual, temperature=2.0)) < sure()
    assert sure(log_evidence=-500.0) < 1e-9


def test_an_unreadable_plate_is_reported_with_its_guess() -> None:
    doubtful = FUSION.fuse([reading(lattice_of("鄂F12345", sure=0.02))], PlateColor.BLUE)
    assert not doubtful.is_read
    plate = doubtful.plate(PlateColor.BLUE)
    assert (plate.text, plate.confidence, plate.color) == ("", 0.0, PlateColor.BLUE)
    assert plate.alternatives[0].text == doubtful.text


def test_our_own_readers_word_is_enough_for_a_kind_that_the_public_one_does_not_know() -> None:
    strange = np.full((16, len(ALPHABET) + 1), 1 / (len(ALPHABET) + 1))
    unknown = FUSION.fuse(
        [reading(strange, own=lattice_of("WJ京1234X", sure=0.99))], PlateColor.WHITE
    )
    assert (unknown.text, unknown.is_read) == ("WJ京1234X", True)
    assert unknown.log_evidence < LOG_EVIDENCE_LEAST, "both together would have called it no plate"
    weak = FUSION.fuse([reading(strange, own=lattice_of("WJ京1234X", sure=0.3))], PlateColor.WHITE)
    assert not weak.is_read


def test_only_white_plates_are_the_armed_polices() -> None:
    province, police = FIRSTS.index("鄂"), FIRSTS.index("W")
    white, blue = (
        prior(["J京1234X", "F12345"], color) for color in (PlateColor.WHITE, PlateColor.BLUE)
    )
    assert [white[0, police], white[1, province]] == [0.0, COLOR_LOG_PRIOR]
    assert [blue[0, police], blue[1, province]] == [COLOR_LOG_PRIOR, 0.0]
    assert white[1, FIRSTS.index("V")] == ONE_LETTER_LOG_PRIOR


@pytest.mark.parametrize("kind", ["VA12345", "WJ1234X", "WJ京1234X", "鄂F1234警"])
def test_a_white_plate_that_the_public_reader_does_not_know_is_ours_to_read(kind: str) -> None:
    """It calls it an ordinary plate, and is sure of that."""
    public, own = lattice_of("皖A12345", sure=0.99), lattice_of(kind, sure=0.95)
    assert FUSION.fuse([reading(public, own)], PlateColor.WHITE).text == kind


def test_an_ordinary_plate_is_not_the_armed_forces() -> None:
    public, own = (
        lattice_of("皖A12345", sure=0.9),
        lattice_of("VA12345", {0: "皖"}, sure=0.9, doubt=0.3),
    )
    assert FUSION.fuse([reading(public, own)], PlateColor.BLUE).text == "皖A12345"
    clear = lattice_of("皖A12345", {0: "V"}, doubt=0.1)
    assert FUSION.fuse([reading(public, clear)], PlateColor.WHITE).text == "皖A12345"


def test_no_kind_looks_more_like_a_plate_for_being_unknown_to_the_public_reader() -> None:
    """Its word against the kind does not count, but what both call no plate is none."""
    strange = np.full((16, len(ALPHABET) + 1), 1 / (len(ALPHABET) + 1))
    weak = FUSION.fuse([reading(strange, own=lattice_of("VA12345", sure=0.3))], PlateColor.WHITE)
    assert weak.text == "VA12345"
    assert not weak.is_like_a_plate


def test_small_far_pictures_do_not_make_a_plate_unreadable() -> None:
    near, far = (
        reading(lattice_of("鄂F12345", sure=0.95)),
        reading(lattice_of("京K99999", sure=0.9999)),
    )
    fused = FUSION.fuse([near, near, far, far], PlateColor.BLUE)
    assert (fused.text, fused.is_read) == ("鄂F12345", True)
