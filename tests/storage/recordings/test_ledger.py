from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.clock import MS_PER_DAY, NS_PER_MS, NS_PER_S
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from storage.recordings import ledger as ledger_module
from storage.recordings.ledger import Ledger, Segment, open_name, parse_segment

NOON_MS = 1_760_011_200_000  # 2025-10-09 12:00 UTC


def _write(
    recordings: Path,
    camera_id: str,
    start_ms: int,
    duration_ms: int = 10_000,
    fence: int = 1,
    size_bytes: int = 100,
) -> Path:
    folder = recordings / camera_id / day_of(start_ms * NS_PER_MS)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SegmentName(camera_id, start_ms, duration_ms, fence).file_name
    path.write_bytes(b"x" * size_bytes)
    return path


def _write_open(
    recordings: Path, camera_id: str, start_ms: int, fence: int = 1, size_bytes: int = 50
) -> Path:
    folder = recordings / camera_id / day_of(start_ms * NS_PER_MS)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / open_name(camera_id, start_ms, fence)
    path.write_bytes(b"x" * size_bytes)
    return path


def _starts(segments: tuple[Segment, ...]) -> list[int]:
    return [segment.start_ms - NOON_MS for segment in segments]


def _ns(after_noon_ms: int) -> int:
    return (NOON_MS + after_noon_ms) * NS_PER_MS


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    st.integers(0, 1 << 45),
    st.integers(0, 1 << 40),
)
def test_names_say_what_they_hold(camera_id: str, start_ms: int, fence: int) -> None:
    open_path = Path("x") / open_name(camera_id, start_ms, fence)
    assert parse_segment(open_path) == Segment(
        open_path, camera_id, start_ms * NS_PER_MS, None, fence
    )
    path = Path("x") / SegmentName(camera_id, start_ms, 250, fence).file_name
    assert parse_segment(path) == Segment(
        path, camera_id, start_ms * NS_PER_MS, (start_ms + 250) * NS_PER_MS, fence
    )


def test_a_range_finds_what_shares_a_moment_with_it(tmp_path: Path) -> None:
    for start_ms in (0, 10_000, 20_000):
        _write(tmp_path, "cam", NOON_MS + start_ms)
    ledger = Ledger(tmp_path)
    assert _starts(ledger.segments("cam", _ns(5_000), _ns(12_000))) == [0, 10_000]
    assert _starts(ledger.segments("cam", _ns(10_000), _ns(20_000))) == [10_000]
    assert _starts(ledger.segments("cam", _ns(30_000), _ns(40_000))) == []
    assert ledger.segments("unknown", _ns(0), _ns(40_000)) == ()


