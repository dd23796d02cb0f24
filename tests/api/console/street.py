"""A site with two vehicles and a face, with pictures and clips, and cameras in three states."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from api.access.api_context import SiteRegistry
from domain.camera_states import CameraState, CameraStatus, Why
from domain.clock import NS_PER_S
from domain.events.event import Event, ObjectDigest, Sidecar
from domain.paths.data_layout import Layout
from domain.paths.object_keys import CLIP, CROP, SIDECAR, SNAPSHOT, event_object
from domain.plates import PlateColor
from storage.recordings.ledger import Ledger
from tests.api.site_data import REGISTRY, START_NS
from tests.clips import clip_of

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site
    from tests.api.site_data import MakeEvent

HOSTILE = "<img src=x onerror=alert(1)>东口"
"""The name of a camera that would run a script if a page took it for HTML."""


def open_street(
    open_site: OpenSite,
    make_event: MakeEvent,
    record: Callable[[Layout, str, int, float], Path],
    **changes: object,
) -> Site:
    """Open a site with events and camera states; one camera has a hostile name."""
    site = open_site(**{"registry": _hostile_registry} | changes)
    events = [
        make_event(1, direction="away", lane=2, crossed=(-1,)),
        _green(make_event(4, "west-gate", "粤BD12345")),
        make_event(7, "west-gate", None),
    ]
    record(site.layout, "east-gate", START_NS, 6)
    for event in events:
        keep_event(site, event)
    report_cameras(site)
    return site


def report_cameras(site: Site) -> None:
    """Report states of cameras, as their node does every second; they are valid for 15 s."""
    seen = {
        "last_packet_wall_ns": START_NS,
        "codec": "h264",
        "width_px": 1920,
        "height_px": 1080,
        "fps": 25.0,
        "bitrate_bps": 4_100_000,
    }
    site.context.states.publish(
        [
            CameraStatus("east-gate", CameraState.LIVE, START_NS, **seen),  # type: ignore[arg-type]
            CameraStatus(
                "school",
                CameraState.WRONG_PASSWORD,
                START_NS,
                "401 Unauthorized",
                why=Why.LOGIN,
            ),
        ]
    )


def _green(event: Event) -> Event:
    assert event.plate is not None
    return event.model_copy(
        update={"plate": event.plate.model_copy(update={"color": PlateColor.GREEN})}
    )


def _hostile_registry() -> SiteRegistry:
    cameras = tuple(
        camera.model_copy(update={"name": HOSTILE}) if camera.id == "west-gate" else camera
        for camera in REGISTRY.cameras
    )
    return SiteRegistry(REGISTRY.model_copy(update={"cameras": cameras}))


def keep_event(site: Site, event: Event) -> Event:
    """Store an event with pictures and a clip of the first 6 s of the east gate; return it so."""
    clip = site.layout.root / "clip.mp4"
    made = clip_of(
        Ledger(site.layout.recordings).segments("east-gate", START_NS, START_NS + 6 * NS_PER_S),
        START_NS,
        START_NS + 6 * NS_PER_S,
        clip,
    )
    key = event_object(event.camera, event.id, CLIP)
    ready = event.model_copy(update={"clip_ready": True})
    digests = {CLIP: ObjectDigest(key=key, size_bytes=made.size_bytes, sha256=made.sha256)}
    for name, width_px, height_px in ((SNAPSHOT, 640, 360), (CROP, 160, 52)):
        at, data = event_object(event.camera, event.id, name), _jpeg(width_px, height_px)
        site.context.objects.put(at, data, "image/jpeg")
        digests[name] = ObjectDigest(
            key=at, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
        )
    sidecar = Sidecar(event=ready, objects=digests)
    site.context.objects.put_file(key, clip, "video/mp4")
    site.context.objects.put(
        event_object(event.camera, event.id, SIDECAR),
        sidecar.model_dump_json(by_alias=True).encode(),
        "application/json",
    )
    site.context.index.put(ready)
    return ready


def _jpeg(width_px: int, height_px: int) -> bytes:
    ramp = np.linspace(40, 200, width_px, dtype=np.uint8)
    picture = np.repeat(ramp[None, :, None], height_px, 0).repeat(3, 2)
    cv2.rectangle(
        picture, (width_px // 4, height_px // 4), (width_px // 2, height_px // 2), (200, 90, 20), -1
    )
    return cv2.imencode(".jpg", picture)[1].tobytes()
