"""Which states of cameras a node publishes: changes at once, and all others every few seconds."""

from __future__ import annotations

from dataclasses import replace

from domain.camera_states import CameraState, CameraStatus
from sightline.cluster.changed_states import REPEAT_AFTER_S, ChangedStates
from storage.site.camera_states import FRESH_FOR_S

DOWN = [CameraStatus(f"c-{number}", CameraState.UNREACHABLE, 0) for number in range(3)]


def _publish(updates: ChangedStates, statuses: list[CameraStatus], now_s: float) -> list[str]:
    due = updates.due(statuses, now_s)
    updates.published(due, now_s)
    return [status.camera_id for status in due]


def test_an_unchanged_state_is_published_only_before_it_expires() -> None:
    updates, names = ChangedStates(), [status.camera_id for status in DOWN]
    assert _publish(updates, DOWN, 0.0) == names
    assert _publish(updates, DOWN, 1.0) == []
    changed = replace(DOWN[1], reconnects=1)
    assert _publish(updates, [DOWN[0], changed, DOWN[2]], 2.0) == ["c-1"]
    assert _publish(updates, [DOWN[0], changed, DOWN[2]], REPEAT_AFTER_S) == ["c-0", "c-2"]
    assert 3 * REPEAT_AFTER_S <= FRESH_FOR_S


def test_a_state_that_was_not_published_stays_due() -> None:
    updates = ChangedStates()
    assert updates.due(DOWN, 0.0) == updates.due(DOWN, 0.1) == DOWN


def test_a_camera_that_comes_back_is_published_at_once() -> None:
    updates = ChangedStates()
    _publish(updates, DOWN, 0.0)
    updates.forget_except(["c-0"])
    assert _publish(updates, DOWN, 1.0) == ["c-1", "c-2"]
