"""Starts this command again in this process, with the variables of the system only.

The others, which may be secret, wait in a file in memory. The command reads it after it has forked
the fork server, whose memory every process of the instance shares.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from sightline.forking.request import decoded_environment, encoded_environment

_DESCRIPTOR = "ENVIRONMENT_DESCRIPTOR"
"""The variable that names the descriptor of the file."""


def start_again(environment: Mapping[str, str]) -> None:
    """Start again with `environment`, unless that has been done. Raises OSError if it fails."""
    if _DESCRIPTOR in os.environ:
        return
    whole = os.memfd_create("environment", 0)
    try:
        with os.fdopen(os.dup(whole), "wb") as file:
            file.write(encoded_environment(os.environ))
        os.lseek(whole, 0, os.SEEK_SET)
        os.execve(  # noqa: S606 - it is the command of the user
            sys.executable,
            (sys.executable, *sys.orig_argv[1:]),
            {**environment, _DESCRIPTOR: str(whole)},
        )
    finally:
        os.close(whole)


def forget_whole() -> None:
    """Close the file without reading it, in the fork server."""
    os.close(int(os.environ.pop(_DESCRIPTOR)))


def restore_whole() -> None:
    """Restore the variables with which the command was started."""
    with os.fdopen(int(os.environ.pop(_DESCRIPTOR)), "rb") as file:
        os.environ.update(decoded_environment(file.read()))
