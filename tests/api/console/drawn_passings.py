"""Pictures of passings as a checkpoint has them: a road with a vehicle, and its plate."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from cv2.typing import MatLike

from domain.events.event import Event, ObjectDigest, Sidecar
from domain.paths.object_keys import CROP, SIDECAR, SNAPSHOT, event_object
from simulator.plates import draw_plate
from simulator.scene import HEIGHT_PX, WIDTH_PX, checkpoint_road
from simulator.sprites import Sprite
from simulator.vehicles import GROUND_PX, MIDDLE_PX, Shape, Vehicle, draw_vehicle

if TYPE_CHECKING:
    from tests.api.conftest import Site

_SHAPES: tuple[Shape, ...] = ("sedan", "van", "sedan")
_BODIES = ((60, 60, 170), (200, 195, 190), (70, 60, 55), (150, 110, 40), (235, 235, 235))
_SNAPSHOT_PX = (640, 360)
_CROP_PX = (176, 56)


def keep_pictures(site: Site, event: Event) -> None:
    """Store the snapshot and the crop of a vehicle's passing, which is drawn from its plate."""
    digests = {}
    for name, picture in zip((SNAPSHOT, CROP), _pictures(event), strict=True):
        key = event_object(event.camera, event.id, name)
        data = cv2.imencode(".jpg", picture)[1].tobytes()
        site.context.objects.put(key, data, "image/jpeg")
        digests[name] = ObjectDigest(
            key=key, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
        )
    site.context.objects.put(
        event_object(event.camera, event.id, SIDECAR),
        Sidecar(event=event, objects=digests).model_dump_json(by_alias=True).encode(),
        "application/json",
    )


def _pictures(event: Event) -> tuple[MatLike, MatLike]:
    plate = event.plate
    assert plate is not None
    seed = sum(map(ord, plate.text))
    body = _BODIES[seed % len(_BODIES)]
    vehicle = Vehicle(plate.text, plate.color, _SHAPES[seed % len(_SHAPES)], body)
    scene = _road().copy()
    at = WIDTH_PX * (0.35 + 0.03 * (seed % 10)), HEIGHT_PX * 0.86
    Sprite(draw_vehicle(vehicle), (MIDDLE_PX, GROUND_PX)).paste(scene, *at, 0.48)
    snapshot = cv2.resize(scene, _SNAPSHOT_PX, interpolation=cv2.INTER_AREA)
    crop = cv2.resize(draw_plate(plate.text, plate.color), _CROP_PX, interpolation=cv2.INTER_AREA)
    return snapshot, crop


@cache
def _road() -> MatLike:
    return np.asarray(checkpoint_road(), np.uint8)
