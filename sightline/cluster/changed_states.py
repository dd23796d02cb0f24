"""Selects the states of cameras that must be published now."""

from __future__ import annotations

from collections.abc import Iterable

from domain.camera_states import CameraStatus

REPEAT_AFTER_S = 5.0
"""An unchanged state is published this often. It expires after `FRESH_FOR_S`, which is three times
as long.
"""


class ChangedStates:
    """The states that a node published. Most of thousands of unreachable cameras do not change."""

    def __init__(self) -> None:
        self._published: dict[str, tuple[CameraStatus, float]] = {}

    def due(self, statuses: Iterable[CameraStatus], now_s: float) -> list[CameraStatus]:
        """Return the states that changed or were last published `REPEAT_AFTER_S` ago."""
        return [status for status in statuses if self._is_due(status, now_s)]

    def _is_due(self, status: CameraStatus, now_s: float) -> bool:
        before, at_s = self._published.get(status.camera_id, (None, 0.0))
        return status != before or now_s - at_s >= REPEAT_AFTER_S

    def published(self, statuses: Iterable[CameraStatus], now_s: float) -> None:
        """Record that these states were published."""
        self._published |= {status.camera_id: (status, now_s) for status in statuses}

    def forget_except(self, camera_ids: Iterable[str]) -> None:
        """Forget the states of all other cameras, which this node no longer publishes."""
        self._published = {
            name: self._published[name] for name in camera_ids if name in self._published
        }
