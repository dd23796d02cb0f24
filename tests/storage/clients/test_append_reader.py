"""Only the lines that were appended are read, unless the file was cut or replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.clients.append_only_file import append_line
from storage.clients.append_reader import AppendReader
from tests.storage.rewritten_files import REWRITES, Rewrite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log" / "today.jsonl"


def test_each_line_is_returned_once(file: Path) -> None:
    lines = AppendReader(file)
    assert lines.read() == (b"", True)
    append_line(file, b"one")
    assert lines.read() == (b"one\n", True)
    assert lines.read() == (b"", False)
    append_line(file, b"two")
    append_line(file, b"three")
    assert lines.read() == (b"two\nthree\n", False)


def test_a_line_is_returned_when_it_is_whole(file: Path) -> None:
    append_line(file, b"one")
    lines = AppendReader(file)
    lines.read()
    with file.open("ab") as opened:
        opened.write(b"tw")
    assert lines.read() == (b"", False)
    with file.open("ab") as opened:
        opened.write(b"o\n")
    assert lines.read() == (b"two\n", False)


@pytest.mark.parametrize("rewrite", REWRITES, ids=str)
def test_a_file_that_was_cut_or_replaced_is_read_as_a_whole(file: Path, rewrite: Rewrite) -> None:
    before, other = [b"one", b"two"], [b"TWO", b"three", b"four"]
    for line in before:
        append_line(file, line)
    lines = AppendReader(file)
    lines.read()
    rewrite.apply(file, rewrite.lines(before, other))
    assert lines.read() == (file.read_bytes(), True)
    append_line(file, b"five")
    assert lines.read() == (b"five\n", False)


def test_a_file_that_was_deleted_begins_again(file: Path) -> None:
    append_line(file, b"one")
    lines = AppendReader(file)
    lines.read()
    file.unlink()
    assert lines.read() == (b"", True)
    append_line(file, b"two")
    assert lines.read() == (b"two\n", True)
