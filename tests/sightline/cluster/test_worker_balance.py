"""Cameras are distributed evenly, each to one worker, and stay there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.events.event import Location
from domain.registry import Camera
from sightline.cluster.worker_balance import is_always_pulled, load_of, needed_workers, share


def _camera(
    number: int, plate: bool = False, enabled: bool = True, record: str = "continuous"
) -> Camera:
    return Camera.model_validate(
        {
            "id": f"cam-{number}",
            "name": "x",
            "class": "A",
            "area": "a",
            "location": Location(lon=0, lat=0),
            "record": record,
            "url": "rtsp://127.0.0.1/x",
            "checkpoint": ("plate",) if plate else (),
            "enabled": enabled,
        }
    )


Kinds = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30)


def _cameras(kinds: list[tuple[bool, bool]]) -> list[Camera]:
    return [
        _camera(number, plate, record="on_demand" if rare else "continuous")
        for number, (plate, rare) in enumerate(kinds)
    ]


def _loads(cameras: list[Camera], placed: dict[str, int], workers: int) -> list[float]:
    return [
        sum(load_of(camera) for camera in cameras if placed[camera.id] == worker)
        for worker in range(workers)
    ]


def _checkpoints(cameras: list[Camera], placed: dict[str, int], workers: int) -> list[int]:
    return [
        sum(bool(camera.checkpoint) for camera in cameras if placed[camera.id] == worker)
        for worker in range(workers)
    ]


@given(Kinds, st.integers(1, 5))
def test_each_camera_has_one_worker_and_the_loads_are_even(
    kinds: list[tuple[bool, bool]], workers: int
) -> None:
    cameras = _cameras(kinds)
    placed = share(cameras, workers, {})
    assert placed.keys() == {camera.id for camera in cameras}
    assert set(placed.values()) <= set(range(workers))
    loads = _loads(cameras, placed, workers)
    assert max(loads) - min(loads) <= max(map(load_of, cameras), default=0)


@given(Kinds, st.sets(st.integers(0, 29)), st.integers(1, 5))
def test_a_camera_that_need_not_move_stays(
    kinds: list[tuple[bool, bool]], removed: set[int], workers: int
) -> None:
    cameras = _cameras(kinds)
    before = share(cameras, workers, {})
    assert share(cameras, workers, before) == before
    left = [camera for number, camera in enumerate(cameras) if number not in removed]
    after = share(left, workers, before)
    moved = [camera for camera in left if after[camera.id] != before[camera.id]]
    checkpoints = _checkpoints(left, before, workers)
    if max(checkpoints) - min(checkpoints) < 2:
        assert not any(camera.checkpoint for camera in moved)
    evened = _checkpoints(left, after, workers)
    assert max(evened) - min(evened) < 2
    assert share(left, workers, after) == after
    assert share(cameras, workers, before | after).keys() == before.keys()


def test_a_worker_that_lost_its_cameras_gets_some_of_the_others() -> None:
    cameras = [_camera(number) for number in range(24)]
    before = share(cameras, 2, {})
    left = [camera for camera in cameras if before[camera.id] == 0]
    after = share(left, 2, before)
    assert sorted(_loads(left, after, 2)) == [5, 7]
    assert share(cameras, 1, before) == {camera.id: 0 for camera in cameras}


def test_checkpoints_are_dealt_out_first_and_who_has_one_more_records_fewer_others() -> None:
    cameras = [_camera(number, plate=number % 20 == 7) for number in range(100)]
    placed = share(cameras, 2, {})
    checkpoints = [
        sum(camera.checkpoint != () for camera in cameras if placed[camera.id] == worker)
        for worker in (0, 1)
    ]
    others = [
        sum(camera.checkpoint == () for camera in cameras if placed[camera.id] == worker)
        for worker in (0, 1)
    ]
    assert checkpoints == [3, 2]
    assert others == [23, 72]


def test_two_checkpoints_do_not_share_a_worker_while_another_has_none() -> None:
    cameras = [_camera(1, plate=True), _camera(2, plate=True)]
    placed = share(cameras, 2, {"cam-1": 0, "cam-2": 0})
    assert sorted(placed.values()) == [0, 1]
    assert share(cameras, 2, placed) == placed


def test_a_new_checkpoint_gets_the_worker_without_one_that_records_many_cameras() -> None:
    others = [_camera(number) for number in range(80)]
    before = {camera.id: 0 for camera in others} | {"cam-90": 1}
    cameras = [*others, _camera(90, plate=True), _camera(91, plate=True)]
    placed = share(cameras, 2, before)
    assert (placed["cam-90"], placed["cam-91"]) == (1, 0)


def test_a_checkpoint_is_pulled_also_where_its_class_records_on_demand() -> None:
    assert is_always_pulled(_camera(1))
    assert not is_always_pulled(_camera(1, record="on_demand"))
    assert is_always_pulled(_camera(1, plate=True, record="on_demand"))


def test_a_site_has_a_worker_for_each_checkpoint_and_enough_for_the_other_cameras() -> None:
    assert needed_workers([], 4) == 1
    assert needed_workers([_camera(number) for number in range(64)], 4) == 1
    assert needed_workers([_camera(number) for number in range(65)], 4) == 2
    assert needed_workers([_camera(number) for number in range(65)], 1) == 1
    few = [_camera(number) for number in range(3)]
    assert needed_workers([*few, _camera(3, plate=True)], 4) == 1
    two = [_camera(103, plate=True), _camera(104, plate=True)]
    assert needed_workers([*few, *two], 4) == 2
    assert needed_workers([*(_camera(number) for number in range(8)), *two], 4) == 2
    assert needed_workers([*(_camera(number) for number in range(9)), *two], 4) == 3
    assert needed_workers([*(_camera(number) for number in range(64)), two[0]], 16) == 2
    assert needed_workers([*(_camera(number) for number in range(64)), two[0]], 1) == 1
