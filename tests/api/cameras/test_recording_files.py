"""The memory of the virtual files that a process keeps is known without adding them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.cameras import recording_files
from api.cameras.recording_files import RecordingFile, RecordingFiles
from api.cameras.segment_locator import locate
from tests.api.cameras.recorded_site import Record, at

if TYPE_CHECKING:
    from tests.api.conftest import Site


def test_the_memory_of_known_files_is_counted_over_all_changes(
    site: Site, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [record(site.layout, "east-gate", at(start_s), 4) for start_s in (0, 4, 8)]
    site.hold("east-gate")
    files = RecordingFiles(site.context)

    def make(from_s: int, to_s: int) -> RecordingFile:
        span = at(from_s), at(to_s)
        made = files.file_of("east-gate", span, locate(site.context, "east-gate", *span))
        known = [one.recording.file.memory_bytes for one in files._known.values()]
        assert files._size_bytes == sum(known)
        return made

    first = make(0, 12)
    assert make(0, 12) is first
    paths[1].unlink()
    replaced = make(0, 12)
    assert replaced is not first
    make(0, 4)
    files.forget(replaced)
    assert len(files._known) == 1
    make(0, 12)
    assert len(files._known) == 2
    monkeypatch.setattr(recording_files, "MOST_BYTES", files._size_bytes)
    make(8, 12)
    assert [key[1:] for key in files._known] == [(at(0), at(12)), (at(8), at(12))]
    monkeypatch.setattr(recording_files, "MOST_BYTES", 0)
    make(8, 11)
    assert [key[1:] for key in files._known] == [(at(8), at(11))]
