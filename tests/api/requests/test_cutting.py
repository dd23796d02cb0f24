"""Cuts: a turn only while one is made, and a bound on those that are open while they are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from api.requests import cutting
from api.requests.cutting import MAX_RUNNING, MOST_OPEN, Cutting, Find, RemoteSegment
from domain.errors import NotFound, StoreError
from domain.paths.data_layout import Layout
from storage.recordings.ledger import Ledger, Segment
from tests.api.conftest import START_NS

Record = Callable[[Layout, str, int, float], Path]
SPAN = (START_NS, START_NS + 4_000_000_000)


@pytest.fixture
def find(record: Record, tmp_path: Path) -> Find:
    layout = Layout(tmp_path / "data")
    record(layout, "gate", START_NS, 4)

    def segments(from_ns: int, to_ns: int) -> Sequence[Segment]:
        return Ledger(layout.recordings).segments("gate", from_ns, to_ns)

    return segments


def test_cuts_that_are_being_sent_hold_no_turn(find: Find, tmp_path: Path) -> None:
    cuts = Cutting(tmp_path / "scratch")
    with ExitStack() as held:
        for _ in range(MAX_RUNNING + 3):
            made = held.enter_context(closing(cuts.cut(find, *SPAN)))
            assert made.size_bytes > 0


def test_those_that_are_open_are_bounded_and_give_their_place_back(
    find: Find, tmp_path: Path
) -> None:
    cuts = Cutting(tmp_path / "scratch")
    wanted = [
        RemoteSegment(segment, segment.path.stat().st_size, segment.path.read_bytes)
        for segment in find(*SPAN)
    ]
    with ExitStack() as held:
        for _ in range(MOST_OPEN - 1):
            held.enter_context(closing(cuts.cut(find, *SPAN)))
        last = held.enter_context(closing(cuts.cut_remote(wanted, *SPAN)))
        with pytest.raises(StoreError, match="try again"):
            cuts.cut(find, *SPAN)
        with pytest.raises(StoreError, match="try again"):
            cuts.cut_remote(wanted, *SPAN)
        last.close()
        last.close()
        held.enter_context(closing(cuts.cut(find, *SPAN)))
        with pytest.raises(StoreError, match="try again"):
            cuts.cut(find, *SPAN)


def test_their_size_is_bounded_too(
    find: Find, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size_bytes = sum(segment.path.stat().st_size for segment in find(*SPAN))
    monkeypatch.setattr(cutting, "MOST_OPEN_BYTES", 2 * size_bytes)
    cuts = Cutting(tmp_path / "scratch")
    with (
        closing(cuts.cut(find, *SPAN)),
        closing(cuts.cut(find, *SPAN)),
        pytest.raises(StoreError, match="try again"),
    ):
        cuts.cut(find, *SPAN)


def test_a_cut_of_which_nothing_comes_gives_its_place_back(find: Find, tmp_path: Path) -> None:
    cuts = Cutting(tmp_path / "scratch")
    for _ in range(MOST_OPEN + 1):
        with pytest.raises(NotFound):
            cuts.cut(find, 0, 1)
    cuts.cut(find, *SPAN).close()
