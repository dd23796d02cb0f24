"""What the people who placed watches may see, for the node that matches.

A node lacks the people key, so it uses the records in Redis as they are. It decides only what a
watch finds; the API verifies the record of each person who reads a match.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.camera_scope import VisibleCameras
from domain.clock import Clock
from domain.errors import IndexUnavailable
from domain.people import Right
from domain.registry.visible_cameras import visible_cameras
from sightline.cluster.site_registry import Running
from storage.site.people_index import PeopleIndex

READ_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class _Owner:
    """A person with the right to watches."""

    added_at_ns: int
    visible: VisibleCameras


class WatchOwners:
    """Looks up people at most every few seconds. Only one thread may use it."""

    def __init__(self, people: PeopleIndex, registry: Callable[[], Running], clock: Clock) -> None:
        self._people = people
        self._registry = registry
        self._clock = clock
        self._read_s = float("-inf")
        self._owners: dict[str, _Owner | None] = {}

    def sees(self, owner: str, placed_at_ns: int, camera_id: str) -> bool:
        """Return whether a person has the right to watches and may see this camera.

        A watch that was placed before the person was added is of a removed person of the same
        name. Raises IndexUnavailable, also if Redis has no people at all: it was emptied, and the
        events are matched once it is rebuilt.
        """
        if self._clock.monotonic_s() - self._read_s >= READ_EVERY_S:
            if not self._people.names():
                raise IndexUnavailable("Redis has no people; run `sightline index rebuild`")
            self._owners.clear()
            self._read_s = self._clock.monotonic_s()
        if owner not in self._owners:
            self._owners[owner] = self._find(owner)
        found = self._owners[owner]
        if found is None or placed_at_ns < found.added_at_ns:
            return False
        return camera_id in found.visible

    def _find(self, owner: str) -> _Owner | None:
        record = self._people.unverified(owner)
        if record is None or record.removed_at is not None:
            return None
        if not record.has(Right.WATCHES):
            return None
        now = self._registry()
        visible = visible_cameras(record.scope, now.registry, now.former)
        return _Owner(record.added_at, visible)
