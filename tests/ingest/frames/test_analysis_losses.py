"""The times that were not analysed are joined, bounded and never lost."""

from __future__ import annotations

from domain.clock import NS_PER_S
from domain.recordings.partly_analysed import PartlyAnalysed, PartlyCause
from ingest.frames.analysis_losses import MOST_RANGES, AnalysisLosses


def test_times_that_adjoin_with_one_cause_are_one() -> None:
    losses = AnalysisLosses()
    losses.add(0, NS_PER_S, PartlyCause.OVERLOAD)
    losses.add(NS_PER_S, 2 * NS_PER_S, PartlyCause.OVERLOAD)
    losses.add(2 * NS_PER_S, 3 * NS_PER_S, PartlyCause.DECODER)
    losses.add(9 * NS_PER_S, 9 * NS_PER_S, PartlyCause.DECODER)
    losses.add(9 * NS_PER_S, 10 * NS_PER_S, PartlyCause.DECODER)
    assert losses.take() == [
        PartlyAnalysed(0, 2 * NS_PER_S, PartlyCause.OVERLOAD),
        PartlyAnalysed(2 * NS_PER_S, 3 * NS_PER_S, PartlyCause.DECODER),
        PartlyAnalysed(9 * NS_PER_S, 10 * NS_PER_S, PartlyCause.DECODER),
    ]
    assert losses.take() == []


def test_too_many_ranges_grow_the_last_one() -> None:
    losses = AnalysisLosses()
    for at in range(MOST_RANGES + 5):
        losses.add(at * 2 * NS_PER_S, at * 2 * NS_PER_S + 1, PartlyCause.OVERLOAD)
    taken = losses.take()
    assert len(taken) == MOST_RANGES
    assert taken[-1].end_ns == (MOST_RANGES + 4) * 2 * NS_PER_S + 1
