"""Decodes the packets of a worker's checkpoints in turns, on a limited number of cores.

Without turns the operating system divides the cores among all checkpoints that have packets, so all
their groups of pictures are decoded late, and at the same time. In turns, what is not settled comes
first (`turns.py`). A turn lasts until the next frame that is analysed.
"""

from __future__ import annotations

from domain.clock import Clock
from ingest.frames.turn import DecodeTurn
from sightline.cameras.turns import InView, Turns

MOST_S = 0.1
"""A turn without a frame ends after this time if another camera waits. The first packets of a group
may all lie before the frames that are analysed.
"""


class CameraDecodeTurn(DecodeTurn):
    """The turns of one camera. One thread at a time uses it."""

    def __init__(self, camera_id: str, turns: Turns, clock: Clock) -> None:
        self._camera_id = camera_id
        self._turns = turns
        self._clock = clock
        self._began_s: float | None = None
        """When the turn began that it has."""
        self.in_view = InView.NOTHING
        """What the last frame showed."""

    def begin(self) -> None:
        if self._began_s is not None:
            if not self._turns.has_waiting or self._clock.monotonic_s() - self._began_s < MOST_S:
                return
            self.end()
        self._began_s = self._turns.begin(self._camera_id, self.in_view)

    def end(self) -> None:
        if self._began_s is not None:
            self._turns.end(self._camera_id, self._began_s)
            self._began_s = None
