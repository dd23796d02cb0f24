from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S, ManualClock
from domain.errors import ObjectsFull, ObjectsUnavailable
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from domain.registry import Camera
from domain.settings import Settings
from storage.clients.s3 import ObjectStore
from storage.recordings.ledger import Ledger, open_name
from storage.recordings.name_set import NameSet
from storage.recordings.recorded_ranges import Range
from storage.recordings.stored_segments import StoredSegment, StoredSegments
from storage.recordings.trigger_log import TriggerLog
from storage.recordings.uploads import LOOK_AGAIN_S, READ_AGAIN_S, Uploads
from storage.recordings.virtual.index_uploads import IndexUploads
from storage.recordings.virtual.layouts import RecordingIndex
from storage.recordings.virtual.stored_index import StoredIndex
from tests.kept import START_NS

if TYPE_CHECKING:
    from tests.storage.conftest import RelayedStore

START_MS = START_NS // NS_PER_MS
NEVER = threading.Event()


def _camera(camera_id: str, class_: str = "A", **keys: object) -> Camera:
    place = {
        "name": camera_id,
        "area": "a",
        "location": {"lon": 0, "lat": 0},
        "url": "rtsp://10.0.0.1/",
    }
    return Camera.model_validate({"id": camera_id, "class": class_, **place, **keys})


class Node:
    """A node's disk, its uploads, and what of its cameras is kept around triggers."""

    def __init__(
        self,
        layout: Layout,
        objects: ObjectStore,
        clock: ManualClock,
        settings: Settings | None = None,
    ) -> None:
        self.layout, self.clock = layout, clock
        self.cameras = [_camera("gate")]
        self.kept: list[Range] = []
        self.ledger = Ledger(layout.recordings)
        self.stored = StoredSegments(objects, clock)
        self.index = RecordingIndex(layout.recording_index)
        self.stored_index = StoredIndex(objects, clock)
        self._settings = settings or Settings()
        self.uploads = self.restart()

    def restart(self) -> Uploads:
        self.uploads = Uploads(
            self.ledger,
            self.stored,
            IndexUploads(self.index, self.stored_index, "node-1", self.clock),
            self._settings,
            self.clock,
            lambda: self.cameras,
            lambda *_: self.kept,
        )
        return self.uploads

    def record(
        self, camera_id: str, *numbers: int, size_bytes: int = 1000, is_open: bool = False
    ) -> None:
        for number in numbers:
            start_ms = START_MS + number * 10_000
            folder = self.layout.recordings_of(camera_id) / day_of(start_ms * NS_PER_MS)
            folder.mkdir(parents=True, exist_ok=True)
            name = (
                open_name(camera_id, start_ms, 1)
                if is_open
                else SegmentName(camera_id, start_ms, 10_000, 1).file_name
            )
            (folder / name).write_bytes(random.Random(number).randbytes(size_bytes))

    def upload_all(self) -> int:
        self.clock.advance(LOOK_AGAIN_S)
        done = 0
        while now := self.uploads.run_once(NEVER):
            done += now
        return done

    def there(self, camera_id: str) -> list[int]:
        return [
            (one.name.start_ms - START_MS) // 10_000
            for day in self.stored.days(camera_id)
            for one in self.stored.on_day(camera_id, day)
        ]


@pytest.fixture
def node(layout: Layout, objects: ObjectStore, clock: ManualClock) -> Node:
    return Node(layout, objects, clock)


def test_finished_segments_are_uploaded_once_and_found_again_after_a_restart(node: Node) -> None:
    node.record("gate", 0, 1, 2)
    node.record("gate", 3, is_open=True)
    assert node.upload_all() == 3
    assert node.there("gate") == [0, 1, 2]
    node.record("gate", 4)
    node.restart()
    assert node.upload_all() == 1
    assert node.there("gate") == [0, 1, 2, 4]
    assert node.uploads.waiting() == 0
    assert node.uploads.oldest_waiting_ns() is None
    segments = list(node.ledger.oldest_first())
    assert all(
        node.uploads.seems_uploaded(segment) and node.uploads.is_uploaded(segment)
        for segment in segments
    )


def test_a_copy_that_is_torn_in_the_store_is_uploaded_again(
    node: Node, objects: ObjectStore
) -> None:
    node.record("gate", 0, 1)
    node.upload_all()
    (key, _) = (found.key for found in objects.list("recordings/"))
    objects.put(key, b"torn", "video/mp4")
    assert not node.uploads.is_uploaded(next(node.ledger.oldest_first()))
    node.restart()
    assert node.upload_all() == 1
    assert node.uploads.is_uploaded(next(node.ledger.oldest_first()))


