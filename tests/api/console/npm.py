"""Node.js and the packages of the console, for tests that run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S

CONSOLE = Path(__file__).parents[3] / "console"
MODULES = CONSOLE / "node_modules"
NODE = Path(sys.prefix) / "bin" / "node"


def run_node(*arguments: str | Path) -> str:
    """Run Node.js in the folder of the console and return its output; fail with its errors.

    The test is skipped without the packages of the console.
    """
    if not (MODULES / "vite").is_dir():
        pytest.skip("the packages of npm are absent: run `make install`")
    done = subprocess.run(
        [NODE, *arguments],
        cwd=CONSOLE,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return done.stdout
