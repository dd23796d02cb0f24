"""The order of importance: class, then checkpoint, then priority; unknown cameras come first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.registry import Camera
from domain.registry.camera_priority import UNKNOWN, importance_of

drawn = st.tuples(st.sampled_from("ABC"), st.booleans(), st.integers(0, 9))


def camera(class_: str, checkpoint: bool, priority: int) -> Camera:
    return Camera.model_validate(
        {
            "id": "cam",
            "name": "cam",
            "class": class_,
            "area": "a",
            "location": {"lon": 0, "lat": 0},
            "url": "rtsp://10.0.0.1/1",
            "checkpoint": ["plate"] if checkpoint else [],
            "priority": priority,
        }
    )


def test_class_outweighs_checkpoint_and_checkpoint_outweighs_priority() -> None:
    ascending = [
        camera("C", False, 1),
        camera("C", False, 9),
        camera("C", True, 0),
        camera("B", False, 0),
        camera("B", True, 0),
        camera("A", False, 0),
        camera("A", True, 0),
        camera("A", True, 9),
    ]
    importances = [importance_of(one) for one in ascending]
    assert importances == sorted(set(importances))


@given(drawn)
def test_a_camera_that_left_the_registry_is_below_all_others(one: tuple[str, bool, int]) -> None:
    assert importance_of(camera(*one)) > UNKNOWN
