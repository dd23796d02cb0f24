"""When a viewer that was given the sub-stream, because it could not keep up, gets the main stream
back. Pure.
"""

from __future__ import annotations

RETURN_AFTER_S, MOST_RETURN_AFTER_S = 60.0, 960.0


class StreamRecovery:
    """The viewer must keep up for `RETURN_AFTER_S`, and for twice as long after each return."""

    def __init__(self) -> None:
        self.is_reduced = False
        """Whether the viewer was given the sub-stream, and has not got the main stream since."""
        self._since_s: float | None = None
        """Since when the viewer keeps up."""
        self._return_after_s = RETURN_AFTER_S

    def reduce(self) -> None:
        """Note that the viewer needs the sub-stream."""
        self.is_reduced, self._since_s = True, None

    def forget(self) -> None:
        """Note that the viewer has the main stream, or asked for a stream itself."""
        self.is_reduced, self._since_s = False, None

    def is_due(self, keeps_up: bool, now_s: float) -> bool:
        """Return whether it is time to return, given whether the viewer keeps up now."""
        if not self.is_reduced or not keeps_up:
            self._since_s = None
            return False
        if self._since_s is None:
            self._since_s = now_s
        if now_s - self._since_s < self._return_after_s:
            return False
        self._since_s = None
        self._return_after_s = min(MOST_RETURN_AFTER_S, 2 * self._return_after_s)
        return True
