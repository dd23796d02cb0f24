"""Cameras are dealt out evenly, each to one worker, the same for everyone who asks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.events import Location
from domain.registry import Camera
from sightline.share import is_always_pulled, share


def _camera(number: int, plate: bool = False, enabled: bool = True, record: str = "continuous") -> Camera:
    return Camera.model_validate(
        {
            "id": f"cam-{number}", "name": "x", "class": "A", "area": "a", "location": Location(lon=0, lat=0), "record": record,
            "url": "rtsp://127.0.0.1/x", "checkpoint": ("plate",) if plate else (), "enabled": enabled,
        }
    )  # fmt: skip


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30), st.integers(1, 5))
def test_each_enabled_camera_has_one_worker_and_checkpoints_are_spread(kinds: list[tuple[bool, bool]], workers: int) -> None:
    cameras = [_camera(number, plate, enabled) for number, (plate, enabled) in enumerate(kinds)]
    shares = [share(cameras, index, workers) for index in range(workers)]
    dealt = sorted(camera.id for part in shares for camera in part)
    assert dealt == sorted(camera.id for camera in cameras if camera.enabled)
    for sizes in ([len(part) for part in shares], [sum(bool(camera.checkpoint) for camera in part) for part in shares]):
        assert max(sizes) - min(sizes) <= 1


def test_a_checkpoint_is_pulled_also_where_its_class_records_on_demand() -> None:
    assert is_always_pulled(_camera(1))
    assert not is_always_pulled(_camera(1, record="on_demand"))
    assert is_always_pulled(_camera(1, plate=True, record="on_demand"))
