"""What a data folder takes besides recordings: on one machine the stores' own data, the spool,
logs. Recordings make room for it.

The audit log does not count: it has a bound of its own, and requests from outside make it grow.
"""

from __future__ import annotations

from pathlib import Path

from domain.clock import Clock
from domain.paths.data_layout import Layout

_AGAIN_S = 30.0


class OtherDiskUsage:
    """Counted anew every half minute at most: it changes slowly, and the stores hold it in few
    large files.
    """

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._layout = layout
        self._clock = clock
        self._due_s = float("-inf")
        self._size_bytes = 0

    def size_bytes(self) -> int:
        """Bytes on disk of everything under the data folder but recordings and the audit log."""
        if self._clock.monotonic_s() >= self._due_s:
            self._due_s = self._clock.monotonic_s() + _AGAIN_S
            left_out = (self._layout.recordings, self._layout.audit)
            self._size_bytes = sum(
                _on_disk(folder) for folder in self._layout.root.iterdir() if folder not in left_out
            )
        return self._size_bytes


def _on_disk(path: Path) -> int:
    """Blocks really taken: the stores make files with holes. What vanishes while it is counted
    takes nothing.
    """
    try:
        size_bytes = path.lstat().st_blocks * 512
        if path.is_dir() and not path.is_symlink():
            size_bytes += sum(_on_disk(child) for child in path.iterdir())
    except FileNotFoundError:
        return 0
    return size_bytes
