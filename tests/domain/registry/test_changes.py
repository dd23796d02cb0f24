"""The differences between two registries."""

from __future__ import annotations

from typing import Any

from domain.registry import CameraChange, Registry, changes_of


def _registry(*cameras: dict[str, Any], areas: tuple[str, ...] = ("a",)) -> Registry:
    return Registry.model_validate(
        {"version": 1, "areas": {area: {"name": area} for area in areas}, "cameras": cameras}
    )


def _camera(camera_id: str, **more: Any) -> dict[str, Any]:
    entry = {
        "id": camera_id,
        "name": "x",
        "class": "A",
        "area": "a",
        "location": {"lon": 1, "lat": 2},
        "url": "rtsp://127.0.0.1/1",
    }
    return entry | more


def test_comes_goes_and_differs() -> None:
    old = _registry(_camera("stays"), _camera("goes"), _camera("named"), _camera("moved"))
    new = _registry(
        _camera("comes"),
        _camera("named", name="y", retention_days=7),
        _camera("moved", url="rtsp://127.0.0.1/2"),
        _camera("stays"),
    )
    changes = changes_of(old, new)
    assert changes.added == ("comes",)
    assert changes.removed == ("goes",)
    assert changes.changed == (
        CameraChange("moved", ("url",), True),
        CameraChange("named", ("retention_days", "name"), False),
    )
    assert not changes.areas
    assert changes


def test_order_is_no_change_and_areas_are() -> None:
    one, two = _camera("one"), _camera("two", **{"class": "B"})
    assert not changes_of(_registry(one, two), _registry(two, one))
    assert changes_of(_registry(one), _registry(one, areas=("a", "b"))).areas
    (changed,) = changes_of(_registry(one), _registry(one | {"class": "B"})).changed
    assert changed == CameraChange("one", ("class",), True)
