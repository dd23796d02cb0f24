"""Runs the fork server of an instance."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from domain.paths.data_layout import Layout
from sightline.forking.client import ForkServer
from sightline.processes.environment import SYSTEM

LAUNCH = "sightline.confinement.launch"
"""The module that confines a process and then runs another module in it."""


@contextmanager
def started_fork_server(modules: Sequence[str], data: Path) -> Iterator[ForkServer]:
    """Run a process that loads `modules`, from which those of the instance are forked."""
    log = Layout(data.resolve()).logs / "fork-server.log"
    server = ForkServer((LAUNCH, *modules), SYSTEM.select(os.environ), log)
    server.start()
    try:
        yield server
    finally:
        server.stop()
