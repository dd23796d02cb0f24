"""What drawn plates are measured by: the reader alone, and fused as Sightline reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.models import OWN_READER
from domain.plates import PROVINCES
from training.capture import Hardness
from training.evaluate import Readers
from training.glyphs import Glyphs
from training.hard_set import Meter, report
from training.samples import kind_named
from training.texts import KINDS


@pytest.fixture(scope="module")
def meter(glyphs: Glyphs, models_folder: Path) -> Meter:
    return Meter(Readers(OWN_READER, models_folder), glyphs)


def test_clean_plates_are_read_alone_and_fused(meter: Meter) -> None:
    results = meter.read(Hardness(level=0, least_height_px=47), 0, range(10), kind_named("blue"))
    assert sum(alone for _, (alone, _) in results) >= 8
    assert sum(fused for _, (_, fused) in results) >= 8


def test_every_group_has_both_rates(meter: Meter) -> None:
    rates = report(meter, 1, 0.7, unseen=meter)
    assert set(rates["kind"]) == {kind.name for kind in KINDS}
    assert set(rates["province"]) == set(PROVINCES)
    assert set(rates["province of unseen fonts"]) == {*PROVINCES, "all"}
    assert all(
        set(rate) == {"own", "fused"}
        for group in ("kind", "height", "blur", "all")
        for rate in rates[group].values()
    )
