"""The copy of the policy file follows the file, and is absent if the file cannot be read."""

from __future__ import annotations

from pathlib import Path

from domain.clock import ManualClock
from domain.paths.data_layout import Layout
from sightline.processes.policy_copy import PolicyCopy


def test_the_copy_follows_the_file(tmp_path: Path) -> None:
    file, layout = tmp_path / "policy.yaml", Layout(tmp_path / "data")
    copy = PolicyCopy(file, layout, ManualClock())
    copy.run_once()
    assert not layout.policy_copy.exists()
    file.write_text("version: 1\n")
    copy.run_once()
    assert layout.policy_copy.read_text() == "version: 1\n"
    file.write_bytes(b"\xff\xfe")
    copy.run_once()
    assert not layout.policy_copy.exists()
    file.write_text("version: 1\n# again\n")
    copy.run_once()
    assert layout.policy_copy.read_text() == "version: 1\n# again\n"
    file.unlink()
    copy.run_once()
    assert not layout.policy_copy.exists()


def test_an_unchanged_file_is_not_copied_again(tmp_path: Path) -> None:
    file, layout = tmp_path / "policy.yaml", Layout(tmp_path / "data")
    file.write_text("version: 1\n")
    copy = PolicyCopy(file, layout, ManualClock())
    copy.run_once()
    before = layout.policy_copy.stat().st_ino
    copy.run_once()
    assert layout.policy_copy.stat().st_ino == before
