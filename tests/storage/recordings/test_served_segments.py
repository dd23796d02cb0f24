"""A node finds a segment by the name with which it was listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import NotFound
from domain.paths.segment_name import SegmentName
from storage.recordings.ledger import Ledger, open_name
from storage.recordings.served_segments import find

START_MS = 1_760_000_000_000
NAME = SegmentName("gate", START_MS, 10_000, 3).file_name
OPEN_NAME = open_name("gate", START_MS, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "gate" / "20251009"
    made.mkdir(parents=True)
    return made


def test_a_segment_is_found_without_a_listing_of_its_day(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / NAME).touch()
    ledger = Ledger(folder.parent.parent)
    monkeypatch.setattr(ledger, "names", pytest.fail)
    found = find(ledger, "gate", NAME)
    assert (found.path, found.fence, found.end_ns) == (
        folder / NAME,
        3,
        (START_MS + 10_000) * 1_000_000,
    )


def test_a_segment_that_was_finished_since_it_was_listed_is_found(folder: Path) -> None:
    (folder / OPEN_NAME).touch()
    ledger = Ledger(folder.parent.parent)
    assert find(ledger, "gate", OPEN_NAME).end_ns is None
    (folder / OPEN_NAME).rename(folder / NAME)
    assert find(ledger, "gate", OPEN_NAME).path == folder / NAME


@pytest.mark.parametrize("name", [NAME, f"../{NAME}", NAME.replace("gate", "door"), "notes.txt"])
def test_another_name_is_not_found(name: str, folder: Path) -> None:
    (folder / "notes.txt").touch()
    (folder.parent / NAME).touch()
    with pytest.raises(NotFound):
        find(Ledger(folder.parent.parent), "gate", name)
