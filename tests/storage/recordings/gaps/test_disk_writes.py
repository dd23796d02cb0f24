"""Lines of many files that are written to the disk at once."""

from __future__ import annotations

import ctypes
import errno
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from domain.errors import StoreError
from storage.clients.append_only_file import append_line
from storage.recordings.gaps import disk_writes
from storage.recordings.gaps.disk_writes import SINGLE_FILES, DeferredSync

BOTH_WAYS = pytest.mark.parametrize("files", [1, SINGLE_FILES, SINGLE_FILES + 1])
FAILURE = r"cannot be written to the disk: .*Input/output error"


@dataclass
class Disk:
    """The disk as the kernel shows it: it fails if a test says so, and counts what is written."""

    fails: bool = False
    file_systems: list[int] = field(default_factory=list)
    """The descriptors for which `syncfs` was called."""
    files: int = 0
    """How often `fsync` was called."""

    def syncfs(self, file: int) -> int:
        self.file_systems.append(file)
        ctypes.set_errno(errno.EIO if self.fails else 0)
        return -1 if self.fails else 0

    def fsync(self, file: int) -> None:
        os.fstat(file)
        self.files += 1
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(disk_writes, "_LIBC", disk)
    monkeypatch.setattr(os, "fsync", disk.fsync)
    return disk


def _append(folder: Path, sync: DeferredSync, files: int, *lines: bytes) -> list[Path]:
    paths = [folder / f"camera-{number}" / "day.jsonl" for number in range(files)]
    for path in paths:
        for line in lines:
            sync.append(path, line)
    return paths


def test_few_files_are_written_one_by_one_and_many_together(tmp_path: Path, disk: Disk) -> None:
    sync = DeferredSync(tmp_path)
    _append(tmp_path, sync, SINGLE_FILES, b"line", b"another")
    assert disk == Disk(), "an append does not wait for the disk"
    sync.sync()
    assert disk == Disk(files=SINGLE_FILES)
    sync.sync()
    assert disk == Disk(files=SINGLE_FILES), "nothing is left to write"
    _append(tmp_path, sync, SINGLE_FILES + 1, b"line")
    sync.sync()
    assert len(disk.file_systems) == 1
    assert disk.files == SINGLE_FILES


def test_the_real_file_system_is_written(tmp_path: Path) -> None:
    sync = DeferredSync(tmp_path / "gaps")
    paths = _append(tmp_path / "gaps", sync, SINGLE_FILES + 1, b"line")
    sync.sync()
    assert {path.read_bytes() for path in paths} == {b"line\n"}


def test_the_real_call_reports_its_failure() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        disk_writes._sync_file_system(-1)


@BOTH_WAYS
def test_lines_are_appended_again_after_a_failed_write(
    tmp_path: Path, disk: Disk, files: int
) -> None:
    sync = DeferredSync(tmp_path)
    paths = _append(tmp_path, sync, files, b"1", b"2")
    disk.fails = True
    for _ in range(2):
        with pytest.raises(StoreError, match=FAILURE):
            sync.sync()
    _append(tmp_path, sync, files, b"3")
    disk.fails = False
    for path in paths:
        os.truncate(path, 0)  # The kernel dropped what it could not write.
    calls = len(disk.file_systems) + disk.files
    sync.sync()
    assert {path.read_bytes() for path in paths} == {b"1\n2\n3\n"}
    assert len(disk.file_systems) + disk.files > calls, "the repeated lines are written to the disk"
    for path in paths:
        os.truncate(path, 0)
    sync.sync()
    assert {path.read_bytes() for path in paths} == {b""}, "lines on disk are not repeated"


@BOTH_WAYS
def test_lines_that_arrive_during_a_failing_write_keep_their_order(
    tmp_path: Path, disk: Disk, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = DeferredSync(tmp_path)
    paths = _append(tmp_path, sync, files, b"1")

    def append_and_fail(file: int) -> int:
        monkeypatch.undo()
        _append(tmp_path, sync, files + 1, b"2")
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(disk, "syncfs", append_and_fail)
    monkeypatch.setattr(os, "fsync", append_and_fail)
    with pytest.raises(StoreError, match=FAILURE):
        sync.sync()
    sync.sync()
    assert {path.read_bytes() for path in paths} == {b"1\n2\n1\n2\n"}
    new = tmp_path / f"camera-{files}" / "day.jsonl"
    assert new.read_bytes() == b"2\n2\n"


def test_the_folder_is_opened_once_and_before_the_first_line(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed write is reported only to descriptors that were open before it."""
    opened: list[int] = []

    def watched_append(path: Path, line: bytes, durable: bool) -> None:
        folder_file = sync._folder_file
        assert folder_file is not None
        opened.append(folder_file)
        append_line(path, line, durable=durable)

    monkeypatch.setattr(disk_writes, "append_line", watched_append)
    sync = DeferredSync(tmp_path)
    for _ in range(2):
        _append(tmp_path, sync, SINGLE_FILES + 1, b"line")
        sync.sync()
    assert len(set(opened)) == 1
    assert disk.file_systems == [opened[0]] * 2
    assert os.path.samestat(os.fstat(opened[0]), tmp_path.stat())


def test_a_line_that_could_not_be_appended_is_not_repeated(tmp_path: Path, disk: Disk) -> None:
    sync = DeferredSync(tmp_path)
    (tmp_path / "camera-0").write_text("in the way")
    with pytest.raises(OSError, match="exists"):
        _append(tmp_path, sync, 1, b"1")
    (tmp_path / "camera-0").unlink()
    sync.sync()
    assert disk == Disk()
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_cannot_be_repeated_is_kept(tmp_path: Path, disk: Disk) -> None:
    sync = DeferredSync(tmp_path)
    (path,) = _append(tmp_path, sync, 1, b"1")
    disk.fails = True
    with pytest.raises(StoreError, match=FAILURE):
        sync.sync()
    disk.fails = False
    aside = path.parent.rename(tmp_path / "aside")
    path.parent.write_text("in the way")
    for _ in range(2):
        with pytest.raises(StoreError, match="Not a directory"):
            sync.sync()
    path.parent.unlink()
    aside.rename(path.parent)
    sync.sync()
    assert path.read_bytes() == b"1\n1\n"


@pytest.mark.parametrize("has_failed", [False, True])
def test_a_file_that_was_deleted_meanwhile_is_no_failure(
    tmp_path: Path, disk: Disk, has_failed: bool
) -> None:
    sync = DeferredSync(tmp_path)
    (path,) = _append(tmp_path, sync, 1, b"line")
    disk.fails = has_failed
    if has_failed:
        with pytest.raises(StoreError, match=FAILURE):
            sync.sync()
    disk.fails = False
    path.unlink()
    path.parent.rmdir()
    sync.sync()
    assert list(tmp_path.iterdir()) == []
