"""Whether a decoder makes pictures of what a camera sends. Pure."""

from __future__ import annotations

from ingest.health.freeze_detection import Moment

LASTED_S = 20.0
"""Without a picture for this long, a camera's stream counts as undecodable."""
AT_LEAST = 3
"""One damaged picture is no verdict, however rarely the camera is decoded."""
LAPSES_S = 300.0
"""Failures older than this say nothing about now: the camera may not be decoded any more."""


class DecodeFailures:
    """One camera's failures since its last picture, over all its connections.

    The decoding thread reports; any thread may ask.
    """

    def __init__(self) -> None:
        self._run: tuple[Moment, Moment, int] | None = None
        """The first and the last failure since the last picture, and how many there were."""

    def decoded(self) -> None:
        """A whole picture was decoded."""
        self._run = None

    def failed(self, now: Moment) -> None:
        """What the camera sent gave an error or a damaged picture."""
        first, _, count = self._run or (now, now, 0)
        self._run = first, now, count + 1

    def since(self, now: Moment) -> Moment | None:
        """The first failure, where no picture has been decoded for long enough to say so."""
        run = self._run
        if run is None:
            return None
        first, last, count = run
        is_long = last.s - first.s >= LASTED_S and count >= AT_LEAST
        return first if is_long and now.s - last.s <= LAPSES_S else None
