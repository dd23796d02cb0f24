"""A budget of bytes that all open responses of a process share."""

from __future__ import annotations

import threading

SHARED_BYTES = 32 << 20
"""What responses hold together, in addition to the least that each of them needs."""


class ByteBudget:
    """Bytes that responses may hold in addition to their least, which is one chunk. Thread-safe.

    No response waits for it: one that gets nothing goes on chunk by chunk. So clients that read
    slowly, and hold all of it, delay no other.
    """

    def __init__(self, size_bytes: int = SHARED_BYTES) -> None:
        self._lock = threading.Lock()
        self._left_bytes = size_bytes

    @property
    def left_bytes(self) -> int:
        with self._lock:
            return self._left_bytes

    def take(self, most_bytes: int) -> int:
        """Take what is left, up to so many bytes; return how many. The caller gives them back."""
        with self._lock:
            taken = min(most_bytes, self._left_bytes)
            self._left_bytes -= taken
            return taken

    def take_all(self, size_bytes: int) -> bool:
        """Take so many bytes if they are left; return whether they were."""
        with self._lock:
            is_enough = size_bytes <= self._left_bytes
            self._left_bytes -= size_bytes if is_enough else 0
            return is_enough

    def give(self, size_bytes: int) -> None:
        """Give bytes back."""
        with self._lock:
            self._left_bytes += size_bytes
