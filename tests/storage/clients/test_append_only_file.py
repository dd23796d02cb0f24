"""Appending: a torn end spoils no line but itself."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from storage.clients.append_only_file import AppendOnlyFile, append_line, locked
from tests.waiting import wait_for


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


def test_lines_that_wait_go_to_disk_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, syncs, sync = tmp_path / "log", [0], os.fsync

    def counted(file: int) -> None:
        syncs[0] += 1
        sync(file)

    monkeypatch.setattr(os, "fsync", counted)
    appending = AppendOnlyFile(mode=0o600)
    threads = [threading.Thread(target=appending.append, args=(path, b"%d" % n)) for n in range(20)]
    with locked(path):
        for thread in threads:
            thread.start()
        wait_for("all lines", lambda: appending.waiting >= len(threads) - 1)
    for thread in threads:
        thread.join()
    assert sorted(path.read_bytes().split(), key=int) == [b"%d" % n for n in range(20)]
    assert syncs[0] == 2, "one for the first, and one for all who waited"


def test_a_failed_write_raises_and_does_not_affect_the_next(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    appending = AppendOnlyFile(mode=0o600)
    with pytest.raises(OSError):
        appending.append(tmp_path / "folder" / "log", b"one")
    appending.append(tmp_path / "log", b"two")
    assert (tmp_path / "log").read_bytes() == b"two\n"


def test_nothing_is_appended_through_a_symbolic_link(tmp_path: Path) -> None:
    """A confined process could make one in a folder of the audit log."""
    (tmp_path / "elsewhere").write_bytes(b"private\n")
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        append_line(tmp_path / "log", b"forged")
    assert (tmp_path / "elsewhere").read_bytes() == b"private\n"
    (tmp_path / "log").unlink()
    append_line(tmp_path / "log", b"honest")
    assert (tmp_path / "log").read_bytes() == b"honest\n"
