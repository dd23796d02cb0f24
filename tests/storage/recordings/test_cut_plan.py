from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S
from storage.recordings import cut_plan
from storage.recordings.cut_plan import JOIN_GAP_NS, gaps_of, plan
from storage.recordings.ledger import Segment

S = NS_PER_S


def _segment(start_s: float, end_s: float | None, fence: int = 1) -> Segment:
    name = f"{start_s}-{end_s}-{fence}"
    return Segment(
        Path(name), "cam", round(start_s * S), None if end_s is None else round(end_s * S), fence
    )


def _plan(segments: list[Segment], from_s: float, to_s: float) -> list[tuple[str, float, float]]:
    pieces = plan(segments, round(from_s * S), round(to_s * S))
    return [(piece.segment.path.name, piece.from_ns / S, piece.to_ns / S) for piece in pieces]


@pytest.mark.parametrize(
    ("segments", "pieces"),
    [
        ([_segment(0, 10), _segment(10, 20)], [("0-10-1", 5, 10), ("10-20-1", 10, 15)]),
        ([_segment(0, 20)], [("0-20-1", 5, 15)]),
        ([_segment(0, None)], [("0-None-1", 5, 15)]),
        ([_segment(0, 8), _segment(11, 20)], [("0-8-1", 5, 8), ("11-20-1", 11, 15)]),  # a hole
        (
            [_segment(0, 20, 1), _segment(8, 12, 2)],
            [("0-20-1", 5, 8), ("8-12-2", 8, 12), ("0-20-1", 12, 15)],
        ),  # the higher fence has it
        ([_segment(0, 20, 2), _segment(8, 12, 1)], [("0-20-2", 5, 15)]),
        (
            [_segment(0, 10), _segment(8, 20)],
            [("0-10-1", 5, 8), ("8-20-1", 8, 15)],
        ),  # a clock set back: the later start
        ([_segment(0, None), _segment(9, None, 2)], [("0-None-1", 5, 9), ("9-None-2", 9, 15)]),
        ([_segment(0, 5), _segment(15, 20)], []),
    ],
)
def test_each_moment_has_one_file(
    segments: list[Segment], pieces: list[tuple[str, float, float]]
) -> None:
    assert _plan(segments, 5, 15) == pieces


SEGMENTS = st.lists(
    st.tuples(st.integers(0, 100), st.integers(1, 30), st.integers(1, 3)).map(
        lambda t: _segment(t[0], t[0] + t[1], t[2])
    ),
    max_size=12,
)


@given(SEGMENTS, st.integers(0, 110), st.integers(1, 60))
def test_pieces_never_overlap_and_cover_what_files_cover(
    segments: list[Segment], from_s: int, length_s: int
) -> None:
    from_ns, to_ns = from_s * S, (from_s + length_s) * S
    pieces = plan(segments, from_ns, to_ns)
    assert all(before.to_ns <= after.from_ns for before, after in pairwise(pieces))
    for moment_ns in range(from_ns + S // 2, to_ns, S):
        holders = [
            s for s in segments if s.end_ns is not None and s.start_ns <= moment_ns < s.end_ns
        ]
        chosen = [piece.segment for piece in pieces if piece.from_ns <= moment_ns < piece.to_ns]
        assert len(chosen) == min(1, len(holders))
        assert all(segment.fence == max(holder.fence for holder in holders) for segment in chosen)


def test_a_day_is_planned_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    end_of, calls = cut_plan._end_ns, list[Segment]()

    def counted(segment: Segment) -> int:
        calls.append(segment)
        return end_of(segment)

    monkeypatch.setattr(cut_plan, "_end_ns", counted)
    segments = [_segment(start_s, start_s + 10) for start_s in range(0, 20_000, 10)]
    assert len(plan(segments, 0, 20_000 * S)) == len(segments)
    assert len(calls) <= 4 * len(segments)


@pytest.mark.parametrize(
    ("covered_s", "gaps_s"),
    [
        ([(0, 20)], []),
        ([], [(5, 15)]),
        ([(0, 8), (11, 20)], [(8, 11)]),
        ([(6, 14)], [(5, 6), (14, 15)]),
        ([(0, 8), (8.05, 20)], []),  # less than JOIN_GAP_NS
        ([(0, 12), (6, 8), (13, 20)], [(12, 13)]),
        ([(16, 20)], [(5, 15)]),
        ([(0, 4)], [(5, 15)]),
    ],
)
def test_gaps_are_what_is_not_covered(
    covered_s: list[tuple[float, float]], gaps_s: list[tuple[float, float]]
) -> None:
    covered = [(round(a * S), round(b * S)) for a, b in covered_s]
    assert gaps_of(covered, 5 * S, 15 * S) == tuple(
        (round(a * 1000), round(b * 1000)) for a, b in gaps_s
    )


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 5_000))),
    st.integers(0, 20_000),
    st.integers(1, 20_000),
)
def test_gaps_and_what_is_covered_make_up_the_range(
    ranges_ms: list[tuple[int, int]], from_ms: int, length_ms: int
) -> None:
    covered = sorted(
        (start * NS_PER_MS, (start + length) * NS_PER_MS) for start, length in ranges_ms
    )
    from_ns, to_ns = from_ms * NS_PER_MS, (from_ms + length_ms) * NS_PER_MS
    gaps = gaps_of(covered, from_ns, to_ns)
    assert all(from_ms <= start < end <= from_ms + length_ms for start, end in gaps)
    assert all(before[1] <= after[0] for before, after in pairwise(gaps))
    reported = [(start * NS_PER_MS, end * NS_PER_MS) for start, end in gaps]
    assert gaps_of(sorted([*covered, *reported]), from_ns, to_ns) == ()
    assert all(end - start > JOIN_GAP_NS // NS_PER_MS for start, end in gaps)
