"""What is loaded before processes are forked, and a command that cannot fork its fork server."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from domain.clock import SystemClock
from sightline.arguments.serving import API_MODULES, NODE_MODULES
from sightline.forking.client import ForkServer
from sightline.forking.request import ForkRequest
from sightline.processes import preloading
from tests.waiting import PATIENCE_S

CLOCK = SystemClock()
NOT_USED = (
    "authlib", "cffi", "cv2", "duckdb", "joserfc", "onnxruntime", "pyarrow",
    "pydantic.v1", "pygments", "rich",
)  # fmt: skip
"""Large libraries. A process that needs one loads it: a checkpoint, or a search of the archive."""
LOAD = f"""
import json, sys
from pathlib import Path
from sightline.forking.preloading import load
from sightline.processes.preloading import fork_server
load(("sightline.commands.up", *fork_server(sys.argv[2:], Path(sys.argv[1])).modules))
print(json.dumps([name for name in {NOT_USED!r} if sys.modules.get(name)]))
"""


def test_libraries_that_few_processes_use_are_not_loaded_before_the_fork(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOAD, str(tmp_path), *NODE_MODULES, *API_MODULES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_a_command_that_cannot_start_again_starts_the_fork_server_as_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(os, "memfd_create", fail)
    (tmp_path / "program.py").write_text("def main():\n    raise SystemExit(7)\n")
    server = ForkServer(["program"], {"PYTHONPATH": str(tmp_path)}, tmp_path / "fork.log")
    variables = dict(os.environ)
    try:
        assert preloading.split_off(server, "not imported") is None
        assert "a start failed" in caplog.text
        assert dict(os.environ) == variables
        server.wait_loaded(threading.Event(), CLOCK)
        process = server.fork(ForkRequest("program", (), signal.SIGTERM), {"OWN": "1"}, ())
        assert process is not None
        assert process.wait(PATIENCE_S) == 7
    finally:
        server.stop()


@pytest.mark.parametrize("name", [*preloading._OF_ALL, *preloading._OF_SERVERS])
def test_modules_that_are_loaded_by_name_are_installed_at_a_site(name: str) -> None:
    locked = (Path(__file__).parents[3] / "requirements" / "run.txt").read_text()
    packages = packages_distributions()[name.partition(".")[0]]
    assert any(f"\n{package.lower()}==" in f"\n{locked}" for package in packages), packages
