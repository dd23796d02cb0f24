"""The independent reader of files: ranges, gaps, differences, and files with false names."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cameras import Picture, make_stream
from benchmarks.faults.files import Span, differences, holes, joined, read_files, spans_of

S = 1_000_000_000
START_MS = 1_760_000_000_000


def test_pictures_are_joined_where_no_second_is_missing() -> None:
    assert spans_of([0, S // 2, S, 3 * S], S // 2) == [(0, 3 * S // 2), (3 * S, 7 * S // 2)]
    assert joined([(5 * S, 6 * S), (0, S), (S // 2, 5 * S - 1)]) == [(0, 6 * S)]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], [(0, 10 * S)]),
        ([(-5 * S, 20 * S)], []),
        ([(0, 4 * S), (7 * S, 10 * S)], [(4 * S, 7 * S)]),
        ([(0, 4 * S), (5 * S, 10 * S)], []),
        ([(3 * S, 8 * S)], [(0, 3 * S), (8 * S, 10 * S)]),
    ],
)
def test_holes(spans: list[Span], expected: list[Span]) -> None:
    assert holes(spans, 0, 10 * S) == expected


def test_two_accounts_differ_where_only_one_has_something() -> None:
    assert differences([(0, 10 * S)], [(0, 3 * S), (6 * S, 10 * S)], 0, 10 * S) == [(3 * S, 6 * S)]
    assert differences([(0, 3 * S)], [(0, 3 * S)], 0, 10 * S) == []
    assert differences([(0, 5 * S)], [(0, 5 * S + S // 2)], 0, 10 * S) == []


def test_a_file_is_held_against_its_name(tmp_path: Path) -> None:
    stream = make_stream(tmp_path / "ten.mp4", Picture(90, 0.1))
    folder = tmp_path / "cam-1" / "20251009"
    folder.mkdir(parents=True)

    def put(start_ms: int, duration_ms: int) -> None:
        (folder / f"cam-1_{start_ms}_{duration_ms}_1.mp4").write_bytes(stream.read_bytes())

    put(START_MS, 10_000)
    found = read_files(tmp_path / "cam-1")
    assert (found.pictures, found.faults) == (250, [])
    assert found.spans == [(START_MS * 1_000_000, (START_MS + 10_000) * 1_000_000)]
    put(START_MS + 9_000, 15_000)
    (folder / f"cam-1_{START_MS + 30_000}_open_1.mp4").write_bytes(b"")
    faults = " ".join(read_files(tmp_path / "cam-1").faults)
    assert "was never finished" in faults
    assert "begins 1.00 s before" in faults
    assert "ends +5.00 s from its last picture's end" in faults


def test_damage_is_seen(tmp_path: Path) -> None:
    stream = bytearray(make_stream(tmp_path / "ten.mp4", Picture(90, 0.1)).read_bytes())
    stream[20_000:40_000] = bytes(20_000)
    (tmp_path / f"cam-1_{START_MS}_10000_1.mp4").write_bytes(stream)
    assert any("cannot be decoded" in fault for fault in read_files(tmp_path).faults)
