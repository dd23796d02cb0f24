"""Whether a camera keeps to its `max_bitrate_kbps`: said where it sends more over a whole
minute, and until it has kept to it for one.
"""

from __future__ import annotations

from collections import deque

from domain.metrics import CAMERA_OVER_LIMIT

MINUTE = 60
"""Samples, one a second."""


class BitrateLimit:
    def __init__(self, camera_id: str, limit_kbps: int | None) -> None:
        self.is_over = False
        self._limit_bps = None if limit_kbps is None else limit_kbps * 1000
        self._samples: deque[int] = deque(maxlen=MINUTE)
        self._metric = CAMERA_OVER_LIMIT.labels(camera_id)

    def feed(self, bitrate_bps: int) -> None:
        """What the camera sends now; 0 (it is down, or not yet measured) says nothing. While it
        is not pulled, the last word stays.
        """
        if self._limit_bps is None or not bitrate_bps:
            return
        self._samples.append(bitrate_bps)
        if len(self._samples) == MINUTE:
            self.is_over = sum(self._samples) > self._limit_bps * MINUTE
            self._metric.set(int(self.is_over))
