"""The names of settled days are listed once, and a change is never missed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_S, S_PER_DAY, ManualClock
from domain.paths.segment_name import MAX_FENCE, SegmentName, parse_open_name
from storage.recordings import day_index
from storage.recordings.day_index import SETTLED_NS, DayIndex, DayIndexes
from storage.recordings.ledger import Ledger, names_in, open_name

START_MS = 1_760_000_000_000
START_NS = START_MS * 1_000_000
DAY = "20251009"
NAMES = st.builds(
    lambda start_s, duration_ms, fence: (
        SegmentName("gate", START_MS + start_s * 1000, duration_ms, fence).file_name
    ),
    st.integers(0, 900),
    st.sampled_from([1, 9_960, 10_000, 70_000]),
    st.integers(1, 3),
)
OTHERS = st.sampled_from(
    [
        open_name("gate", START_MS, 1),
        f"gate_0{START_MS}_10000_1.mp4",
        f"gate_{START_MS}_10000_{MAX_FENCE}.mp4",
        f"gate_{START_MS}_{10 * S_PER_DAY * 1000_000}_1.mp4",
        f"gate_{START_MS}_10000_1.mp4.part",
        f"gate_{START_MS}_10000_1.mp4\ngate_{START_MS}_10001_1.mp4",
        f"gateway_{START_MS}_10000_1.mp4",
        f"a_gate_{START_MS}_10000_1.mp4",
        "gate_1.mp4",
        "notes.txt",
    ]
)
STEPS = st.one_of(
    st.tuples(st.just("toggle"), NAMES | OTHERS),
    st.tuples(st.just("finish"), NAMES),
    st.tuples(st.just("step"), st.sampled_from([-3600, -1, 1, 14, 16, 3600])),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "recordings" / "gate" / DAY
    made.mkdir(parents=True)
    return made


def settled(folder: Path) -> ManualClock:
    """Return a clock at which a folder is just settled."""
    stat = folder.stat()
    return ManualClock(max(stat.st_mtime_ns, stat.st_ctime_ns) + SETTLED_NS)


def add(folder: Path, start_s: int) -> str:
    name = SegmentName("gate", START_MS + start_s * 1000, 10_000, 1).file_name
    (folder / name).touch()
    return name


def listed(ledger: Ledger, from_s: int = 0, to_s: int = 3600) -> list[str]:
    span = START_NS + from_s * NS_PER_S, START_NS + to_s * NS_PER_S
    return [named.name for named in ledger.names("gate", *span)]


@example(names={f"gate_{START_MS}_1_1.mp4", f"gate_{START_MS}_open_1.mp4"}, from_s=0, length_s=1)
@given(
    names=st.sets(NAMES | OTHERS, max_size=40),
    from_s=st.integers(-100, 1000),
    length_s=st.integers(1, 900),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_index_gives_the_same_segments_as_a_listing(
    names: set[str], from_s: int, length_s: int, folder: Path
) -> None:
    for name in names_in(folder):
        (folder / name).unlink()
    for name in names:
        (folder / name).touch()
    root = folder.parent.parent
    indexed = Ledger(root, settled(folder))
    span = from_s, from_s + length_s
    assert listed(indexed, *span) == listed(Ledger(root), *span)


@given(steps=st.lists(STEPS, max_size=12))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_change_is_missed_whatever_the_clock_does(
    steps: list[tuple[str, str | int]], folder: Path
) -> None:
    for name in names_in(folder):
        (folder / name).unlink()
    root, clock = folder.parent.parent, settled(folder)
    remembering = Ledger(root, clock)
    for action, value in steps:
        if isinstance(value, int):
            clock.step(value)
            pass_tick(folder)
        elif action == "finish":
            (folder / open_name("gate", START_MS, 1)).touch()
            (folder / open_name("gate", START_MS, 1)).rename(folder / value)
        elif (folder / value).exists():
            (folder / value).unlink()
        else:
            (folder / value).touch()
        assert listed(remembering) == listed(Ledger(root)) == overlapping(folder)


def pass_tick(folder: Path) -> None:
    """Wait until a change of the folder has a later time than the last one. A clock that is set
    forward sets the time of the file system forward, too.
    """
    probe = folder.parent / "probe"
    probe.touch()
    while probe.stat().st_ctime_ns <= folder.stat().st_ctime_ns:
        probe.touch()


def overlapping(folder: Path) -> list[str]:
    """Return the names of the segments in the hour from START_MS, each parsed alone."""
    found = []
    for name in names_in(folder):
        finished, written = SegmentName.parse(name), parse_open_name(name)
        if finished is not None and finished.camera_id == "gate":
            if finished.start_ms < START_MS + 3_600_000 and finished.end_ms > START_MS:
                found.append((finished.start_ms, finished.fence, name))
        elif written is not None and written[0] == "gate":
            found.append((written[1], written[2], name))
    return [name for _, _, name in sorted(found)]


def test_of_a_day_that_is_recorded_only_new_names_are_parsed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [add(folder, 10 * number) for number in range(100)]
    ledger = Ledger(folder.parent.parent, ManualClock(folder.stat().st_mtime_ns))
    assert listed(ledger) == names
    parse, parsed = day_index._parsed, list[str]()

    def record_parsed(camera_id: str, new: Sequence[str]) -> object:
        parsed.extend(new)
        return parse(camera_id, new)

    monkeypatch.setattr(day_index, "_parsed", record_parsed)
    names.append(add(folder, 1000))
    (folder / names.pop(50)).unlink()
    assert listed(ledger) == names
    assert parsed == names[-1:]


def test_an_index_of_many_equal_starts_is_ordered(folder: Path) -> None:
    names = [SegmentName("gate", START_MS, 10, fence).file_name for fence in (3, 12, 1)]
    index = DayIndex.of("gate", names)
    assert [row[3] for row in index.between(START_MS, START_MS + 1)] == [1, 3, 12]


def test_a_settled_folder_is_listed_once_until_it_is_changed(folder: Path) -> None:
    calls: list[Path] = []

    def list_names(listed: Path) -> Sequence[str]:
        calls.append(listed)
        return names_in(listed)

    first = add(folder, 0)
    os.utime(folder, ns=(START_NS, START_NS))
    clock = settled(folder)
    clock.advance(1)
    indexes = DayIndexes(clock)
    for _ in range(3):
        index = indexes.of(folder, "gate", list_names)
        assert index is not None
        assert [row[0] for row in index.between(START_MS, START_MS + 1)] == [first]
    assert len(calls) == 1
    add(folder, 100)
    # As a program does that restores a backup: the time of modification is the same as before.
    os.utime(folder, ns=(START_NS, START_NS))
    clock.advance(60)
    index = indexes.of(folder, "gate", list_names)
    assert index is not None
    assert len(list(index.between(START_MS, START_MS + 1_000_000))) == 2
    assert len(calls) == 2


def test_a_folder_that_was_changed_lately_is_always_listed(folder: Path) -> None:
    """Two changes in one tick of the file system leave the same time."""
    ledger = Ledger(folder.parent.parent, ManualClock(START_NS + SETTLED_NS - 1))
    names = []
    for start_s in (0, 10, 20):
        names.append(add(folder, start_s))
        os.utime(folder, ns=(START_NS, START_NS))
        assert listed(ledger) == names
    (folder / names.pop()).unlink()
    os.utime(folder, ns=(START_NS, START_NS))
    assert listed(ledger) == names


def test_a_folder_that_was_changed_lately_is_listed_at_each_call(folder: Path) -> None:
    calls: list[Path] = []

    def list_names(listed: Path) -> Sequence[str]:
        calls.append(listed)
        return names_in(listed)

    add(folder, 0)
    clock = settled(folder)
    clock.advance(-1)
    indexes = DayIndexes(clock)
    for count in (1, 2):
        indexes.of(folder, "gate", list_names)
        assert len(calls) == count
    clock.advance(1)
    for _ in range(2):
        indexes.of(folder, "gate", list_names)
        assert len(calls) == 3


def test_a_missing_folder_has_no_index(tmp_path: Path) -> None:
    indexes = DayIndexes(ManualClock(START_NS))
    assert indexes.of(tmp_path / "none", "gate", names_in) is None
