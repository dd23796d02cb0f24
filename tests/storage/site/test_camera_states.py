"""What workers say of their cameras is known while they say it."""

from __future__ import annotations

from domain.camera_states import CameraState, CameraStatus
from storage.clients.redis import Redis, number
from storage.site.camera_states import FRESH_FOR_S, CameraStates


def test_a_state_comes_back_as_it_was_written(redis: Redis) -> None:
    said = [
        CameraStatus(
            "gate",
            CameraState.LIVE,
            5,
            codec="h264",
            width_px=1920,
            height_px=1080,
            fps=25.0,
            recorded_until_ns=9,
            node="n",
        ),
        CameraStatus("bridge", CameraState.WRONG_PASSWORD, 7, last_error="401"),
    ]
    states = CameraStates(redis)
    states.publish(said)
    assert states.get(["gate", "bridge", "unknown"]) == {
        status.camera_id: status for status in said
    }
    assert states.get([]) == {}
    states.publish([])


def test_a_state_expires_when_no_worker_publishes_it(redis: Redis) -> None:
    CameraStates(redis).publish([CameraStatus("gate", CameraState.LIVE, 5)])
    assert 0 < number(redis.do("TTL", "{state}:gate")) <= FRESH_FOR_S
