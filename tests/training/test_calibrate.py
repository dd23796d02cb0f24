"""The arithmetic of calibration: bins, the expected calibration error, and a fit that finds
what the cases were drawn by.
"""

from __future__ import annotations

import numpy as np
import pytest

from analytics.plates.fusion import Calibration, ScoredHypotheses
from training.calibrate import Case, fit, reliability


def test_the_error_is_the_mean_gap_of_the_bins() -> None:
    report = reliability([(0.95, True)] * 9 + [(0.95, False)] + [(0.35, True)] * 10)
    assert report["count"] == 20
    assert report["right"] == pytest.approx(0.95)
    assert report["expected calibration error"] == pytest.approx(
        0.5 * abs(0.95 - 0.9) + 0.5 * abs(0.35 - 1.0)
    )
    assert report["bins"] == [[10, 0.35, 1.0], [10, 0.95, 0.9]]


def test_a_fit_finds_the_temperature_and_the_gain() -> None:
    rng = np.random.default_rng(1)
    true = Calibration(temperature=2.0, gain=0.5)

    def cases(readings: int) -> list[Case]:
        found = []
        for _ in range(1500):
            hypotheses = ScoredHypotheses(
                ("鄂F12345",), np.array([0.0, -rng.uniform(0, 9)]), -1.0, -1.0, readings
            )
            found.append(Case(hypotheses, bool(rng.random() < true.confidences(hypotheses)[0])))
        return found

    fitted = fit(cases(1), cases(5))
    assert fitted.temperature == pytest.approx(2.0, rel=0.25)
    assert fitted.gain == pytest.approx(0.5, abs=0.15)


def test_the_effect_of_chance_on_few_and_on_many_is_reported() -> None:
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.3, 1.0, 3000)
    pairs = list(zip(sure.tolist(), (rng.random(3000) < sure).tolist(), strict=True))
    few, many = (reliability(pairs[:count])["by chance alone"] for count in (100, 3000))
    assert 0.05 < float(str(few)) < 0.15
    assert float(str(many)) < 0.03
    assert float(str(reliability(pairs)["expected calibration error"])) < 0.03
