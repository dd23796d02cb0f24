"""Which node holds which camera, by a fencing number that only rises.

A node gives a camera up on seeing a higher number, never on seeing none.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass

from domain.errors import IndexUnavailable, StoreError
from domain.layout import Layout
from storage.redis_door import Redis, number, text

_log = logging.getLogger(__name__)

# Above the last one here, the last one this node held, and the seconds of the server's clock: so it rises even over an emptied Redis.
_TAKE = """
local held = redis.call('HGET', KEYS[1], 'fence') or '0'
local fence = math.max(tonumber(held) + 1, tonumber(ARGV[1]) + 1, tonumber(redis.call('TIME')[1]))
redis.call('HSET', KEYS[1], 'node', ARGV[2], 'door_url', ARGV[3], 'fence', string.format('%.0f', fence))
return fence
"""


@dataclass(frozen=True, slots=True)
class Lease:
    node: str
    door_url: str
    fence: int


class Leases:
    def __init__(self, redis: Redis, layout: Layout) -> None:
        self._redis = redis
        self._layout = layout

    def take(self, camera_id: str, node: str, door_url: str) -> int:
        """Take a camera; the fencing number, higher than any before. Where Redis is away: the last that this node held, with a warning.

        Raises StoreError where the disk does not take it down.
        """
        last = self._last_fence(camera_id)
        try:
            fence = number(self._redis.do("EVAL", _TAKE, 1, _key(camera_id), last, node, door_url))
        except IndexUnavailable as error:
            _log.warning("camera %s goes on under its last fencing number %d, its lease cannot be renewed: %s", camera_id, last, error)
            return last
        self._keep_fence(camera_id, fence)
        return fence

    def holder(self, camera_id: str) -> Lease | None:
        """Who holds a camera, or None. Raises IndexUnavailable."""
        found = self._redis.do_all([("HGET", _key(camera_id), field) for field in ("node", "door_url", "fence")])
        node, door_url, fence = (text(value) for value in found)
        return None if node is None or door_url is None or fence is None else Lease(node, door_url, int(fence))

    def _last_fence(self, camera_id: str) -> int:
        try:
            return int(json.loads((self._layout.fences / camera_id).read_text("utf-8")))
        except FileNotFoundError:
            return 0
        except ValueError:
            _log.warning("the fencing number kept for camera %s cannot be read; starting from 0", camera_id)
            return 0

    def _keep_fence(self, camera_id: str, fence: int) -> None:
        path = self._layout.fences / camera_id
        unfinished = path.with_name(f".{camera_id}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(str(fence), "utf-8")
            unfinished.replace(path)
        except OSError as error:
            raise StoreError(f"the fencing number of camera {camera_id} cannot be written: {error}") from error


def _key(camera_id: str) -> str:
    return f"lease:{camera_id}"
