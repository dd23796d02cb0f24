"""Copies the policy file into the data folder, where the confined processes of the API read it.

The API may read no file of the folder that the policy file is in, which can hold passwords.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from domain.clock import Clock
from domain.paths.data_layout import Layout
from sightline.processes.private_files import write_atomically

_log = logging.getLogger(__name__)
FOLLOW_EVERY_S = 1.0
FileMark = tuple[int, int, int]


def file_mark(file: Path) -> FileMark:
    """Return what identifies the state of a file."""
    try:
        stat = file.stat()
    except OSError:
        return -1, 0, 0
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


class PolicyCopy:
    """Keeps the copy up to date; a job of the supervisor's process."""

    def __init__(self, file: Path, layout: Layout, clock: Clock) -> None:
        self._file = file.resolve()
        self._copy = layout.policy_copy
        self._clock = clock
        self._seen: FileMark | None = None

    def run(self, stop: threading.Event) -> None:
        while not self._clock.wait(stop, FOLLOW_EVERY_S):
            self.run_once()

    def run_once(self) -> None:
        """Copy the file if it has changed. Without a copy, the API keeps its last valid policy."""
        mark = file_mark(self._file)
        if mark == self._seen:
            return
        try:
            write_atomically(self._copy, self._file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            _log.error("the policy file %s cannot be read: %s", self._file, error)
            self._copy.unlink(missing_ok=True)
        self._seen = mark
