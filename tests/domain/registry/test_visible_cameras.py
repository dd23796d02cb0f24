"""Scopes, evaluated against a registry with renamed areas and former cameras."""

from __future__ import annotations

import pytest

from domain.camera_scope import ALL_CAMERAS, CameraScope
from domain.registry import Registry
from domain.registry.former import FormerCamera
from domain.registry.visible_cameras import unknown_areas, visible_cameras


def _camera(camera_id: str, area: str, class_: str = "A") -> dict[str, object]:
    return {
        "id": camera_id,
        "name": camera_id,
        "class": class_,
        "area": area,
        "location": {"lon": 111.5, "lat": 32.5},
        "url": f"rtsp://10.0.0.1/{camera_id}",
    }


REGISTRY = Registry.model_validate(
    {
        "version": 1,
        "areas": {
            "new": {"name": "new", "formerly": ["old", "older/still"]},
            "new/east": {"name": "east"},
            "new/harbour": {"name": "harbour", "formerly": ["old/port"]},
            "newest": {"name": "newest"},
        },
        "cameras": [
            _camera("top", "new"),
            _camera("east", "new/east", "B"),
            _camera("harbour", "new/harbour"),
            _camera("newest", "newest"),
        ],
    }
)
_LEFT = Registry.model_validate(
    {
        "version": 1,
        "areas": {"old": {"name": "old"}},
        "cameras": [_camera("left", "old"), _camera("newest", "new")],
    }
)
FORMER = {camera.id: FormerCamera(camera=camera, left_at=1) for camera in _LEFT.cameras}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (CameraScope(areas=("new",)), "east harbour top"),
        (CameraScope(areas=("old",)), "east harbour left top"),
        (CameraScope(areas=("older/still",)), "east harbour top"),
        (CameraScope(areas=("old/east",)), "east"),
        (CameraScope(areas=("old/port",)), "harbour"),
        (CameraScope(areas=("old/harbour",)), "harbour"),
        (CameraScope(areas=("ne",)), ""),
        (CameraScope(areas=("new/east", "newest")), "east newest"),
        (CameraScope(classes=("B",)), "east"),
        (CameraScope(areas=("new",), classes=("A",)), "harbour top"),
        (CameraScope(cameras=("left",)), "left"),
        (CameraScope(areas=("newest",), cameras=("top", "unknown")), "newest top unknown"),
    ],
)
def test_the_cameras_of_a_scope(scope: CameraScope, expected: str) -> None:
    visible = visible_cameras(scope, REGISTRY, FORMER)
    assert visible.ids is not None
    assert " ".join(sorted(visible.ids)) == expected
    assert not visible.is_all


def test_a_scope_without_limits_is_every_camera() -> None:
    visible = visible_cameras(CameraScope(), REGISTRY, FORMER)
    assert visible is ALL_CAMERAS
    assert "any camera at all" in visible


def test_unknown_areas() -> None:
    areas = ("new", "old", "old/port", "old/east", "never", "new/eas", "")
    assert unknown_areas(areas, REGISTRY) == ["never", "new/eas", ""]