def test_the_important_come_first_and_of_those_the_oldest(node: Node) -> None:
    node.cameras = [
        _camera("shop", "C", upload="all", record="continuous"),
        _camera("school", "B"),
        _camera("gate", checkpoint=["plate"]),
    ]
    node.cameras += [_camera("bridge"), _camera("square")]
    for camera in node.cameras:
        node.record(camera.id, 0, 1)
    order = [(name.camera_id, (name.start_ms - START_MS) // 10_000) for name in _order(node)]
    assert order == [
        (a, n)
        for a, n in [
            ("gate", 0),
            ("gate", 1),
            ("bridge", 0),
            ("square", 0),
            ("bridge", 1),
            ("square", 1),
        ]
    ] + [("school", 0), ("school", 1), ("shop", 0), ("shop", 1)]


def _order(node: Node) -> list[SegmentName]:
    node.uploads._refresh()
    return [name for _, _, name in node.uploads._next(100)]


def test_what_the_policy_keeps_here_stays_here(node: Node) -> None:
    node.cameras = [
        _camera("gate", upload="events"),
        _camera("bridge", upload="none"),
        _camera("square", record="events"),
    ]
    for camera in node.cameras:
        node.record(camera.id, 0, 1, 2, 3)
    assert node.upload_all() == 0
    node.kept = [(START_NS + 15 * NS_PER_S, START_NS + 21 * NS_PER_S)]
    assert node.upload_all() == 4
    assert [node.there(camera.id) for camera in node.cameras] == [[1, 2], [], [1, 2]]


def test_an_outage_is_spooled_and_drained(
    layout: Layout, relayed: RelayedStore, clock: ManualClock
) -> None:
    relay, node = relayed.relay, Node(layout, relayed.objects, clock)
    node.record("gate", 0)
    assert node.upload_all() == 1
    relay.cut()
    node.record("gate", *range(1, 31))
    clock.advance(60)
    with pytest.raises(ObjectsUnavailable):
        node.uploads.run_once(NEVER)
    assert not node.uploads.is_uploaded(next(node.ledger.oldest_first()))
    assert node.uploads.waiting() == 30
    assert node.uploads.oldest_waiting_ns() == START_NS + 20 * NS_PER_S
    relay.mend()
    assert node.upload_all() == 30
    assert node.there("gate") == list(range(31))


def test_no_more_is_uploaded_a_second_than_may_be(
    layout: Layout, objects: ObjectStore, clock: ManualClock
) -> None:
    node = Node(layout, objects, clock, Settings(upload_limit_mb_s=0.1))
    node.record("gate", 0, 1, size_bytes=200_000)
    node.upload_all()
    assert clock.waits_s == [2.0, 2.0]


def test_a_segment_deleted_before_its_turn_blocks_no_other(node: Node) -> None:
    node.record("gate", 0, 1)
    node.uploads._refresh()
    next(node.ledger.oldest_first()).path.unlink()
    assert node.upload_all() == 1
    assert node.there("gate") == [1]


def test_a_file_that_cannot_be_read_blocks_no_other_and_is_tried_again(
    node: Node, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    node.record("gate", *range(30))
    unreadable = next(node.ledger.oldest_first()).path
    whole = unreadable.rename(unreadable.with_name("aside"))
    unreadable.symlink_to(unreadable.name)
    assert node.upload_all() == 29
    assert node.there("gate") == list(range(1, 30))
    assert node.uploads.waiting() == 1
    assert f"{unreadable.name} cannot be read" in caplog.text
    whole.replace(unreadable)
    assert node.upload_all() == 0
    clock.advance(READ_AGAIN_S)
    assert node.upload_all() == 1
    assert node.uploads.waiting() == 0


def test_triggers_of_one_camera_that_cannot_be_read_delay_no_other_camera(
    layout: Layout, objects: ObjectStore, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(layout, objects, clock)
    node.cameras = [_camera("square", record="events"), _camera("gate")]
    for camera in node.cameras:
        node.record(camera.id, 0, 1)
    (layout.triggers / "square" / f"{day_of(START_NS)}.jsonl").mkdir(parents=True)
    node.uploads = Uploads(
        node.ledger,
        node.stored,
        IndexUploads(node.index, node.stored_index, "node-1", clock),
        Settings(),
        clock,
        lambda: node.cameras,
        TriggerLog(layout, Settings()).kept_ranges,
    )
    assert node.upload_all() == 2
    assert node.there("gate") == [0, 1]
    assert "recordings of square cannot be uploaded" in caplog.text


def test_run_says_since_when_the_store_is_away_and_ends_at_once(
    node: Node, clock: ManualClock
) -> None:
    node.record("gate", 0)
    stop = threading.Event()
    stop.set()
    node.uploads.run(stop)
    assert node.there("gate") == []


@given(st.sets(st.text(max_size=8)), st.sets(st.text(max_size=8)))
def test_a_set_of_names_has_what_was_added(added: set[str], others: set[str]) -> None:
    names = NameSet()
    for name in [*added, *added]:
        names.add(name)
    assert len(names) == len(added)
    assert {name for name in added | others if name in names} == added


def test_files_are_where_the_keys_say(node: Node, tmp_path: Path) -> None:
    node.record("gate", 0)
    node.upload_all()
    (found,) = node.stored.on_day("gate", day_of(START_NS))
    assert (tmp_path / found.key).exists()


def test_a_full_store_is_reported_until_it_accepts_an_upload(
    layout: Layout, objects: ObjectStore, clock: ManualClock
) -> None:
    class Full(StoredSegments):
        refusals = 3

        def put(self, name: SegmentName, path: Path) -> StoredSegment:
            self.refusals -= 1
            if self.refusals >= 0:
                raise ObjectsFull("the object store takes nothing more")
            return super().put(name, path)

    stop, refusals = threading.Event(), list[bool]()

    def room(refusal: ObjectsFull | None) -> None:
        refusals.append(refusal is not None)
        if refusal is None:
            stop.set()

    node = Node(layout, objects, clock)
    node.record("gate", 0, 1)
    Uploads(
        node.ledger,
        Full(objects, clock),
        IndexUploads(node.index, node.stored_index, "node-1", clock),
        Settings(),
        clock,
        lambda: node.cameras,
        lambda *_: [],
        room,
    ).run(stop)
    assert refusals == [True, True, True, False]
    assert node.there("gate") == [0, 1]
