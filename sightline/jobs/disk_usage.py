"""The disk usage of a data folder without its recordings, which leave room for it.

On one machine it includes the data of the stores, the spool and logs. The audit log does not count:
it has its own limit, and requests from outside make it grow.
"""

from __future__ import annotations

from pathlib import Path

from domain.clock import Clock
from domain.paths.data_layout import Layout

_CACHED_S = 30.0


class OtherDiskUsage:
    """Measures the usage at most every half minute, because it changes slowly."""

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._layout = layout
        self._clock = clock
        self._due_s = float("-inf")
        self._size_bytes = 0

    def size_bytes(self) -> int:
        """Return the size on disk of the data folder without recordings and the audit log."""
        if self._clock.monotonic_s() >= self._due_s:
            self._due_s = self._clock.monotonic_s() + _CACHED_S
            left_out = (self._layout.recordings, self._layout.audit)
            self._size_bytes = sum(
                _on_disk(folder) for folder in self._layout.root.iterdir() if folder not in left_out
            )
        return self._size_bytes


def _on_disk(path: Path) -> int:
    """Return the size of the allocated blocks, because the stores create sparse files.

    Files that are deleted meanwhile count as 0.
    """
    try:
        size_bytes = path.lstat().st_blocks * 512
        if path.is_dir() and not path.is_symlink():
            size_bytes += sum(_on_disk(child) for child in path.iterdir())
    except FileNotFoundError:
        return 0
    return size_bytes
