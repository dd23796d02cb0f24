"""The analysis coverage of a range covers it, and its summary never claims more than is true."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.recordings.gaps import GapCause
from domain.recordings.partly_analysed import (
    Analysed,
    AnalysisCoverage,
    PartlyAnalysed,
    PartlyCause,
    cause_of_gap,
    cover,
    summary,
)

END = 100

ranges = st.lists(
    st.builds(
        lambda start, length, cause: PartlyAnalysed(start, start + length, cause),
        st.integers(-20, END + 20),
        st.integers(0, 30),
        st.sampled_from(PartlyCause),
    ),
    max_size=40,
)


def analysed_moments(coverage: AnalysisCoverage) -> set[int]:
    return {at for one in coverage.analysed for at in range(one.start_ns, one.end_ns)}


def partly_moments(coverage: AnalysisCoverage) -> set[int]:
    return {at for one in coverage.partly for at in range(one.start_ns, one.end_ns)}


@given(partly=ranges)
def test_every_moment_is_analysed_or_partly_analysed_and_none_is_both(
    partly: list[PartlyAnalysed],
) -> None:
    coverage = cover(0, END, partly)
    lost = {at for one in partly for at in range(one.start_ns, one.end_ns) if 0 <= at < END}
    assert partly_moments(coverage) == lost
    assert analysed_moments(coverage) == set(range(END)) - lost


@given(partly=ranges, most=st.integers(2, 60))
def test_a_summary_is_bounded_covers_the_range_and_claims_no_more(
    partly: list[PartlyAnalysed], most: int
) -> None:
    coverage = cover(0, END, partly)
    short = summary(coverage, most)
    assert len(short.analysed) + len(short.partly) <= most
    assert analysed_moments(short) <= analysed_moments(coverage)
    assert analysed_moments(short) | partly_moments(short) == set(range(END))
    assert not analysed_moments(short) & partly_moments(short)


def test_a_short_coverage_is_its_own_summary() -> None:
    coverage = cover(0, END, [PartlyAnalysed(10, 20, PartlyCause.OVERLOAD)])
    assert summary(coverage, 3) is coverage


def test_a_summary_names_the_cause_that_took_the_longest() -> None:
    partly = [
        PartlyAnalysed(10, 12, PartlyCause.DECODER),
        PartlyAnalysed(13, 20, PartlyCause.OVERLOAD),
        PartlyAnalysed(21, 23, PartlyCause.DECODER),
    ]
    short = summary(cover(0, END, partly), 4)
    assert [tuple(one) for one in short.analysed] == [(23, 100)]
    assert [tuple(one) for one in short.partly] == [(0, 23, PartlyCause.OVERLOAD)]


def test_a_full_disk_does_not_limit_the_analysis_and_a_lost_camera_does() -> None:
    assert cause_of_gap(GapCause.DISK) is None
    assert cause_of_gap(GapCause.NOT_ASKED) is None
    assert cause_of_gap(GapCause.NETWORK) is PartlyCause.CAMERA_DOWN


@given(partly=ranges, again=ranges)
def test_what_was_analysed_again_counts_as_analysed(
    partly: list[PartlyAnalysed], again: list[PartlyAnalysed]
) -> None:
    coverage = cover(0, END, partly, [Analysed(one.start_ns, one.end_ns) for one in again])
    at_again = {at for one in again for at in range(one.start_ns, one.end_ns) if 0 <= at < END}
    assert analysed_moments(coverage) == analysed_moments(cover(0, END, partly)) | at_again
