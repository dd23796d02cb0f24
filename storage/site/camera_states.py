"""What the workers say of their cameras, in Redis, for as long as they keep saying it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from domain.camera_states import CameraStatus
from domain.stored_model import unreadable
from storage.clients.redis import Redis, maybe_texts

FRESH_FOR_S = 15
"""A camera not published for this long has no state: its node may be dead, and what it last
said is no longer known.
"""
_STATUS = TypeAdapter(CameraStatus)
_log = logging.getLogger(__name__)


class CameraStates:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def publish(self, statuses: Sequence[CameraStatus]) -> None:
        """Say how cameras are; to be said again well within `FRESH_FOR_S`."""
        self._redis.do_all(
            [
                ("SET", _key(status.camera_id), _STATUS.dump_json(status), "EX", FRESH_FOR_S)
                for status in statuses
            ]
        )

    def get(self, camera_ids: Sequence[str]) -> dict[str, CameraStatus]:
        """The states of those of `camera_ids` that somebody reports."""
        if not camera_ids:
            return {}
        stored = maybe_texts(self._redis.do("MGET", *(_key(camera_id) for camera_id in camera_ids)))
        statuses = (_parsed(text) for text in stored if text is not None)
        return {status.camera_id: status for status in statuses if status is not None}


def _parsed(text: str) -> CameraStatus | None:
    """None where another version of Sightline has a state that this one does not know."""
    try:
        return _STATUS.validate_json(text)
    except ValidationError as error:
        _log.warning("%s", unreadable("a camera's state", error))
        return None


def _key(camera_id: str) -> str:
    return f"{{state}}:{camera_id}"
