"""Cuts hold a slot only while they are made; open cuts are bounded while they are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from api.requests import cutting
from api.requests.cutting import MAX_OPEN, MAX_RUNNING, Cutting, Find, RemoteSegment
from domain.errors import NotFound, StoreError
from domain.paths.data_layout import Layout
from storage.recordings.ledger import Ledger, Segment
from tests.api.site_data import START_NS

Record = Callable[[Layout, str, int, float], Path]
SPAN = (START_NS, START_NS + 4_000_000_000)


@pytest.fixture
def find(record: Record, tmp_path: Path) -> Find:
    layout = Layout(tmp_path / "data")
    record(layout, "gate", START_NS, 4)

    def segments(from_ns: int, to_ns: int) -> Sequence[Segment]:
        return Ledger(layout.recordings).segments("gate", from_ns, to_ns)

    return segments


def test_cuts_that_are_being_sent_hold_no_slot(find: Find, tmp_path: Path) -> None:
    cuts = Cutting(tmp_path / "scratch")
    with ExitStack() as held:
        for _ in range(MAX_RUNNING + 3):
            made = held.enter_context(closing(cuts.cut(find, *SPAN)))
            assert made.size_bytes > 0


def test_open_cuts_are_bounded_and_release_their_reservation(find: Find, tmp_path: Path) -> None:
    cuts = Cutting(tmp_path / "scratch")
    remote = [
        RemoteSegment(segment, segment.path.stat().st_size, segment.path.read_bytes)
        for segment in find(*SPAN)
    ]
    with ExitStack() as held:
        for _ in range(MAX_OPEN - 1):
            held.enter_context(closing(cuts.cut(find, *SPAN)))
        last = held.enter_context(closing(cuts.cut_remote(remote, *SPAN)))
        with pytest.raises(StoreError, match="try again"):
            cuts.cut(find, *SPAN)
        with pytest.raises(StoreError, match="try again"):
            cuts.cut_remote(remote, *SPAN)
        last.close()
        last.close()
        held.enter_context(closing(cuts.cut(find, *SPAN)))
        with pytest.raises(StoreError, match="try again"):
            cuts.cut(find, *SPAN)


def test_their_size_is_bounded_too(
    find: Find, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size_bytes = sum(segment.path.stat().st_size for segment in find(*SPAN))
    monkeypatch.setattr(cutting, "MAX_OPEN_BYTES", 2 * size_bytes)
    cuts = Cutting(tmp_path / "scratch")
    with (
        closing(cuts.cut(find, *SPAN)),
        closing(cuts.cut(find, *SPAN)),
        pytest.raises(StoreError, match="try again"),
    ):
        cuts.cut(find, *SPAN)


def test_a_failed_cut_releases_its_reservation(find: Find, tmp_path: Path) -> None:
    cuts = Cutting(tmp_path / "scratch")
    for _ in range(MAX_OPEN + 1):
        with pytest.raises(NotFound):
            cuts.cut(find, 0, 1)
    cuts.cut(find, *SPAN).close()