def test_a_segment_that_began_the_day_before_is_found(tmp_path: Path) -> None:
    midnight_ms = NOON_MS + MS_PER_DAY // 2
    _write(tmp_path, "cam", midnight_ms - 5_000)
    _write(tmp_path, "cam", midnight_ms + 5_000)
    assert len(list((tmp_path / "cam").iterdir())) == 2
    found = Ledger(tmp_path).segments(
        "cam", midnight_ms * NS_PER_MS, (midnight_ms + 6_000) * NS_PER_MS
    )
    assert _starts(found) == [MS_PER_DAY // 2 - 5_000, MS_PER_DAY // 2 + 5_000]


def test_an_open_segment_has_no_end_and_is_in_every_range_after_its_start(tmp_path: Path) -> None:
    _write_open(tmp_path, "cam", NOON_MS)
    ledger = Ledger(tmp_path)
    (segment,) = ledger.segments("cam", _ns(60_000), _ns(61_000))
    assert segment.end_ns is None
    assert ledger.segments("cam", _ns(-2_000), _ns(-1_000)) == ()
    assert ledger.open_segments("cam") == (segment,)
    assert ledger.oldest() is None


def test_foreign_files_are_reported_once_and_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _write(tmp_path, "cam", NOON_MS)
    (path.parent / "notes.txt").write_text("?")
    (path.parent / SegmentName("other", NOON_MS, 10, 1).file_name).write_text("?")
    (tmp_path / "cam" / "lost+found").mkdir()
    (tmp_path / "a file").write_text("?")
    ledger = Ledger(tmp_path)
    for _ in range(2):
        assert len(ledger.segments("cam", _ns(0), _ns(1))) == 1
    assert {path.name for path in ledger.foreign} == {"notes.txt", f"other_{NOON_MS}_10_1.mp4"}
    assert len(caplog.records) == 2
    assert ledger.cameras() == ("cam",)


def test_the_oldest_is_the_first_to_start_of_all_cameras(tmp_path: Path) -> None:
    _write(tmp_path, "a", NOON_MS + 10_000)
    _write(tmp_path, "b", NOON_MS)
    _write(tmp_path, "a", NOON_MS - MS_PER_DAY)
    _write(tmp_path, "b", NOON_MS + 20_000)
    ledger = Ledger(tmp_path)
    assert [(s.camera_id, s.start_ms - NOON_MS) for s in ledger.oldest_first()] == [
        ("a", -MS_PER_DAY),
        ("b", 0),
        ("a", 10_000),
        ("b", 20_000),
    ]
    oldest = ledger.oldest()
    assert oldest is not None
    assert oldest.camera_id == "a"


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 2 * MS_PER_DAY)), max_size=30, unique=True
    ),
    st.integers(-1, 2 * MS_PER_DAY + 1),
)
@settings(max_examples=60, deadline=None)
def test_the_oldest_come_first_and_none_after_what_is_asked_for(
    recorded: list[tuple[str, int]], before_ms: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for camera_id, at_ms in recorded:
            _write(Path(folder), camera_id, NOON_MS + at_ms)
        ledger = Ledger(Path(folder))
        in_order = sorted(at_ms for _, at_ms in recorded)
        assert [one.start_ms - NOON_MS for one in ledger.oldest_first()] == in_order
        found = [one.start_ms - NOON_MS for one in ledger.oldest_first(before_ns=_ns(before_ms))]
        assert found == [at_ms for at_ms in in_order if at_ms < before_ms]
        assert Counter(one.camera_id for one in ledger.oldest_first("ab")) == Counter(
            name for name, _ in recorded if name != "c"
        )


def test_of_a_day_no_more_than_an_hour_is_held_and_that_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in range(0, 300, 10):
        _write(tmp_path, "a", NOON_MS + minute * 60_000)
    parse_name, named, made = SegmentName.parse, set[str](), list[Path]()

    def name(file_name: str) -> SegmentName | None:
        named.add(file_name)
        return parse_name(file_name)

    def make(path: Path) -> Segment | None:
        made.append(path)
        return parse_segment(path)

    monkeypatch.setattr(SegmentName, "parse", name)
    monkeypatch.setattr(ledger_module, "parse_segment", make)
    taken = Ledger(tmp_path).oldest_first()
    next(taken)
    assert (len(named), len(made)) == (6, 1)
    assert len(list(taken)) == 29


def test_removing_frees_its_bytes_and_its_empty_folder(tmp_path: Path) -> None:
    path = _write(tmp_path, "cam", NOON_MS, size_bytes=123)
    ledger = Ledger(tmp_path)
    segment = ledger.oldest()
    assert segment is not None
    assert ledger.remove(segment) == 123
    assert ledger.remove(segment) == 0
    assert not path.parent.exists()
    assert ledger.oldest() is None


def test_the_total_follows_files_that_come_grow_are_renamed_and_go(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "absent")
    assert ledger.total_bytes() == 0
    ledger = Ledger(tmp_path)
    _write(tmp_path, "a", NOON_MS, size_bytes=100)
    growing = _write_open(tmp_path, "b", NOON_MS, size_bytes=50)
    assert ledger.total_bytes() == 150
    growing.write_bytes(b"x" * 80)
    assert ledger.total_bytes() == 180
    growing.write_bytes(b"x" * 90)
    growing.rename(growing.with_name(SegmentName("b", NOON_MS, 10_000, 1).file_name))
    assert ledger.total_bytes() == 190
    _write(tmp_path, "a", NOON_MS + 10_000, size_bytes=1_000)
    assert ledger.total_bytes() == 1_190
    segment = ledger.oldest()
    assert segment is not None
    ledger.remove(segment)
    assert ledger.total_bytes() == 1_090


def test_a_range_over_the_first_day_of_all_is_no_error(tmp_path: Path) -> None:
    assert Ledger(tmp_path).segments("cam", -NS_PER_S, NS_PER_S) == ()
