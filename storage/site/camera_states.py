"""The states of cameras in Redis, as their workers publish them repeatedly."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from domain.camera_states import CameraStatus
from domain.stored_model import unreadable
from storage.clients.redis import Redis, maybe_texts

FRESH_FOR_S = 15
"""A camera has no state this long after it was last published: its node may be dead."""
_STATUS = TypeAdapter(CameraStatus)
_log = logging.getLogger(__name__)


class CameraStates:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def publish(self, statuses: Sequence[CameraStatus]) -> None:
        """Publish the states of cameras; call it again well within `FRESH_FOR_S`."""
        self._redis.do_all(
            [
                ("SET", _key(status.camera_id), _STATUS.dump_json(status), "EX", FRESH_FOR_S)
                for status in statuses
            ]
        )

    def get(self, camera_ids: Sequence[str]) -> dict[str, CameraStatus]:
        """Return the states of those of `camera_ids` that a worker publishes."""
        if not camera_ids:
            return {}
        stored = maybe_texts(self._redis.do("MGET", *(_key(camera_id) for camera_id in camera_ids)))
        statuses = (_parsed(text) for text in stored if text is not None)
        return {status.camera_id: status for status in statuses if status is not None}


def _parsed(text: str) -> CameraStatus | None:
    """Return the status, or None if another version of Sightline uses a state that this one does
    not know.
    """
    try:
        return _STATUS.validate_json(text)
    except ValidationError as error:
        _log.warning("%s", unreadable("a camera's state", error))
        return None


def _key(camera_id: str) -> str:
    return f"{{state}}:{camera_id}"
