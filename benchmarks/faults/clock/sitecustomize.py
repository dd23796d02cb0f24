"""A wall clock that can be set while a program runs. With this folder in PYTHONPATH, Python's wall
time differs from the true time by what a file states.

`PYTHON_CLOCK_FILE` names that file, which contains seconds. faketime is no alternative, because its
`clock_nanosleep` has no absolute times and Python's sleep fails.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_READ_EVERY_S = 0.1


class _Offset:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_s = 0.0
        self._ns = 0

    def ns(self) -> int:
        now_s = time.monotonic()
        if now_s - self._read_s > _READ_EVERY_S:
            self._read_s = now_s
            self._ns = int(self._file.read_text() or "0") * 1_000_000_000
        return self._ns


def _shift(file: Path) -> None:
    offset, true_ns = _Offset(file), time.time_ns
    time.time_ns = lambda: true_ns() + offset.ns()
    time.time = lambda: time.time_ns() / 1e9


_shift(Path(os.environ["PYTHON_CLOCK_FILE"]))
