"""A part of a file has the bytes of one state of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import DataLoss
from storage.recordings.file_reader import CHUNK_BYTES, FilePart


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "segment.mp4"
    path.write_bytes(b"ab" * CHUNK_BYTES)
    return path


def test_a_part_is_read_as_far_as_the_file_goes(path: Path) -> None:
    part = FilePart(path, 1, 4 * CHUNK_BYTES)
    assert b"".join(part) == path.read_bytes()[1:]
    part.close()


def test_a_file_that_is_changed_while_it_is_read_yields_no_mixture(path: Path) -> None:
    part = FilePart(path, 0, 2 * CHUNK_BYTES)
    chunks = iter(part)
    next(chunks)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(DataLoss, match="was changed while it was read"):
        next(chunks)
    part.close()


def test_a_file_that_is_being_written_may_grow(path: Path) -> None:
    part = FilePart(path, 0, 3 * CHUNK_BYTES, may_grow=True)
    chunks = iter(part)
    read = next(chunks)
    with path.open("ab") as file:
        file.write(b"more")
    assert read + b"".join(chunks) == path.read_bytes()
    part.close()
