"""Runs the fork server of an instance."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from domain.log import set_levels
from domain.paths.data_layout import Layout
from domain.settings import Settings
from sightline.forking import system_environment
from sightline.forking.client import ForkServer
from sightline.forking.preloading import load
from sightline.processes.environment import SYSTEM

_log = logging.getLogger(__name__)
LAUNCH = "sightline.confinement.launch"
"""The module that confines a process and then runs another module in it."""

_OF_ALL = ("httpcore", "cryptography.hazmat.backends.openssl")
_OF_SERVERS = ("anyio._backends._asyncio", "uvicorn.lifespan.off")
"""Modules that libraries import when they are first used, in each process for itself otherwise."""


def fork_server(modules: Sequence[str], data: Path) -> ForkServer:
    """Return the server that loads `modules`, from which the instance's processes are forked."""
    log = Layout(data.resolve()).logs / "fork-server.log"
    return ForkServer((LAUNCH, *modules, *_OF_ALL, *_OF_SERVERS), SYSTEM.select(os.environ), log)


def split_off(server: ForkServer, command: str) -> Callable[[], None] | None:
    """Fork `server` from this process after it has loaded `command`, and before it has secrets.

    The command is started again for that, without variables that may be secret. Return None in the
    command, and in each process that the server forks the function that the process runs.
    """
    try:
        system_environment.start_again(server.environment)
    except OSError as error:
        _log.warning("the fork server has modules of its own, because a start failed: %s", error)
        server.start()
        return None
    load((command, *server.modules))
    set_levels()
    Settings()  # What pydantic makes at the first use is shared too.
    request = server.split_off(system_environment.forget_whole)
    if request is None:
        system_environment.restore_whole()
        return None
    main: Callable[[], None] = importlib.import_module(request.module).main
    return main
