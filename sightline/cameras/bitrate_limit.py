"""Checks whether a camera exceeds its `max_bitrate_kbps` on average over the last minute."""

from __future__ import annotations

from collections import deque

from domain.metrics import CAMERA_OVER_LIMIT

MINUTE = 60
"""The number of samples in a minute; there is one a second."""


class BitrateLimit:
    """Averages the bitrate of one camera; `is_over` has the result."""

    def __init__(self, camera_id: str, limit_kbps: int | None) -> None:
        self.is_over = False
        self._limit_bps = None if limit_kbps is None else limit_kbps * 1000
        self._samples: deque[int] = deque(maxlen=MINUTE)
        if limit_kbps is not None:
            self._metric = CAMERA_OVER_LIMIT.labels(camera_id)

    def feed(self, bitrate_bps: int) -> None:
        """Add a sample. 0 is ignored: the camera is down, or its bitrate is not measured yet.

        While the camera is not pulled, the last result stays.
        """
        if self._limit_bps is None or not bitrate_bps:
            return
        self._samples.append(bitrate_bps)
        if len(self._samples) == MINUTE:
            self.is_over = sum(self._samples) > self._limit_bps * MINUTE
            self._metric.set(int(self.is_over))
