"""The lines in which a node sends detections to the API."""

from __future__ import annotations

import pytest

from api.nodes.detection_wire import (
    MAX_LINE_BYTES,
    DetectionReader,
    alive_line,
    detections_line,
    error_line,
)
from domain.errors import NodeOffline, NotFound
from domain.media.live_detections import LiveDetection, LiveDetections

FACE = LiveDetection(kind="face", track=1, box=(0.1, 0.1, 0.2, 0.2), confidence=0.8)
SHOWN = [LiveDetections(wall_ns=number, items=(FACE,) * number) for number in range(1, 4)]


@pytest.mark.parametrize("chunk_bytes", [1, 7, 4096])
def test_chunks_of_any_size_give_the_same_detections(chunk_bytes: int) -> None:
    data = alive_line().join(map(detections_line, SHOWN))
    reader = DetectionReader("node-1")
    found: list[LiveDetections] = []
    for at in range(0, len(data), chunk_bytes):
        found += reader.feed(data[at : at + chunk_bytes])
    assert found == SHOWN


def test_the_error_of_the_node_is_raised() -> None:
    with pytest.raises(NotFound, match="gate is no checkpoint"):
        DetectionReader("node-1").feed(error_line(NotFound("gate is no checkpoint")))


@pytest.mark.parametrize("data", [b"hello\n", b"{}\n", b"\xff\n", b"x" * (MAX_LINE_BYTES + 1)])
def test_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(NodeOffline, match="another version"):
        DetectionReader("node-1").feed(data)
