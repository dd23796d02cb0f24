"""Live detections on their way: bounded for each receiver, and counted where they are lost."""

from __future__ import annotations

import pytest

from domain.errors import DataLoss
from domain.media.live_detections import (
    MAX_WAITING,
    DetectionFeed,
    DetectionQueue,
    LiveDetection,
    LiveDetections,
    read_detections,
    write_detections,
)
from domain.media.viewer_metrics import LIVE_DETECTIONS_DROPPED

CAR = LiveDetection(kind="vehicle", track=3, box=(0.1, 0.2, 0.3, 0.4), confidence=0.9, plate="鄂C1")


def detections_of(number: int) -> LiveDetections:
    return LiveDetections(wall_ns=1_760_000_000_000_000_000 + number, items=(CAR,))


def test_detections_survive_their_transport_and_unknown_fields() -> None:
    written = write_detections(detections_of(1))
    assert read_detections(written) == detections_of(1)
    assert read_detections(written[:-1] + b',"later":1}') == detections_of(1)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"wall_ns":1,"items":[{}]}', b"\xff"])
def test_bytes_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(DataLoss, match="another form"):
        read_detections(data)


def test_a_receiver_that_is_too_slow_loses_the_oldest_and_blocks_no_other() -> None:
    feed, woken = DetectionFeed(), list[int]()
    slow = DetectionQueue("viewer", lambda: woken.append(0))
    quick = DetectionQueue("viewer", lambda: woken.append(1))
    dropped = LIVE_DETECTIONS_DROPPED.labels("viewer")._value.get()
    for queue in (slow, quick):
        feed.join(queue)
    for number in range(MAX_WAITING + 3):
        feed.put(detections_of(number))
        assert quick.take() == [detections_of(number)]
    assert slow.take() == [detections_of(number) for number in range(3, MAX_WAITING + 3)]
    assert LIVE_DETECTIONS_DROPPED.labels("viewer")._value.get() == dropped + 3
    assert woken.count(0) == woken.count(1) == MAX_WAITING + 3


def test_a_feed_is_watched_while_it_has_a_receiver() -> None:
    feed = DetectionFeed()
    queue = DetectionQueue("api", lambda: None)
    assert not feed.is_watched
    feed.join(queue)
    assert feed.is_watched
    feed.leave(queue)
    feed.put(detections_of(1))
    assert not feed.is_watched
    assert queue.take() == []
