"""`make install` shows how far it is, and says what to do where pip fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "requirements" / "install.py"
LOCK = SCRIPT.with_name("run.txt")


def _install(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, str(SCRIPT), "packages", str(LOCK), *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_progress_is_shown_of_packages_that_are_there_already() -> None:
    done = _install("install", "--no-deps", "--no-index", "--require-hashes", "-r", str(LOCK))
    total = sum("==" in line for line in LOCK.read_text("utf-8").splitlines())
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first.startswith(f"packages: 10 of {total} (")
    assert last == "packages: done"
    assert done.stderr == ""


def test_a_failure_shows_what_pip_said_and_what_to_do() -> None:
    failed = _install("download", "--no-index", "--no-deps", "no-such-package==1")
    assert failed.returncode == 1
    assert "no-such-package" in failed.stderr
    assert "look at the network and the proxy" in failed.stderr
    assert "done" not in failed.stdout
