"""What the people who placed watches may see, for the node that matches.

A node lacks the people key, so it uses the records in Redis as they are. It decides only what a
watch finds; the API verifies the record of each person who reads a match.
"""

from __future__ import annotations

from collections.abc import Callable

from domain.camera_scope import VisibleCameras
from domain.clock import Clock
from domain.errors import IndexUnavailable
from domain.people import Right
from domain.registry.visible_cameras import visible_cameras
from sightline.cluster.site_registry import Running
from storage.site.people_index import PeopleIndex

READ_EVERY_S = 2.0


class WatchOwners:
    """Looks up people at most every few seconds. Only one thread may use it."""

    def __init__(self, people: PeopleIndex, registry: Callable[[], Running], clock: Clock) -> None:
        self._people = people
        self._registry = registry
        self._clock = clock
        self._read_s = float("-inf")
        self._visible: dict[str, VisibleCameras | None] = {}

    def sees(self, owner: str, camera_id: str) -> bool:
        """Return whether a person has the right to watches and may see this camera.

        Raises IndexUnavailable, also if Redis has no people at all: it was emptied, and the events
        are matched once it is rebuilt.
        """
        if self._clock.monotonic_s() - self._read_s >= READ_EVERY_S:
            if not self._people.names():
                raise IndexUnavailable("Redis has no people; run `sightline index rebuild`")
            self._visible.clear()
            self._read_s = self._clock.monotonic_s()
        if owner not in self._visible:
            self._visible[owner] = self._find(owner)
        visible = self._visible[owner]
        return visible is not None and camera_id in visible

    def _find(self, owner: str) -> VisibleCameras | None:
        record = self._people.unverified(owner)
        if record is None or record.removed_at is not None:
            return None
        if not record.has(Right.WATCHES):
            return None
        now = self._registry()
        return visible_cameras(record.scope, now.registry, now.former)
