"""Appending: a torn end spoils no line but itself."""

from __future__ import annotations

from pathlib import Path

from storage.append import append_line


def test_lines_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "log"
    append_line(path, b"one", mode=0o600)
    append_line(path, b"two")
    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_torn_end_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    append_line(path, b"three")
    assert path.read_bytes() == b"one\ntw\nthree\n"
