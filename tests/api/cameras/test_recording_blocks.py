"""The layouts of whole hours are read once for several ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from api.cameras import recording_blocks
from api.cameras.recording_blocks import RecordingBlocks, SegmentKey
from api.cameras.segment_locator import Located
from domain.clock import NS_PER_S
from domain.errors import BadInput
from storage.recordings.cut_plan import plan
from storage.recordings.ledger import Ledger
from storage.recordings.virtual import blocks
from storage.recordings.virtual.layout_records import StoredRecord
from storage.recordings.virtual.layouts import hashed_record
from storage.recordings.virtual.virtual_file import VirtualFile, join_blocks
from tests.recorded import PLAIN, START_NS, packets_of, record

BLOCK_S = 4


class Counted:
    """The layouts of segments on this disk; notes which were read."""

    def __init__(self, folder: Path) -> None:
        record(packets_of(PLAIN), folder)
        self.segments = Ledger(folder).segments("cam-1", 0, 2 * START_NS)
        self.stored = [hashed_record(one.path) for one in self.segments]
        self.located = [
            Located(segment, None, "", "", stored.version)
            for segment, stored in zip(self.segments, self.stored, strict=True)
        ]
        self.read_names: list[str] = []

    def check(self, segments: Sequence[Located]) -> None:
        pass

    def read(self, segments: Sequence[Located]) -> Mapping[SegmentKey, StoredRecord]:
        self.read_names += [one.name for one in segments]
        names = {one.name: one for one in self.stored}
        return {one.key: names[one.name] for one in segments}


@pytest.fixture
def layouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setattr(blocks, "BLOCK_NS", BLOCK_S * NS_PER_S)
    monkeypatch.setattr(recording_blocks, "BLOCK_NS", BLOCK_S * NS_PER_S)
    return Counted(tmp_path)


def file_of(
    known: RecordingBlocks,
    layouts: Counted,
    from_s: float,
    damaged: Mapping[SegmentKey, frozenset[int]] | None = None,
) -> VirtualFile:
    span = (START_NS + round(from_s * NS_PER_S), START_NS + 11 * NS_PER_S)
    located = {one.key: one for one in layouts.located}
    pieces = plan(layouts.segments, *span)
    return join_blocks(known.sources(pieces, located, damaged or {}, layouts, span[0]), *span)


def test_only_parts_of_hours_are_read_again(layouts: Counted) -> None:
    known = RecordingBlocks()
    file_of(known, layouts, 0.5)
    assert layouts.read_names == [one.name for one in layouts.located]
    layouts.read_names.clear()
    again = file_of(known, layouts, 1.2)
    starts = {one.name: one.segment.start_ns // (BLOCK_S * NS_PER_S) for one in layouts.located}
    whole = set(starts.values()) - {min(starts.values()), max(starts.values())}
    assert whole
    assert whole.isdisjoint(starts[name] for name in layouts.read_names)
    assert again.etag == file_of(RecordingBlocks(), layouts, 1.2).etag


def test_damage_makes_another_block(layouts: Counted) -> None:
    known = RecordingBlocks()
    whole = file_of(known, layouts, 0.5)
    key = layouts.located[3].key
    damaged = file_of(known, layouts, 0.5, {key: frozenset((0,))})
    assert damaged.gaps_ms
    assert damaged.etag != whole.etag
    assert file_of(known, layouts, 0.5).etag == whole.etag


def test_blocks_use_bounded_memory(layouts: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_blocks, "MOST_BYTES", 1)
    known = RecordingBlocks()
    file_of(known, layouts, 0)
    layouts.read_names.clear()
    file_of(known, layouts, 0)
    assert len(layouts.read_names) > len(layouts.located) // 2


def test_too_many_samples_are_refused(layouts: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_blocks, "MOST_SAMPLES", 100)
    with pytest.raises(BadInput, match="request it in parts"):
        file_of(RecordingBlocks(), layouts, 0)
