from __future__ import annotations

import pytest

from domain.clock import NS_PER_S
from storage.recordings.packet_coverage import PacketCoverage

S = NS_PER_S


def _ranges(times_s: list[float], known_end_s: float | None = None) -> list[tuple[float, float]]:
    coverage = PacketCoverage()
    for at_s in times_s:
        coverage.add(round(at_s * S), round(at_s * S))
    coverage.close(None if known_end_s is None else round(known_end_s * S))
    return [(start / S, end / S) for start, end in coverage.ranges]


@pytest.mark.parametrize(
    ("times_s", "known_end_s", "ranges"),
    [
        ([0, 0.5, 1.0], None, [(0, 1.5)]),  # the last is as long as is usual
        ([0, 0.5, 1.0], 1.4, [(0, 1.4)]),  # its name knows better
        ([0, 0.5, 1.0], 0.9, [(0, 1.5)]),  # its name says less than it has
        ([0, 0.5, 1.0], 1.7, [(0, 1.7)]),
        ([0, 0.5, 1.0], 9.0, [(0, 1.5)]),  # its name says more than it has
        ([0, 0.5, 1.0, 4.0, 4.5], None, [(0, 1.5), (4.0, 5.0)]),  # a hole
        ([0, 2, 4, 6], None, [(0, 8)]),  # a packet every two seconds is no hole
        ([0, 2, 4, 6, 13], None, [(0, 8), (13, 15)]),  # seven are
        ([3], 3.2, [(3, 3.2)]),
        ([], 5, []),
    ],
)
def test_what_follows_as_usual_is_covered(
    times_s: list[float], known_end_s: float | None, ranges: list[tuple[float, float]]
) -> None:
    assert _ranges(times_s, known_end_s) == ranges


def test_reordered_pictures_have_no_hole_between_them() -> None:
    coverage = PacketCoverage()
    for wall_s, decode_s in ((0, -1), (2, -0.5), (1, 0), (0.5, 0.5), (1.5, 1)):
        coverage.add(round(wall_s * S), round(decode_s * S))
    coverage.close(None)
    assert coverage.ranges == [(0, round(2.5 * S))]
    assert coverage.end_ns == round(2.5 * S)
