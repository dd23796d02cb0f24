"""Areas with the numbers of their cameras, and cameras by state and by place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.camera_states import CameraState, CameraStatus
from tests.api.site_data import START_NS

if TYPE_CHECKING:
    from tests.api.conftest import Site


@pytest.fixture(autouse=True)
def _states(site: Site) -> None:
    site.context.states.publish(
        [
            CameraStatus("east-gate", CameraState.LIVE, START_NS),
            CameraStatus("school", CameraState.UNREACHABLE, START_NS),
        ]
    )


def test_an_area_counts_the_cameras_of_those_below_it(site: Site) -> None:
    top, street = site.get("/v1/areas").json()["items"]
    assert top == {
        "id": "danjiangkou",
        "name": "丹江口市",
        "parent": None,
        "cameras": 3,
        "states": {"live": 1, "unreachable": 1, "unknown": 1},
    }
    assert (street["name"], street["parent"], street["cameras"]) == (
        "均州路街道",
        "danjiangkou",
        2,
    )
    assert street["states"] == {"live": 1, "unknown": 1}


def test_areas_are_listed_by_pages(site: Site) -> None:
    first = site.get("/v1/areas?limit=1").json()
    rest = site.get(f"/v1/areas?limit=1&next={first['next']}").json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [
        "danjiangkou",
        "danjiangkou/junzhou",
    ]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=live", ["east-gate"]),
        ("state=unknown", ["west-gate"]),
        ("state=unreachable&area=danjiangkou/junzhou", []),
        ("near=111.513,32.54,2000", ["east-gate", "school"]),
        ("near=111.513,32.54,2000&class=A", ["east-gate"]),
        ("within=111.4,32.5;111.45,32.5;111.45,32.6;111.4,32.6", ["west-gate"]),
    ],
)
def test_cameras_are_found_by_state_and_place(site: Site, query: str, expected: list[str]) -> None:
    found = site.get(f"/v1/cameras?{query}").json()
    assert ([camera["id"] for camera in found["items"]], found["next"]) == (expected, None)


def test_pages_of_cameras_in_a_state(site: Site) -> None:
    statuses = [CameraStatus(name, CameraState.LIVE, START_NS) for name in ("west-gate", "school")]
    site.context.states.publish(statuses)
    first = site.get("/v1/cameras?state=live&limit=2").json()
    rest = site.get(f"/v1/cameras?state=live&limit=2&next={first['next']}").json()
    assert [camera["id"] for camera in first["items"] + rest["items"]] == [
        "east-gate",
        "school",
        "west-gate",
    ]
