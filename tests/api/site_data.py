"""The registry, the events and the segments that the tests of the API use."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.clock import NS_PER_MS, NS_PER_S
from domain.events.event import Alternative, Event, Location, Plate
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from domain.plates import PlateColor
from domain.registry import Registry
from domain.signatures import ApiSigner
from domain.ulid import event_id
from storage.recordings.virtual.layouts import Layouts, RecordingIndex
from storage.recordings.virtual.segment_headers import SegmentHeads

NODE = "node-1"
SIGNER = ApiSigner(Ed25519PrivateKey.generate(), b"the certificate of the API of the tests")


def key_of_api(certificate: bytes) -> Ed25519PublicKey | None:
    """Trust the API of the tests."""
    return SIGNER.key.public_key() if certificate == SIGNER.certificate else None


START_NS = 1_764_000_000 * NS_PER_S


REGISTRY = Registry.model_validate(
    {
        "version": 1,
        "areas": {
            "danjiangkou/junzhou": {"name": "均州路街道"},
            "danjiangkou": {"name": "丹江口市"},
        },
        "cameras": [
            {
                "id": camera_id,
                "name": name,
                "class": class_,
                "area": area,
                "location": {"lon": lon, "lat": 32.54},
                "url": f"rtsp://10.1.2.3:554/{camera_id}?user=admin&password=hunter2",
                "checkpoint": checkpoint,
                "substream": {"url": "rtsp://10.1.2.3:554/small"}
                if camera_id == "east-gate"
                else None,
            }
            for camera_id, name, class_, area, lon, checkpoint in (
                ("east-gate", "均州路东口卡口", "A", "danjiangkou/junzhou", 111.513, ["plate"]),
                (
                    "west-gate",
                    "均州路西口卡口",
                    "A",
                    "danjiangkou/junzhou",
                    111.413,
                    ["plate", "face"],
                ),
                ("school", "实验小学", "B", "danjiangkou", 111.52, []),
            )
        ],
    }
)


class MakeEvent(Protocol):
    def __call__(
        self,
        at_s: float = 0,
        camera: str = "east-gate",
        plate: str | None = "鄂F88888",
        **changes: object,
    ) -> Event: ...


def event_at(
    at_s: float = 0, camera: str = "east-gate", plate: str | None = "鄂F88888", **changes: object
) -> Event:
    """An event `at_s` seconds into the tests' day; of a face where `plate` is None."""
    entry = REGISTRY.camera(camera)
    assert entry is not None
    at_ns = START_NS + round(at_s * 1000) * NS_PER_MS
    kind = "face" if plate is None else "vehicle"
    read = (
        None
        if plate is None
        else Plate(
            text=plate,
            color=PlateColor.BLUE,
            confidence=0.98,
            alternatives=(Alternative(text="鄂F8888B", confidence=0.01),),
        )
    )
    fields: dict[str, object] = {
        "id": event_id(camera, kind, at_ns, "0"),
        "kind": kind,
        "camera": camera,
        "class": entry.class_,
        "area": entry.area,
        "location": Location(lon=entry.location.lon, lat=entry.location.lat),
        "started_at": at_ns,
        "best_at": at_ns + 500 * NS_PER_MS,
        "ended_at": at_ns + 1000 * NS_PER_MS,
        "plate": read,
        "confidence": 0.9,
        "box": (0.4, 0.6, 0.5, 0.7),
    }
    return Event.model_validate(fields | changes)


def record_segment(layout: Layout, camera_id: str, start_ns: int, seconds: float) -> Path:
    """A segment as the recorder leaves it: 10 pictures a second, a keyframe each second,
    fragmented MP4.
    """
    name = SegmentName(camera_id, start_ns // NS_PER_MS, round(seconds * 1000), 1)
    folder = layout.recordings_of(camera_id) / day_of(start_ns)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name.file_name
    with av.open(
        str(path), "w", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    ) as container:
        stream = container.add_stream(
            "libx264", rate=10, options={"preset": "ultrafast", "tune": "zerolatency", "g": "10"}
        )
        stream.width, stream.height, stream.pix_fmt, stream.time_base = (
            64,
            48,
            "yuv420p",
            Fraction(1, 10),
        )
        for i in range(round(seconds * 10)):
            frame = av.VideoFrame.from_ndarray(
                np.full((48, 64, 3), (i * 8) % 255, np.uint8), "rgb24"
            )
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def layouts_of(layout: Layout) -> Layouts:
    """The layouts of the recordings in a data folder, as a node has them."""
    return Layouts(RecordingIndex(layout.recording_index))


def heads_of(layout: Layout) -> SegmentHeads:
    """The heads of the segments in a data folder, as a node has them."""
    return SegmentHeads(RecordingIndex(layout.recording_index))
