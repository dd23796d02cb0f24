"""Detects that a decoder makes no pictures of a camera's stream. Pure."""

from __future__ import annotations

from ingest.health.freeze_detection import Moment

MIN_FAILING_S = 20.0
"""After this time without a picture, a camera's stream counts as undecodable."""
MIN_FAILURES = 3
"""The least number of failures, because a camera may be decoded rarely."""
MAX_FAILURE_AGE_S = 300.0
"""Older failures are ignored, because the camera may no longer be decoded."""


class DecodeFailures:
    """The decoding failures of one camera since its last picture, over all its connections.

    The decoding thread reports; any thread may read.
    """

    def __init__(self) -> None:
        self._run: tuple[Moment, Moment, int] | None = None
        """The first and the last failure since the last picture, and their number."""

    def decoded(self) -> None:
        """Record a whole decoded picture."""
        self._run = None

    def failed(self, now: Moment) -> None:
        """Record an error or a damaged picture."""
        first, _, count = self._run or (now, now, 0)
        self._run = first, now, count + 1

    def since(self, now: Moment) -> Moment | None:
        """Return the first failure if the failures have lasted long enough; otherwise None."""
        run = self._run
        if run is None:
            return None
        first, last, count = run
        is_long = last.s - first.s >= MIN_FAILING_S and count >= MIN_FAILURES
        return first if is_long and now.s - last.s <= MAX_FAILURE_AGE_S else None
