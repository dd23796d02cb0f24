"""The days of a camera in whose folders no segment was left unfinished, so that a start lists only
the folders that were changed since. A day has thousands of names, and a camera has months of days.

The file `recordings/<camera>/recovered` has a line for each day: its name, and the time of the last
change of its folder. It is derived: without it, all folders are listed once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path


class RecoveredDays:
    """The file of one camera."""

    def __init__(self, folder: Path) -> None:
        """`folder` is that of the camera, with a folder for each day."""
        self._file = folder / "recovered"
        self._known = _read(self._file)

    def changed(self, days: Sequence[Path]) -> dict[Path, int]:
        """Return those of `days` that were changed since they were recovered, each with the time of
        its last change (ns). Raises OSError.

        A recorder opens a file some tenths of a second later, so that it changes the time, whatever
        its resolution is.
        """
        changed: dict[Path, int] = {}
        for day in days:
            with suppress(FileNotFoundError):  # deleted with its last segment
                changed_ns = day.stat().st_ctime_ns
                if self._known.get(day.name) != changed_ns:
                    changed[day] = changed_ns
        return changed

    def add(self, days: Mapping[Path, int], existing: Iterable[Path]) -> None:
        """Note that no segment of `days` is unfinished as of the given times. Days that are not
        among the `existing` ones are forgotten. A disk that refuses causes another listing.
        """
        known = self._known | {day.name: time for day, time in days.items()}
        kept = {name: known[name] for name in sorted(day.name for day in existing) if name in known}
        if kept == self._known:
            return
        self._known = kept
        unfinished = self._file.with_name(f".recovered.{os.getpid()}")
        with suppress(OSError):
            unfinished.write_text("".join(f"{name} {time}\n" for name, time in kept.items()))
            unfinished.replace(self._file)


def _read(file: Path) -> dict[str, int]:
    try:
        lines = file.read_text("ascii").splitlines()
        return {name: int(time) for name, time in (line.split(" ") for line in lines)}
    except (OSError, ValueError):
        return {}
