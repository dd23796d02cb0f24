"""The recording index of a node in the object store: when it is uploaded, and what it keeps."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.clock import NS_PER_HOUR, NS_PER_S, ManualClock
from domain.errors import ObjectsUnavailable
from domain.paths.data_layout import Layout
from domain.paths.object_keys import layouts_object
from domain.paths.segment_name import SegmentName
from storage.clients.s3 import ObjectStore
from storage.recordings.virtual import stored_index
from storage.recordings.virtual.index_uploads import EVERY_S, SETTLED_S, IndexUploads
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record
from storage.recordings.virtual.stored_index import StoredIndex
from tests.recorded import PLAIN, packets_of, record

if TYPE_CHECKING:
    from tests.storage.conftest import RelayedStore

NEVER = threading.Event()
HOUR_NS = 1_760_000_400 * NS_PER_S
"""A whole hour."""
assert HOUR_NS % NS_PER_HOUR == 0


class Node:
    """A node with segments on its disk, and the uploads of its index."""

    def __init__(
        self, layout: Layout, objects: ObjectStore, clock: ManualClock, name: str = "node-1"
    ) -> None:
        self.index = RecordingIndex(layout.recording_index)
        self.stored = StoredIndex(objects, clock)
        self.objects, self.clock, self.name = objects, clock, name
        self.uploads = self.restart()

    def restart(self) -> IndexUploads:
        self.uploads = IndexUploads(self.index, self.stored, self.name, self.clock)
        return self.uploads

    def add(self, path: Path, start_ns: int) -> str:
        """Add a segment that begins at `start_ns` to the index, and report it as uploaded."""
        name = SegmentName("cam-1", start_ns // 10**6, 6000, 1).file_name
        renamed = path.with_name(name)
        shutil.copyfile(path, renamed)
        self.index.add("cam-1", start_ns, hashed_record(renamed))
        self.uploads.add("cam-1", start_ns)
        return name

    def names(self, hour_ns: int = HOUR_NS) -> set[str]:
        """Return the segments that the stored index has, from a new listing."""
        return set(StoredIndex(self.objects, self.clock).records("cam-1", hour_ns))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(HOUR_NS + NS_PER_S)


@pytest.fixture
def node(layout: Layout, objects: ObjectStore, clock: ManualClock) -> Node:
    return Node(layout, objects, clock)


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    record(packets_of(PLAIN)[:150], folder)
    return sorted(folder.rglob("*.mp4"))[0]


def test_an_hour_is_uploaded_with_its_first_segment_then_rarely_and_when_it_is_over(
    node: Node, segment: Path
) -> None:
    assert node.uploads.run_once(NEVER) == 0
    names = [node.add(segment, HOUR_NS)]
    assert node.uploads.run_once(NEVER) > 0
    assert node.names() == set(names)
    names.append(node.add(segment, HOUR_NS + 10 * NS_PER_S))
    assert node.uploads.run_once(NEVER) == 0
    node.clock.advance(EVERY_S)
    assert node.uploads.run_once(NEVER) > 0
    assert node.names() == set(names)
    names.append(node.add(segment, HOUR_NS + NS_PER_HOUR - NS_PER_S))
    node.clock.advance(3600)
    assert node.uploads.run_once(NEVER) > 0
    assert node.names() == set(names)
    assert node.uploads.run_once(NEVER) == 0


def test_what_a_killed_process_left_is_uploaded_after_a_restart(node: Node, segment: Path) -> None:
    names = [node.add(segment, HOUR_NS)]
    node.uploads.run_once(NEVER)
    names.append(node.add(segment, HOUR_NS + 10 * NS_PER_S))
    node.restart()
    node.clock.advance(3 * 3600)
    node.uploads.add("cam-1", HOUR_NS)  # which the listing of the store has
    node.clock.advance(SETTLED_S)
    assert node.uploads.run_once(NEVER) > 0
    assert node.names() == set(names)
    node.uploads.add("cam-1", HOUR_NS)
    node.clock.advance(SETTLED_S)
    assert node.uploads.run_once(NEVER) == 0


def test_a_new_disk_of_a_node_keeps_what_its_earlier_one_uploaded(
    node: Node, segment: Path, objects: ObjectStore, tmp_path: Path
) -> None:
    names = [node.add(segment, HOUR_NS)]
    node.uploads.run_once(NEVER)
    replaced = Node(Layout(tmp_path / "new"), objects, node.clock)
    names.append(replaced.add(segment, HOUR_NS + 10 * NS_PER_S))
    assert replaced.uploads.run_once(NEVER) > 0
    names.append(replaced.add(segment, HOUR_NS + 20 * NS_PER_S))
    replaced.clock.advance(EVERY_S)
    replaced.uploads.run_once(NEVER)
    assert node.names() == set(names)
    size_bytes = objects.stat(layouts_object("cam-1", HOUR_NS, "node-1"))
    replaced.restart().add("cam-1", HOUR_NS)
    replaced.uploads.run_once(NEVER)
    assert objects.stat(layouts_object("cam-1", HOUR_NS, "node-1")) == size_bytes


def test_a_deleted_index_deletes_none_in_the_store(
    node: Node, segment: Path, layout: Layout
) -> None:
    name = node.add(segment, HOUR_NS)
    node.uploads.run_once(NEVER)
    shutil.rmtree(layout.recording_index)
    node.restart().add("cam-1", HOUR_NS)
    assert node.uploads.run_once(NEVER) == 0
    assert node.names() == {name}


def test_two_nodes_of_an_hour_are_read_together(
    node: Node, segment: Path, objects: ObjectStore, tmp_path: Path
) -> None:
    other = Node(Layout(tmp_path / "other"), objects, node.clock, "node-2")
    names = {node.add(segment, HOUR_NS), other.add(segment, HOUR_NS + 10 * NS_PER_S)}
    node.uploads.run_once(NEVER)
    other.uploads.run_once(NEVER)
    assert node.names() == names


def test_an_unreachable_store_is_tried_again(
    layout: Layout, relayed: RelayedStore, clock: ManualClock, segment: Path
) -> None:
    relay, node = relayed.relay, Node(layout, relayed.objects, clock)
    name = node.add(segment, HOUR_NS)
    relay.cut()
    with pytest.raises(ObjectsUnavailable):
        node.uploads.run_once(NEVER)
    relay.mend()
    clock.advance(60)
    assert node.uploads.run_once(NEVER) > 0
    assert node.names() == {name}


def test_an_index_that_is_too_large_is_read_from_the_segments(
    node: Node, segment: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    node.add(segment, HOUR_NS)
    node.uploads.run_once(NEVER)
    monkeypatch.setattr(stored_index, "MOST_HOUR_BYTES", 10)
    assert node.names() == set()
    assert "are read from its segments" in caplog.text
