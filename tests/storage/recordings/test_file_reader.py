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


def test_other_bytes_of_the_file_are_read_as_they_are_wanted(path: Path) -> None:
    data = path.read_bytes()
    part = FilePart(path, 0, len(data))
    for offset, length_bytes in ((0, 10), (3, CHUNK_BYTES), (1, CHUNK_BYTES + 1), (7, 0)):
        chunks = list(part.read(offset, length_bytes))
        assert b"".join(chunks) == data[offset : offset + length_bytes]
        assert len(chunks) == -(-length_bytes // CHUNK_BYTES)
    with pytest.raises(DataLoss, match="is shorter than when it was listed"):
        list(part.read(len(data) - 10, 11))
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(DataLoss, match="was changed while it was read"):
        next(part.read(0, 10))
    part.close()


def test_a_file_that_is_being_written_may_grow(path: Path) -> None:
    part = FilePart(path, 0, 3 * CHUNK_BYTES, may_grow=True)
    chunks = iter(part)
    read = next(chunks)
    with path.open("ab") as file:
        file.write(b"more")
    assert read + b"".join(chunks) == path.read_bytes()
    part.close()
