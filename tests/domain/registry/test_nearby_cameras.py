"""Cameras on the way and near a place, against looking at each camera."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.event import Location
from domain.geo import distance_m
from domain.registry import Camera, Registry
from domain.registry.nearby_cameras import DETOUR, DETOUR_M, MIN_LEG_M, CameraMap

places = st.tuples(st.floats(111.0, 112.0), st.floats(32.0, 33.0))


def cameras_at(points: list[tuple[float, float]]) -> tuple[Camera, ...]:
    entries = [
        {
            "id": f"c{n}",
            "name": f"camera {n}",
            "class": "A",
            "area": "a",
            "location": {"lon": lon, "lat": lat},
            "url": "rtsp://10.0.0.1/",
        }
        for n, (lon, lat) in enumerate(points)
    ]
    return Registry.model_validate(
        {"version": 1, "areas": {"a": {"name": "a"}}, "cameras": entries}
    ).cameras


def at(point: tuple[float, float]) -> Location:
    return Location(lon=point[0], lat=point[1])


@given(st.lists(places, max_size=12), places, places, st.integers(1, 5))
def test_cameras_are_those_of_looking_at_each(
    points: list[tuple[float, float]], a: tuple[float, float], b: tuple[float, float], most: int
) -> None:
    cameras = cameras_at(points)
    found = CameraMap(cameras)
    from_a = {
        camera.id: distance_m(*a, camera.location.lon, camera.location.lat) for camera in cameras
    }
    to_b = {
        camera.id: distance_m(*b, camera.location.lon, camera.location.lat) for camera in cameras
    }
    line_m = distance_m(*a, *b)
    near = found.nearest(at(a), most, ["c0"])
    assert [one.distance_m for one in near] == pytest.approx(
        sorted(m for name, m in from_a.items() if name != "c0")[:most], abs=0.2
    )
    passed = found.passed(at(a), at(b), most, ["c0"])
    on_the_way = [
        name
        for name in from_a
        if from_a[name] + to_b[name] <= line_m * DETOUR + DETOUR_M and name != "c0"
    ]
    assert len(passed) == (min(most, len(on_the_way)) if line_m >= MIN_LEG_M else 0)
    assert {one.camera.id for one in passed} <= set(on_the_way)
    assert [one.distance_m for one in passed] == sorted(one.distance_m for one in passed)


def test_the_straightest_way_comes_first_where_there_are_too_many() -> None:
    cameras = cameras_at([(111.05, 32.0), (111.02, 32.002), (111.08, 32.004)])
    assert [
        one.camera.id for one in CameraMap(cameras).passed(at((111.0, 32.0)), at((111.1, 32.0)), 2)
    ] == ["c1", "c0"]


def test_a_map_without_cameras_names_none() -> None:
    assert CameraMap(()).nearest(at((111, 32)), 3) == []
    assert CameraMap(()).passed(at((111, 32)), at((112, 32)), 3) == []
