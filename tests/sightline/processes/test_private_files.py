"""Sightline writes private files, and makes the data folder of an older version private."""

from __future__ import annotations

import logging
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.paths.data_layout import Layout
from sightline.processes import private_files
from sightline.processes.instance import claimed
from sightline.processes.private_files import make_private, private_umask, write_atomically

CLOCK = SystemClock()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Create a data folder as older versions did."""
    layout = Layout(tmp_path / "data")
    files = [
        layout.recordings / "gate" / "20261129" / "x.mp4",
        layout.spool / "gate" / "event.json",
        layout.registry,
        layout.roster(0),
        layout.seaweedfs / "1.dat",
    ]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    for path in [layout.root, *layout.root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return layout


def _open_paths(layout: Layout) -> list[Path]:
    return [path for path in [layout.root, *layout.root.rglob("*")] if _mode(path) & 0o077]


def test_a_data_folder_of_an_older_version_is_closed_at_the_next_start(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    assert _open_paths(layout)
    with claimed(layout, CLOCK):
        assert _open_paths(layout) == []
    (said,) = caplog.messages
    assert "files and folders were made private" in said
    caplog.clear()
    with claimed(layout, CLOCK):
        assert caplog.messages == []


def test_closing_that_was_interrupted_is_done_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Path] = []

    def close(path: Path) -> bool:
        if len(closed) == 3:
            raise KeyboardInterrupt
        closed.append(path)
        return real(path)

    real = private_files._close
    monkeypatch.setattr(private_files, "_close", close)
    with pytest.raises(KeyboardInterrupt):
        make_private(layout)
    monkeypatch.undo()
    make_private(layout)
    assert _open_paths(layout) == []


def test_a_folder_that_holds_other_things_keeps_its_mode(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be a home or /srv, which other programs use."""
    other = layout.root / "notes.txt"
    other.write_text("x")
    other.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        make_private(layout)
    assert set(_open_paths(layout)) == {layout.root, other}
    assert "notes.txt" in caplog.text


def test_a_link_is_not_followed_out_of_the_data_folder(layout: Layout, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o644)
    (layout.recordings / "link").symlink_to(outside)
    make_private(layout)
    assert _mode(outside) == 0o644


def test_recordings_on_another_disk_are_closed_too(layout: Layout, tmp_path: Path) -> None:
    layout.recordings.rename(tmp_path / "disk")
    layout.recordings.symlink_to(tmp_path / "disk")
    make_private(layout)
    disk = tmp_path / "disk"
    assert not [path for path in [disk, *disk.rglob("*")] if _mode(path) & 0o077]


def test_a_file_is_replaced_privately_whatever_the_umask(tmp_path: Path) -> None:
    file = tmp_path / "secret.json"
    file.write_text("old")
    file.chmod(0o644)
    write_atomically(file, "new")
    assert (file.read_text(), _mode(file)) == ("new", 0o600)


def test_the_umask_is_private_meanwhile_and_then_as_it_was(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with private_umask():
            (tmp_path / "made").mkdir()
            (tmp_path / "made" / "file").write_text("x")
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert _mode(tmp_path / "made") == 0o700
    assert _mode(tmp_path / "made" / "file") == 0o600


def test_a_command_makes_private_files(tmp_path: Path) -> None:
    layout, registry = Layout(tmp_path / "data"), tmp_path / "registry.yaml"
    registry.write_text("version: 1\nareas: {}\ncameras: []\n", "utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = (sys.executable, "-m", "sightline", "up", "--registry", str(registry))
        words = ("--data", str(layout.root), "--host", "127.0.0.1", "--port", port)
        done = subprocess.run(
            (*command, *words), capture_output=True, text=True, umask=0o022, check=False
        )
    assert port in done.stderr
    assert layout.lock.exists()
    assert _open_paths(layout) == []


def test_the_layout_names_all_its_entries() -> None:
    expected = {
        "lock",
        "secrets.json",
        "registry",
        "state",
        "recordings",
        "spool",
        "run",
        "archive",
    }
    assert expected <= Layout(Path("/data")).entries


def test_nothing_is_written_through_a_symbolic_link(tmp_path: Path) -> None:
    """A confined process could make one under the name of the unfinished file."""
    (tmp_path / "elsewhere").write_text("private")
    link = tmp_path / f".state.json.{os.getpid()}"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        write_atomically(tmp_path / "state.json", "forged")
    assert (tmp_path / "elsewhere").read_text() == "private"
    link.unlink()
    write_atomically(tmp_path / "state.json", "honest")
    assert (tmp_path / "state.json").read_text() == "honest"
