"""Video of a camera with privacy masks needs the right `unmasked_view`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.access.api_context import SiteRegistry
from domain.people import Right, Role
from domain.registry import Registry
from tests.api.site_data import REGISTRY

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite
    from tests.api.site_data import MakeEvent

SPAN = "from=2025-11-24T16:00:00Z&to=2025-11-24T16:00:10Z"
VIDEO = (
    f"recording?{SPAN}",
    f"playlist?{SPAN}",
    f"playlist.m3u8?{SPAN}",
    f"keyframes?{SPAN}",
    "segments/x",
    "picture",
    "picture?at=2025-11-24T16:00:00Z",
)


def masked_registry() -> Registry:
    mask = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.2))
    cameras = tuple(
        camera.model_copy(update={"masks": (mask,)}) if camera.id == "east-gate" else camera
        for camera in REGISTRY.cameras
    )
    return REGISTRY.model_copy(update={"cameras": cameras})


@pytest.mark.parametrize("path", VIDEO)
def test_video_of_a_camera_with_masks(open_site: OpenSite, path: str) -> None:
    registry = masked_registry()
    site = open_site(registry=lambda: SiteRegistry(registry))
    refused = site.get(f"/v1/cameras/east-gate/{path}", Role.OPERATOR)
    assert refused.status_code == 403
    assert "`unmasked_view`" in refused.json()["detail"]
    assert site.get(f"/v1/cameras/east-gate/{path}", Role.INVESTIGATOR).status_code != 403
    assert site.get(f"/v1/cameras/west-gate/{path}", Role.OPERATOR).status_code != 403
    person = site.context.people.by_token(site.tokens[Role.OPERATOR])
    assert person is not None
    site.context.people.change(person.name, grants=[Right.UNMASKED_VIEW])
    assert site.get(f"/v1/cameras/east-gate/{path}", Role.OPERATOR).status_code != 403


def test_a_clip_and_a_test_picture_of_a_camera_with_masks(
    open_site: OpenSite, make_event: MakeEvent
) -> None:
    registry = masked_registry()
    site = open_site(registry=lambda: SiteRegistry(registry))
    site.redis.do("FLUSHALL")
    site.tokens.clear()
    event = make_event()
    site.spool_passing(event)
    site.hold("east-gate")
    assert site.get(f"/v1/events/{event.id}/clip", Role.OPERATOR).status_code == 403
    assert site.get(f"/v1/events/{event.id}/clip", Role.INVESTIGATOR).status_code != 403
    assert site.get(f"/v1/events/{event.id}/snapshot", Role.OPERATOR).status_code == 200
    assert site.get("/v1/cameras/east-gate/test-picture", Role.INTEGRATOR).status_code == 403


def test_an_integrator_gets_a_test_picture_and_no_live_view(open_site: OpenSite) -> None:
    site = open_site()
    site.pictures["east-gate"] = b"a JPEG"
    site.hold("east-gate")
    answer = site.get("/v1/cameras/east-gate/test-picture", Role.INTEGRATOR)
    assert (answer.status_code, answer.content) == (200, b"a JPEG")
    assert site.get("/v1/cameras/east-gate/picture", Role.INTEGRATOR).status_code == 403
    assert site.get("/v1/cameras/east-gate/test-picture", Role.OPERATOR).status_code == 403
