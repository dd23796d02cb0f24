"""A command whose fork server cannot be forked from itself still has one."""

from __future__ import annotations

import errno
import os
import signal
import threading
from pathlib import Path

import pytest

from domain.clock import SystemClock
from sightline.forking.client import ForkServer
from sightline.forking.request import ForkRequest
from sightline.processes import preloading

CLOCK = SystemClock()


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
        assert process.wait(10) == 7
    finally:
        server.stop()
