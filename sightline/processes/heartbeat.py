"""Whether a child process that is alive still does anything."""

from __future__ import annotations

from pathlib import Path

from sightline.processes.writable import why_unwritable

HANGS_AFTER_S = 10.0
"""A child that has beaten and then does not for so long hangs."""
_BEATS_WITHIN_S = 60.0
"""And one that has not yet since it was started, for so long: it may have much to put in order
first.
"""


class Heartbeat:
    """Whether a child goes on touching its file: by when that was seen to change, so that nobody's
    clock matters.

    Where nothing can be written, silence says nothing about the child. It counts anew once its file
    can be touched again.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._since_s = 0.0
        self._patience_s = _BEATS_WITHIN_S
        self._touched_ns = self._touched()

    def start(self, now_s: float) -> None:
        """The child was started."""
        self._since_s, self._patience_s, self._touched_ns = now_s, _BEATS_WITHIN_S, self._touched()

    def silent_s(self, now_s: float) -> float | None:
        """For how long it has been silent, where that is too long."""
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
