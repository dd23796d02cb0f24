"""Detects a child process that hangs, by its heartbeat file."""

from __future__ import annotations

from pathlib import Path

from sightline.processes.writable import why_unwritable

HANGS_AFTER_S = 10.0
"""A child hangs if its last heartbeat is older than this."""
_FIRST_WITHIN_S = 60.0
"""The limit for the first heartbeat after a start, because recovery may take a while."""


class Heartbeat:
    """Watches the heartbeat file of one child.

    It measures since the last observed change of the file, so no other clock matters. While the
    disk cannot be written, a missing heartbeat does not count.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._since_s = 0.0
        self._patience_s = _FIRST_WITHIN_S
        self._touched_ns = self._touched()

    def start(self, now_s: float) -> None:
        """Restart the measurement after a start of the child."""
        self._since_s, self._patience_s, self._touched_ns = now_s, _FIRST_WITHIN_S, self._touched()

    def silent_s(self, now_s: float) -> float | None:
        """Return the time since the last heartbeat if that is too long, otherwise None."""
        touched_ns = self._touched()
        if touched_ns != self._touched_ns:
            self._since_s, self._patience_s, self._touched_ns = now_s, HANGS_AFTER_S, touched_ns
        silent_s = now_s - self._since_s
        if silent_s <= self._patience_s:
            return None
        if why_unwritable(self._file.parent):
            self._since_s = now_s
            return None
        return silent_s

    def _touched(self) -> int | None:
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return None
